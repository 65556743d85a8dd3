"""Known faults of text diffusion models, found in a fill before it is offered.

A denoiser writes all places at once, and where two of them settle on the same words it stutters;
it may say again what is pinned elsewhere; and a text that meets the end of its room breaks off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from inference.protocol import Fault, Fixed, Piece

_WORD: Final = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_SENTENCE: Final = re.compile(r"[^.?!\n]+")
_LAST_WORD: Final = re.compile(r"\S*\s*$")
_FIRST_WORD: Final = re.compile(r"\s*\S*")
_GOES_ON_ANEW: Final = re.compile(r" *$| *[\r\n]|\s+[A-Z]")
"""What follows a gap whose last sentence has to be closed: nothing, a new line, a new sentence."""

_BLANK_LINE: Final = re.compile(r"(?:\r?\n[ \t]*){2,}")
_GAP: Final = "\0"
"""Stands for a gap in a text; a pinned one of these is nobody's word."""

_CLOSED: Final = (".", "?", "!", ":")
_SHORTEST_COPY: Final = 2
"""Words of the shortest sentence that is not said twice by chance: "Unchanged." may be."""


def find_faults(
    pieces: Sequence[Piece], fills: Sequence[str], *, ended: bool = True
) -> tuple[Fault, ...]:
    """The faults of ``fills`` between the fixed text of ``pieces``, each named once.

    ``ended`` is false where the model had no room to end what it wrote.
    """
    gaps = list(_gaps(pieces, fills))
    found: list[Fault] = []
    if any(_stutters(left, fill, right) for left, fill, right in gaps):
        found.append("stutter")
    if not ended or any(_breaks_off(left, fill, right) for left, fill, right in gaps):
        found.append("unclosed")
    if _copies(pieces, fills):
        found.append("copy")
    return tuple(found)


def _gaps(pieces: Sequence[Piece], fills: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Each fill that is not empty, with the fixed text left and right of it."""
    rest = iter(fills)
    texts = [piece.text if isinstance(piece, Fixed) else None for piece in pieces]
    for left, text, right in zip(["", *texts[:-1]], texts, [*texts[1:], ""], strict=True):
        if text is None and (fill := next(rest)).strip():
            yield left or "", fill, right or ""


def _sentences(text: str) -> list[str]:
    """The sentences of a text, each as its words in lower case."""
    told = (" ".join(_WORD.findall(part.lower())) for part in _SENTENCE.findall(text))
    return [sentence for sentence in told if sentence]


def _stutters(left: str, fill: str, right: str) -> bool:
    """Whether a word or a sentence follows itself, in the fill or where it meets pinned words."""
    before = _LAST_WORD.findall(left)[0]
    after = _FIRST_WORD.findall(right)[0]
    if any(one == next_one for one, next_one in pairwise(_sentences(fill))):
        return True
    return any(
        one == next_one and one.isalpha()
        for sentence in _sentences(before + fill + after)
        for one, next_one in pairwise(sentence.split())
    )


def _breaks_off(left: str, fill: str, right: str) -> bool:
    """Whether the last sentence is left open, in a text that is written in sentences."""
    if not _GOES_ON_ANEW.match(right) or "." not in left + fill + right:
        return False
    return not fill.rstrip().endswith(_CLOSED)


def _copies(pieces: Sequence[Piece], fills: Sequence[str]) -> bool:
    """Whether a whole sentence of a fill is pinned in the same paragraph already.

    An impression may well say again what the findings say.
    """
    rest = iter(fills)
    text = "".join(
        piece.text.replace(_GAP, " ") if isinstance(piece, Fixed) else _GAP for piece in pieces
    )
    for paragraph in _BLANK_LINE.split(text):
        pinned = {
            sentence
            for part in paragraph.split(_GAP)
            for sentence in _sentences(part)
            if len(sentence.split()) >= _SHORTEST_COPY
        }
        for _ in range(paragraph.count(_GAP)):
            if not pinned.isdisjoint(_sentences(next(rest))):
                return True
    return False
