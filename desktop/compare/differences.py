"""Where two texts differ, word by word; and how much each has of a reference's words."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Final

from desktop.report.sentences import words

Range = tuple[int, int]

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


def differences(left: str, right: str) -> tuple[list[Range], list[Range]]:
    """The words of either text that the other has not in their place, as ``(start, end)``.

    Neighbouring words come as one range. White space alone is no difference.
    """
    ours, theirs = _placed(left), _placed(right)
    matcher = SequenceMatcher(
        None, [word for word, _ in ours], [word for word, _ in theirs], autojunk=False
    )
    on_left: list[Range] = []
    on_right: list[Range] = []
    for tag, low, high, from_, to in matcher.get_opcodes():
        if tag == "equal":
            continue
        if low < high:
            on_left.append((ours[low][1], ours[high - 1][1] + len(ours[high - 1][0])))
        if from_ < to:
            on_right.append((theirs[from_][1], theirs[to - 1][1] + len(theirs[to - 1][0])))
    return on_left, on_right


def _placed(text: str) -> list[tuple[str, int]]:
    """Every word with where it begins; white space is none."""
    placed = []
    at = 0
    for word in words(text):
        if not word.isspace():
            placed.append((word, at))
        at += len(word)
    return placed


def token_f1(text: str, reference: str) -> float:
    """F1 of the two bags of words and punctuation marks, letter case ignored.

    1.0 for two empty texts. The same figure as the benchmarks'.
    """
    ours, theirs = (Counter(_TOKEN.findall(each.lower())) for each in (text, reference))
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 1.0
