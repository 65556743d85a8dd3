"""What the list of candidates says at one place of the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from desktop.report import other_wordings
from desktop.report.candidates import put
from desktop.report.clashes import report_clashes, unresolved
from desktop.report.clashes import title as title_of
from desktop.report.clinical import NOTHING
from desktop.report.comparison import Change, Passage, compare
from desktop.report.faults import told
from desktop.report.model import CandidateSet, Report
from inference.protocol import Fault


@dataclass(frozen=True, slots=True)
class Choice:
    """One candidate: its fill as it differs from the one that stands, and so at other places.

    ``elsewhere`` has the fills of the same job that differ, ``current`` is the one that stands,
    ``allowed`` says that choosing it changes no pinned word, ``clashes`` what its words would clash
    in with the report.
    """

    number: int
    passages: tuple[Passage, ...]
    elsewhere: tuple[tuple[Passage, ...], ...]
    faults: tuple[Fault, ...]
    current: bool
    allowed: bool
    clashes: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[tuple[str, bool], ...]:
        """What is to be said of it beside its text, and whether that is a clash."""
        clashes = ", ".join(filter(None, (*self.clashes, told(self.faults))))
        notes = (
            ("in the report" if self.current else "", False),
            (f"clash: {clashes}" if clashes else "", True),
            ("" if self.allowed else "would change a pinned word", False),
        )
        return tuple((note, is_fault) for note, is_fault in notes if note)

    @property
    def spoken(self) -> str:
        """All of it as one line, for screen readers."""
        fills = (_spoken(passages) for passages in (self.passages, *self.elsewhere))
        notes = (note for note, _ in self.notes)
        return "; ".join((f"Candidate {self.number}", *fills, *notes))


def choices(report: Report, candidate_set: CandidateSet, place: int) -> Iterator[Choice]:
    """A choice for each candidate of a set at hand, in their order."""
    standing = candidate_set.current.fills
    for index, candidate in enumerate(candidate_set.candidates):
        elsewhere = (
            _passages(old, new)
            for number, (old, new) in enumerate(zip(standing, candidate.fills, strict=True))
            if number != place and old != new
        )
        yield Choice(
            index + 1,
            _passages(standing[place], candidate.fills[place]),
            tuple(elsewhere),
            candidate.faults,
            index == candidate_set.chosen,
            report.can_choose(candidate_set, index),
            _clashes(report, candidate_set, index),
        )


def _clashes(report: Report, candidate_set: CandidateSet, index: int) -> tuple[str, ...]:
    """In what the words of a candidate would clash, each once; faults of form are told apart."""
    found = put(report.content, candidate_set, index)
    if found is None:
        return ()
    content, fills = found
    clashes = (
        title_of(clash).lower()
        for clash in unresolved(report_clashes(content), report.dismissed)
        if not clash.of_form
        and any(
            low < fill.end and fill.start < high for low, high in clash.places for fill in fills
        )
    )
    return tuple(dict.fromkeys(clashes))


def title(candidate_set: CandidateSet, *, seeking: bool = False) -> str:
    count, places = len(candidate_set.candidates), len(candidate_set.places)
    candidates = "1 candidate" if count == 1 else f"{count} candidates"
    together = f"{places} places change together" if places > 1 else ""
    more = other_wordings.told(candidate_set, seeking=seeking)
    return " · ".join(filter(None, (candidates, together, more)))


def _passages(current: str, other: str) -> tuple[Passage, ...]:
    if other.strip():
        return compare(current, other)
    return (Passage(NOTHING, Change.NEW if current.strip() else Change.SAME),)


def _spoken(passages: tuple[Passage, ...]) -> str:
    return "".join(
        f"without {passage.text}" if passage.change is Change.GONE else passage.text
        for passage in passages
    )
