"""Other ways to put a fill: what is asked of the model for them, and which of its answers count.

A usual job asks for no more than it needs. Where it came to fewer than :data:`ENOUGH` and a reader
opens the list, the model is asked again for the same gaps, hotter each time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from desktop.report.candidates import CandidateSet
from desktop.report.spans import GAP_CHAR, Content
from inference.protocol import Candidate, Fixed, Piece

ENOUGH: Final = 3
"""So many candidates are something to choose from."""

HEATS: Final = (1.5, 2.0)
"""How many times as hot as usual the model is asked for more, one time after the other."""

SIDE_BY_SIDE: Final = 6
"""Texts that are asked for each time."""

NO_OTHER: Final = "The model has no other wording"

_WORD: Final = re.compile(r"\w+")


def may_be_sought(candidate_set: CandidateSet) -> bool:
    """Whether the model is to be asked for others when a reader wants to see them."""
    return len(candidate_set.candidates) < ENOUGH and not candidate_set.sought


def pieces_around(content: Content, candidate_set: CandidateSet) -> tuple[Piece, ...]:
    """The report with the gaps open again that a set has filled, and all else standing."""
    pieces: list[Piece] = []
    position = 0
    for place, gap in zip(candidate_set.places, candidate_set.gaps, strict=True):
        if before := content.text[position : place.start].replace(GAP_CHAR, ""):
            pieces.append(Fixed(before))
        pieces.append(gap)
        position = place.end
    if behind := content.text[position:].replace(GAP_CHAR, ""):
        pieces.append(Fixed(behind))
    return tuple(pieces)


def sound(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those in which the worker found neither a fault nor a clash: only such are worth a choice."""
    return [each for each in candidates if not (each.faults or each.clashes)]


def with_others(candidate_set: CandidateSet, others: Sequence[Candidate]) -> CandidateSet:
    """The set with those of ``others`` behind its own that say something else.

    What differs in marks, spaces or letter case alone says the same.
    """
    known = {_words(candidate) for candidate in candidate_set.candidates}
    kept = list(candidate_set.candidates)
    for other in others:
        if (words := _words(other)) not in known:
            known.add(words)
            kept.append(other)
    usual = candidate_set.usual or len(candidate_set.candidates)
    return replace(candidate_set, candidates=tuple(kept), sought=True, usual=usual)


def told(candidate_set: CandidateSet, *, seeking: bool = False) -> str:
    """What is to be said of the number of candidates; nothing where there are enough."""
    if seeking:
        return "asking the model for other wordings…"
    if not candidate_set.sought or len(candidate_set.candidates) >= ENOUGH:
        return ""
    return NO_OTHER if len(candidate_set.candidates) == 1 else "the model has no further wording"


def _words(candidate: Candidate) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_WORD.findall(fill.casefold())) for fill in candidate.fills)
