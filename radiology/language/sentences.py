"""The sentences of a text."""

from __future__ import annotations

import re
from typing import Final

from radiology.language.spans import Span

_ABBREVIATIONS: Final = frozenset(
    [
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "st",
        "vs",
        "e.g",
        "i.e",
        "etc",
        "cf",
        "approx",
        "no",
        "nos",
        "fig",
        "resp",
        "incl",
        "excl",
        "ca",
        "pt",
        "pts",
        "hx",
        "dx",
        "rt",
        "lt",
        "sup",
        "inf",
        "ant",
        "post",
        "lat",
        "min",
        "max",
        "ref",
        "dept",
        "vol",
        "yr",
        "yrs",
        "wk",
        "wks",
        "mo",
        "mos",
        "dept",
        "a.m",
        "p.m",
    ]
)
_BEFORE_NUMBERS: Final = frozenset({"no", "nos", "fig", "ref", "vol", "ca", "approx"})
"""Words of their own, too: "Consolidation: no. Effusion: yes." ends where "no. 3" does not."""

_AT_ENDS: Final = frozenset(
    {"min", "max", "post", "ant", "lat", "sup", "inf", "mo", "wk", "wks", "yr", "yrs"}
)
_LONGEST_ABBREVIATION: Final = 12
"""Characters before a full stop that are looked at."""

_STOP: Final = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s|$)|[.](?=[A-Z][a-z])|\n")
_LIST_MARK: Final = re.compile(r"[ \t]*(?:\(?\d{1,2}[.)](?!\d)|[-*•–·])[ \t]*")
_LAST_WORD: Final = re.compile(r"[^\s(\[]+$")
_INLINE_NUMBER: Final = re.compile(r"\d{1,2}[.)][ \t]+(?=[A-Z])")
_SPACE: Final = re.compile(r"\s*")


def find_sentences(text: str, start: int = 0, end: int | None = None) -> tuple[Span, ...]:
    """The sentences of ``text[start:end]``, each with its stop and without white space around it.

    A line break ends a sentence before a blank line, a list mark or a line that starts with a
    capital, and behind a colon or semicolon; other lines are wrapped. Marks of lists ("1.", "-")
    belong to no sentence.
    """
    end = len(text) if end is None else end
    found: list[Span] = []
    begin = _skip_list_mark(text, _next_visible(text, start, end), end)
    for stop in _STOP.finditer(text, start, end):
        if (
            stop.start() < begin
            or (stop[0] == "?" and text[stop.start() - 1 : stop.start()].strip() == "")
            or not _ends(text, begin, stop, end)
        ):
            continue
        _append(found, text, begin, stop.end())
        begin = _next_visible(text, stop.end(), end)
        at_line = "\n" in text[stop.start() : begin]
        begin = _skip_list_mark(text, begin, end) if at_line else _skip_number(text, begin, end)
    _append(found, text, begin, end)
    return tuple(found)


def sentence_at(text: str, position: int) -> Span:
    """The sentence that ``position`` is in, or the one that ends there; else nothing.

    Between two sentences it is the one before, on the same line.
    """
    here = Span(position, position)
    for span in find_sentences(text):
        if span.start > position:
            break
        here = span
    return Span(position, position) if "\n" in text[here.end : position] else here


def _append(found: list[Span], text: str, begin: int, end: int) -> None:
    piece = text[begin:end]
    stripped = piece.strip()
    if stripped:
        first = begin + len(piece) - len(piece.lstrip())
        found.append(Span(first, first + len(stripped)))


def _next_visible(text: str, position: int, end: int) -> int:
    match = _SPACE.match(text, position, end)
    return match.end() if match else position


def _skip_list_mark(text: str, position: int, end: int) -> int:
    """Behind the mark of a list that stands at ``position``, if one does."""
    match = _LIST_MARK.match(text, position, end)
    return match.end() if match and match.end() < end else position


def _skip_number(text: str, position: int, end: int) -> int:
    """Behind the number of an item that goes on in the same line: "… clear. 2. No effusion."."""
    match = _INLINE_NUMBER.match(text, position, end)
    return match.end() if match else position


def _ends(text: str, begin: int, stop: re.Match[str], end: int) -> bool:
    if stop[0] == "\n":
        return _line_ends(text, begin, stop.start(), end)
    if not stop[0].startswith("."):
        return True
    visible = _next_visible(text, stop.end(), end)
    following = text[visible:end][:1] if visible == end else text[visible]
    if stop[0].startswith(".."):
        return not following.islower()  # else an ellipsis inside a sentence
    before = text[max(begin, stop.start() - _LONGEST_ABBREVIATION) : stop.start()]
    last = before.split()[-1].lstrip("([") if before.strip() else ""
    if len(last) == 1 and last.isupper() and following.isupper():
        return False  # an initial: "J. Smith"
    word = last.lower()
    if "." in word and following.islower():
        return False  # "M.D. read this"
    if word in _BEFORE_NUMBERS:
        return not following.isdigit()
    if word in _ABBREVIATIONS:
        return word in _AT_ENDS and not following.islower()
    return True


def _line_ends(text: str, begin: int, position: int, end: int) -> bool:
    """Whether the line break at ``position`` ends what began at ``begin``."""
    following = position + 1
    while following < end and text[following] in " \t":
        following += 1
    if following == end or text[following] == "\n" or text[following].isupper():
        return True
    before = text[max(begin, position - 2) : position].rstrip()
    return before.endswith((":", ";")) or _LIST_MARK.match(text, following, end) is not None
