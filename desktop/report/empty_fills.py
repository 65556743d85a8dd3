"""Where an empty fill would leave half a sentence, so that the gap has to stay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from desktop.report.sections import find_sections
from desktop.report.spans import GAP_CHAR

_STOPS: Final = (".", "!", "?", "…")
_CLOSING: Final = "\"'”’)]"
_LIST_MARK: Final = re.compile(r"[ \t]*(?:\(?\d{1,2}[.)]|[-*•–·])(?=\s|$)")


def left_open(texts: Sequence[str], are_fills: Sequence[bool]) -> list[bool]:
    """Which of the texts of a report, one behind the other, are fills whose gaps stay open."""
    opened: list[bool] = []
    before = ""
    for number, (text, is_fill) in enumerate(zip(texts, are_fills, strict=True)):
        after = "".join(texts[number + 1 :])
        stays = is_fill and not text.strip() and is_inside_sentence(before, after)
        opened.append(stays)
        before += GAP_CHAR if stays else text
    return opened


def is_inside_sentence(before: str, after: str) -> bool:
    """Whether what stands ``before`` a place, or ``after`` it, is no sentence without it."""
    left = _last_words(before.replace(GAP_CHAR, ""))
    right = after.replace(GAP_CHAR, "").partition("\n")[0].strip()
    if left and not left.rstrip(_CLOSING).endswith(_STOPS):
        return True
    first = right[:1]
    return bool(first) and not (first.isupper() or first.isdigit() or _LIST_MARK.match(right))


def _last_words(before: str) -> str:
    """What of the last line is text: no heading, no mark of a list."""
    line = before[before.rfind("\n") + 1 :]
    sections = find_sections(line)
    if sections:
        line = line[sections[-1].body :]
    mark = _LIST_MARK.match(line)
    return line[mark.end() if mark else 0 :].strip()
