"""What the fills of a candidate bring into a report that does not agree with the rest of it.

A fill may contradict what is pinned, another fill, itself or the header of the study, and its form
may be broken. What clashes among the pinned words alone is their reader's, and counts against
nobody. Reading takes a few milliseconds and no forward of a model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from inference.faults import find_flaws
from inference.filled_text import FilledText, fill_in
from inference.protocol import ClashMark, Fault, Gap, Piece
from radiology.language.clash import Clash, ClashKind, Place
from radiology.language.clashes import find_clashes
from radiology.language.fact import Fact
from radiology.language.spans import Span, find_words
from radiology.language.study import StudyFacts, View, study_clashes

_SAID_BY: Final[Mapping[ClashKind, tuple[str, ...]]] = {
    ClashKind.SIDE: ("side",),
    ClashKind.LEVEL: ("level",),
    ClashKind.SIZE: ("size",),
    ClashKind.SEVERITY: ("severity",),
    ClashKind.NUMBER: ("count", "site"),
    ClashKind.CHANGE: ("change",),
    ClashKind.TIP: ("tip",),
}
"""The attributes of a fact that a clash is about; one of any other kind is about all of it."""

_VIEW: Final = re.compile(r"\b(AP|PA)\b(?=\s+view)")
_WOMAN: Final = re.compile(r"\b(?:woman|girl|female)\b", re.IGNORECASE)
_MAN: Final = re.compile(r"\b(?:man|boy|male)\b", re.IGNORECASE)
_NO_PRIOR: Final = re.compile(r"\bcomparison:\s*(?:none|no\b|nil|n/?a)", re.IGNORECASE)
_LATERAL: Final = re.compile(r"\blat", re.IGNORECASE)


@dataclass(frozen=True)
class Blame:
    """Words of a fill that would have to be others.

    ``words`` are the characters of the fill that had better be written anew, ``banned`` those of
    them that must not come back; where ``banned`` is empty any others will do. Both are empty where
    nothing was written and something has to be.
    """

    gap: int
    words: Span
    banned: Span


@dataclass(frozen=True)
class Verdict:
    """The clashes and faults that a candidate's fills bring, and the words that are to blame."""

    clashes: tuple[ClashMark, ...] = ()
    faults: tuple[Fault, ...] = ()
    blamed: tuple[Blame, ...] = ()

    @property
    def agrees(self) -> bool:
        return not self.clashes and not self.faults


class Judge:
    """The verdicts on the candidates of one job, each of which is read once."""

    def __init__(self, pieces: Sequence[Piece], context: str = "", is_answer: bool = False) -> None:
        self._pieces, self._context, self._is_answer = tuple(pieces), context, is_answer
        self._verdicts: dict[tuple[tuple[str, ...], bool, bool], Verdict] = {}

    def verdict(
        self, fills: Sequence[str], *, ended: bool = True, goes_on: bool = False
    ) -> Verdict:
        """What :func:`judge` finds; where a text ``goes_on``, its end is not there yet."""
        key = (tuple(fills), ended, goes_on)
        if key not in self._verdicts:
            self._verdicts[key] = judge(
                (*self._pieces, Gap()) if goes_on else self._pieces,
                fills,
                context=self._context,
                ended=ended,
                is_answer=self._is_answer,
            )
        return self._verdicts[key]


def judge(
    pieces: Sequence[Piece],
    fills: Sequence[str],
    *,
    context: str = "",
    ended: bool = True,
    is_answer: bool = False,
) -> Verdict:
    """What does not agree in ``pieces`` with ``fills`` in their first gaps.

    Where gaps beyond them are open, nothing is said of the sentences that these stand in.
    ``context`` is what a prompt tells of the study. ``ended`` is false where the model had no room
    to end what it wrote. An answer is a text without a form of its own.
    """
    filled = fill_in(pieces, fills)
    clashes = list(_clashes(filled, context))
    flaws = find_flaws(filled)
    if is_answer:
        flaws = [flaw for flaw in flaws if flaw.fault == "stutter"]
    faults = dict.fromkeys(flaw.fault for flaw in flaws)
    if not ended:
        faults["unclosed"] = None
    blamed = [blame for clash in clashes for blame in _blamed(filled, clash)]
    for flaw in flaws:
        if flaw.span in filled.fills and not flaw.span.of(filled.text).strip():
            blamed.append(Blame(filled.fills.index(flaw.span), Span(0, 0), Span(0, 0)))
            continue
        worst = dict(filled.within(flaw.worst))
        for gap, words in filled.within(flaw.span):
            blamed.append(Blame(gap, words, worst.get(gap, Span(words.end, words.end))))
    marks = tuple(_mark(filled, clash) for clash in clashes)
    return Verdict(marks, tuple(faults), tuple(dict.fromkeys(blamed)))


def study_of(context: str) -> StudyFacts:
    """What a context tells of the study: "Chest radiograph, AP view. 63-year-old woman."."""
    views: list[View] = ["AP" if view == "AP" else "PA" for view in _VIEW.findall(context)]
    woman, man = _WOMAN.search(context), _MAN.search(context)
    return StudyFacts(
        sex=None if bool(woman) == bool(man) else ("F" if woman else "M"),
        views=frozenset(views),
        has_prior=False if _NO_PRIOR.search(context) else None,
    )


def _clashes(filled: FilledText, context: str) -> Iterator[Clash]:
    """Those that the fills bring."""
    found = [*find_clashes(filled.text), *_with_study(filled.text, context)]
    if not found:
        return
    own: set[tuple[ClashKind, str]] | None = None
    for clash in found:
        places = _places(clash)
        if any(filled.is_open(_around(place)) for place in places):
            continue
        if clash.kind is ClashKind.SECTION and filled.open_gaps:
            continue  # it may still be told of
        if any(filled.written(place.span) for place in places):
            yield clash
        elif clash.kind is ClashKind.SECTION:
            # Both places are pinned, and a fill might have told what is missing.
            if own is None:
                own = {(each.kind, each.why) for each in find_clashes(filled.without_fills)}
            if (clash.kind, clash.why) not in own:
                yield clash


def _with_study(text: str, context: str) -> Iterator[Clash]:
    """Clashes with what the context tells; of views that it does not name it tells nothing."""
    for clash in study_clashes(text, study_of(context)):
        if clash.kind is not ClashKind.VIEW or not _LATERAL.search(clash.first.span.of(text)):
            yield clash


def _places(clash: Clash) -> list[Place]:
    return [clash.first] if clash.second is None else [clash.first, clash.second]


def _around(place: Place) -> Span:
    return place.span if place.fact is None else place.fact.sentence


def _blamed(filled: FilledText, clash: Clash) -> Iterator[Blame]:
    """The words to blame: of two places that are both written, the later one's."""
    for place in reversed(_places(clash)):
        parts = dict(filled.within(place.span))
        for gap, words in parts.items():
            offending = _offending(filled, place.fact, clash.kind, gap)
            offending = offending or [_first_word(filled, gap, words)]
            yield from (Blame(gap, words, span) for span in offending)
        if parts:
            return
    for gap, fill in enumerate(filled.fills):
        end = fill.end - fill.start
        yield Blame(gap, Span(0, end), Span(end, end))


def _first_word(filled: FilledText, gap: int, words: Span) -> Span:
    first = next(iter(find_words(words.of(filled.fills[gap].of(filled.text)))), None)
    return words if first is None else Span(words.start + first.start, words.start + first.end)


def _offending(filled: FilledText, fact: Fact | None, kind: ClashKind, gap: int) -> list[Span]:
    """The words of a gap that say what a clash is about."""
    if fact is None:
        return []
    said = [span for attribute in _SAID_BY.get(kind, ()) for span in fact.spans(attribute)]
    return [words for span in said for number, words in filled.within(span) if number == gap]


def _mark(filled: FilledText, clash: Clash) -> ClashMark:
    places = _places(clash)
    written = [filled.written(place.span) for place in places]
    return ClashMark(
        kind=clash.kind.value,
        gravity=int(clash.gravity),
        first=(clash.first.span.start, clash.first.span.end),
        second=None if len(places) == 1 else (places[1].span.start, places[1].span.end),
        with_pin=not all(written),
        why=clash.why,
    )
