"""How one candidate's text differs from another's, word by word, short enough for a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum, auto
from itertools import dropwhile
from typing import Final

from desktop.report.sentences import words

ELLIPSIS: Final = "…"
_WHOLE: Final = 60
"""Words, spaces and marks up to which a text is shown whole."""

_CONTEXT: Final = 9
"""How many of them are kept on either side of a difference, in a longer text."""

_WORTH_A_CUT: Final = 16
"""Fewer than these are not left out: the gap in the reading would cost more than the room."""


class Change(Enum):
    SAME = auto()
    NEW = auto()  # not in the text compared with
    GONE = auto()  # only in the text compared with


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive words of which the same is to be said."""

    text: str
    change: Change


def compare(current: str, other: str) -> tuple[Passage, ...]:
    """``other`` as passages, and what of ``current`` it leaves out without anything in its place.

    In a long text, what both have in common is cut to the words beside the differences; the start
    always shows.
    """
    old, new = words(current), words(other)
    passages: list[Passage] = []
    whole = len(new) <= _WHOLE
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for number, (tag, low, high, from_, to) in enumerate(codes):
        if tag == "equal":
            same = new[from_:to]
            if whole:
                text = "".join(same)
            elif len(codes) == 1:
                text = f"{''.join(same[:_WHOLE]).rstrip()} {ELLIPSIS}"
            else:
                text = _cut(same, last=number == len(codes) - 1)
            passages.append(Passage(text, Change.SAME))
        elif tag == "delete":
            passages.append(Passage(_cut(old[low:high], last=False), Change.GONE))
        else:
            passages.append(Passage("".join(new[from_:to]), Change.NEW))
    return tuple(passages)


def _cut(parts: Sequence[str], *, last: bool) -> str:
    """The first and the last words of what stands between two differences."""
    tail = 0 if last else _CONTEXT
    if len(parts) < _CONTEXT + tail + _WORTH_A_CUT:
        return "".join(parts)
    head = "".join(parts[:_CONTEXT]).rstrip()
    if last:
        return f"{head} {ELLIPSIS}"
    rest = dropwhile(lambda part: not part.isalnum(), parts[-tail:])
    return f"{head} {ELLIPSIS} {''.join(rest)}"
