"""The candidates of past jobs, at hand as long as their fills stand as they were filled.

A job fills its gaps together, so a candidate is one text for each of them and is chosen for all
of them at once. An edit within one of the places ends the choice between its candidates, an edit
elsewhere moves them along. Words in a place may be pinned: a candidate that has other words there
can then not be chosen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from itertools import accumulate
from operator import attrgetter
from typing import Final

from desktop.report.empty_fills import left_open
from desktop.report.plans import Added, Hole, Kept, Part, Plan
from desktop.report.sections import find_sections
from desktop.report.sentences import words
from desktop.report.spans import GAP_CHAR, GAP_MARK, Builder, Content, Mark, Origin, Span, clean
from inference.protocol import Candidate, Gap

FILLED: Final[Mark] = (Origin.GENERATED, False)
"""How a fill comes into the report."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fill stands, ``start:end``; an empty fill has no length."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Edit:
    """``length`` characters came in place of ``start:end``."""

    start: int
    end: int
    length: int


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """All different, the best first; each has one fill for each of ``places``, left to right.

    ``number`` tells the sets of a report apart. ``gaps`` is what was asked for at the places,
    ``sought`` says that the model was asked for other wordings: what came of that stands behind the
    first ``usual`` ones.
    """

    number: int
    candidates: tuple[Candidate, ...]
    places: tuple[Place, ...]
    chosen: int = 0
    gaps: tuple[Gap, ...] = ()
    sought: bool = False
    usual: int | None = None

    @property
    def current(self) -> Candidate:
        return self.candidates[self.chosen]

    def fills_of(self, place: int) -> tuple[str, ...]:
        """What each candidate has in one place."""
        return tuple(candidate.fills[place] for candidate in self.candidates)

    def compared(self, place: int) -> tuple[tuple[str, ...], int]:
        """The fills that say how sure the model is of the one that stands, and which that is.

        What was drawn hotter than usual, to be different, says nothing of that.
        """
        fills, usual = self.fills_of(place), self.usual
        if usual is None or self.chosen < usual:
            return fills[:usual], self.chosen
        return (*fills[:usual], fills[self.chosen]), usual

    def place_at(self, position: int) -> int | None:
        """The place that ``position`` is in, else one that begins or ends there."""
        near = [n for n, p in enumerate(self.places) if p.start <= position <= p.end]
        inside = [number for number in near if position < self.places[number].end]
        return next(iter(inside or near), None)


def cleaned(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates as their text enters a report; of those that are then alike, the first."""
    unique: dict[tuple[str, ...], Candidate] = {}
    for candidate in candidates:
        fills = tuple(clean(fill) for fill in candidate.fills)
        unique.setdefault(fills, Candidate(fills, candidate.faults))
    return tuple(unique.values())


def filled(
    content: Content, plan: Plan, fills: Sequence[str], *, keep_open: bool = True
) -> tuple[Content, tuple[Place, ...]]:
    """``content`` with the fills in the holes of ``plan``, and where they stand.

    Where an empty fill would leave half a sentence the gap stays, if ``keep_open``.
    """
    builder = Builder()
    places: list[Place] = []
    texts = _texts(content, plan.parts, fills)
    are_fills = [keep_open and isinstance(part, Hole) for part in plan.parts]
    for part, text, is_open in zip(plan.parts, texts, left_open(texts, are_fills), strict=True):
        start = builder.length
        match part:
            case Kept(low, high):
                builder.copy(content, low, high)
            case Added():
                builder.add(text, (Origin.TEMPLATE, True))
            case Hole(tokens=tokens):
                if is_open:
                    builder.add(GAP_CHAR, GAP_MARK, [tokens])
                else:
                    builder.add(text, FILLED)
                places.append(Place(start, builder.length))
    return with_headings(builder.build()), tuple(places)


def _texts(content: Content, parts: Iterable[Part], fills: Sequence[str]) -> list[str]:
    rest = iter(fills)
    texts: list[str] = []
    for part in parts:
        match part:
            case Kept(start, end):
                texts.append(content.text[start:end])
            case Added(text):
                texts.append(text)
            case Hole():
                texts.append(clean(next(rest)))
    return texts


def edits_of(plan: Plan, places: Sequence[Place]) -> Iterator[Edit]:
    """What filling ``plan`` changes, its fills standing at ``places`` then."""
    rest = iter(places)
    position = 0
    for part in plan.parts:
        match part:
            case Kept(end=end):
                position = end
            case Added(text):
                yield Edit(position, position, len(text))
            case Hole(start, end):
                place = next(rest)
                yield Edit(start, end, place.end - place.start)
                position = end


def follow(
    sets: Iterable[CandidateSet], edits: Sequence[Edit], after: Content
) -> tuple[CandidateSet, ...]:
    """The sets whose places the edits left as they were, at where they stand ``after`` them."""
    kept: list[CandidateSet] = []
    for each in sets:
        places = [_moved(place, edits) for place in each.places]
        whole = [place for place in places if place is not None and _is_as_filled(after, place)]
        if len(whole) == len(places):
            kept.append(replace(each, places=tuple(whole)))
    return tuple(kept)


def _moved(place: Place, edits: Iterable[Edit]) -> Place | None:
    shift = 0
    for edit in edits:
        if place.start == place.end and edit.start <= place.start <= edit.end:
            return None  # who writes where a fill is empty writes in its place
        if edit.end <= place.start:
            shift += edit.length - (edit.end - edit.start)
        elif edit.start < place.end:
            return None
    return Place(place.start + shift, place.end + shift)


def _is_as_filled(content: Content, place: Place) -> bool:
    """Whether no word there was edited; headings of a fill have become template."""
    return all(
        span.origin in (Origin.GENERATED, Origin.TEMPLATE)
        for span in content.clip(place.start, place.end)
    )


def put(
    content: Content, candidate_set: CandidateSet, index: int
) -> tuple[Content, tuple[Place, ...]] | None:
    """``content`` with another candidate in place, or ``None`` where that would change a pin."""
    builder = Builder()
    places: list[Place] = []
    position = 0
    fills = candidate_set.candidates[index].fills
    for place, text, is_open in zip(
        candidate_set.places, fills, _left_open(content, candidate_set.places, fills), strict=True
    ):
        builder.copy(content, position, place.start)
        start = builder.length
        if is_open and not any(_is_pinned(s) for s in content.clip(place.start, place.end)):
            builder.add(GAP_CHAR, GAP_MARK, [None])
        elif not _rewrite(builder, content, place, text):
            return None
        places.append(Place(start, builder.length))
        position = place.end
    builder.copy(content, position, len(content.text))
    return with_headings(builder.build()), tuple(places)


def _left_open(content: Content, places: Sequence[Place], fills: Sequence[str]) -> list[bool]:
    """Which gaps stay open, in the order of the places."""
    texts: list[str] = []
    position = 0
    for place, fill in zip(places, fills, strict=True):
        texts += [content.text[position : place.start], fill]
        position = place.end
    texts.append(content.text[position:])
    return left_open(texts, [number % 2 == 1 for number in range(len(texts))])[1::2]


def _rewrite(builder: Builder, content: Content, place: Place, text: str) -> bool:
    """Add ``text``, pinned where the same words were; ``False`` where it has no such words."""
    if not any(_is_pinned(span) for span in content.clip(place.start, place.end)):
        builder.add(text, FILLED)
        return True
    old, new = words(content.text[place.start : place.end]), words(text)
    edges = list(accumulate((len(word) for word in old), initial=place.start))
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    for tag, low, high, from_, to in codes:
        spans = list(content.clip(edges[low], edges[high]))
        if tag == "equal":
            for span in spans:
                builder.add(
                    content.text[span.start : span.end], (Origin.GENERATED, _is_pinned(span))
                )
        elif any(_is_pinned(span) for span in spans):
            return False
        else:
            builder.add("".join(new[from_:to]), FILLED)
    return True


def _is_pinned(span: Span) -> bool:
    """By the reader: the headings of a fill are pinned, too, but go with it."""
    return span.pinned and span.origin is not Origin.TEMPLATE


def exchanged(
    sets: Iterable[CandidateSet],
    chosen: CandidateSet,
    index: int,
    places: Sequence[Place],
    after: Content,
) -> tuple[CandidateSet, ...]:
    """``sets`` once ``places`` hold candidate ``index`` of ``chosen``, which is one of them."""
    edits = [
        Edit(old.start, old.end, new.end - new.start)
        for old, new in zip(chosen.places, places, strict=True)
    ]
    exchanged = replace(chosen, places=tuple(places), chosen=index)
    rest = follow((each for each in sets if each.number != chosen.number), edits, after)
    return tuple(sorted((*rest, exchanged), key=attrgetter("number")))


def caret_after(before: Sequence[Place], after: Sequence[Place], caret: int) -> int:
    """Where ``caret`` is when the text of its place was exchanged: as far in it, or at its end."""
    for old, new in zip(before, after, strict=True):
        if old.start <= caret < old.end:
            return min(new.start + caret - old.start, new.end)
        if caret == old.end:
            return new.end
    return after[0].start


def with_headings(content: Content) -> Content:
    """Generated heading lines become template, pinned, with the line breaks around them."""

    def template(span: Span) -> Mark:
        fresh = span.origin is Origin.GENERATED and not span.pinned
        return (Origin.TEMPLATE, True) if fresh else (span.origin, span.pinned)

    for section in find_sections(content.text):
        content = content.remark(*section.frame(content.text), template)
    return content
