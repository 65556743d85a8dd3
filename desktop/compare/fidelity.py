"""Pin fidelity: the share of the pinned characters that came back untouched.

What is pinned is cut into phrases: what stands of one sentence, on one line, without the white
space around it. A phrase came back where it is found letter for letter in the text that was
written, behind the phrases before it. Of all ways to find the phrases in their order the one with
the most characters counts. Where the pinned text is put back by the window itself, as it is in
every fill, this is 100 % by construction; a model that writes the report anew may lose some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from desktop.report.sentences import sentences
from inference.protocol import Fixed, Piece


@dataclass(frozen=True, slots=True)
class Found:
    """Phrase number ``phrase`` stands at ``start:end`` of the text."""

    phrase: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Fidelity:
    """``kept`` of ``pinned`` characters came back."""

    kept: int
    pinned: int
    found: tuple[Found, ...] = ()

    @property
    def share(self) -> float | None:
        """0 to 1; ``None`` where nothing was pinned."""
        return self.kept / self.pinned if self.pinned else None


@dataclass(frozen=True, slots=True)
class _Way:
    """Phrases found so far: their characters, where the last one ends, and how it came to that."""

    kept: int
    end: int
    last: Found | None = None
    before: _Way | None = None


def pinned_phrases(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """What is pinned, phrase by phrase."""
    return tuple(
        piece.text[start:end]
        for piece in pieces
        if isinstance(piece, Fixed)
        for start, end in phrase_ranges(piece.text)
    )


def phrase_ranges(text: str) -> list[tuple[int, int]]:
    """Where the phrases of a pinned text lie, without white space at their ends."""
    return [
        (start, start + len(text[start:end].rstrip()))
        for start, end in sentences(text)
        if text[start:end].strip()
    ]


def fidelity(phrases: Sequence[str], text: str) -> Fidelity:
    """How many characters of ``phrases`` stand in ``text``, in their order."""
    # Of all ways with as many characters the one that ends first leaves most room for the rest,
    # so that those which both have more and end earlier than others are all that is kept.
    ways = [_Way(0, 0)]
    for number, phrase in enumerate(phrases):
        further = list(ways)
        for way in ways:
            start = text.find(phrase, way.end)
            if start >= 0:
                end = start + len(phrase)
                found = Found(number, start, end)
                further.append(_Way(way.kept + len(phrase), end, found, way))
        ways = _worth_keeping(further)
    best = max(ways, key=lambda way: way.kept)
    return Fidelity(best.kept, sum(map(len, phrases)), tuple(_path(best)))


def _worth_keeping(ways: Sequence[_Way]) -> list[_Way]:
    kept: list[_Way] = []
    for way in sorted(ways, key=lambda way: (way.end, -way.kept)):
        if not kept or way.kept > kept[-1].kept:
            kept.append(way)
    return kept


def _path(way: _Way | None) -> list[Found]:
    found: list[Found] = []
    while way is not None and way.last is not None:
        found.append(way.last)
        way = way.before
    return found[::-1]
