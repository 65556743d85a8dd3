"""What is known of the fills beside their text: words that differ clinically, faults of the model.

A word that differs is evidence, no alarm: the reader puts the mark away, or pins the word and so
settles it. Faults are among the clashes of the report (:mod:`desktop.report.clashes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from desktop.report.candidates import FILLED, CandidateSet, Place
from desktop.report.clinical import Difference, find_differences
from desktop.report.spans import Content
from inference.protocol import Fault

Dismissal = tuple[int, int, int, int]
"""Set, candidate, place and the offset in its fill of a mark that the reader put away."""


@dataclass(frozen=True, slots=True)
class FaultMark:
    """A fill at ``place`` with ``faults``."""

    place: Place
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class DifferenceMark:
    """A word ``start:end`` of the report that reads otherwise in other candidates."""

    start: int
    end: int
    difference: Difference
    dismissal: Dismissal


def difference_marks(content: Content, sets: Iterable[CandidateSet]) -> Iterator[DifferenceMark]:
    """What differs clinically between candidates; a word that is pinned is settled."""
    for each in sets:
        for number, place in enumerate(each.places):
            for found in find_differences(*each.compared(number)):
                start, end = place.start + found.start, place.start + found.end
                spans = content.clip(start, end)
                if all((span.origin, span.pinned) == FILLED for span in spans):
                    dismissal = (each.number, each.chosen, number, found.start)
                    yield DifferenceMark(start, end, found, dismissal)


def fault_marks(content: Content, sets: Iterable[CandidateSet]) -> Iterator[FaultMark]:
    """The fills in which a fault was found, unless the reader has pinned all of it."""
    for each in sets:
        faults = each.current.faults
        for place in each.places if faults else ():
            spans = list(content.clip(place.start, place.end))
            if not spans or not all(span.pinned for span in spans):
                yield FaultMark(place, faults)
