"""What is marked in the fills: words that differ clinically, and faults of the model.

The marks are evidence, no alarm: the reader puts one away, or pins the word and so settles it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from desktop.report.candidates import FILLED, CandidateSet, Place
from desktop.report.clinical import Difference, find_differences
from desktop.report.spans import Content
from inference.protocol import Fault

Dismissal = tuple[int, int, int, int]
"""Set, candidate, place and the offset in its fill of a mark that the reader put away."""

WHOLE_PLACE: Final = -1
"""The offset of the mark that says that a fill has a fault."""


@dataclass(frozen=True, slots=True)
class FaultMark:
    """A fill at ``place`` with ``faults``."""

    place: Place
    faults: tuple[Fault, ...]
    dismissal: Dismissal


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
        for number, place in enumerate(each.places) if faults else ():
            spans = list(content.clip(place.start, place.end))
            if not spans or not all(span.pinned for span in spans):
                yield FaultMark(place, faults, (each.number, each.chosen, number, WHOLE_PLACE))
