"""The clashes of a report: what in it contradicts itself or its study, or is broken in form.

:mod:`radiology.language` finds them; here they get the words that a dismissal holds to, and what
the report alone knows joins them: gaps, the model's own faults, and who wrote what.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from desktop.report.faults import FAULT_WORDS
from desktop.report.marks import FaultMark
from desktop.report.spans import GAP_CHAR, Content, Origin
from inference.protocol import Fault
from radiology.language.clash import Clash, ClashKind, Gravity
from radiology.language.clashes import find_clashes
from radiology.language.form import FaultKind, FormFault, find_form_faults
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span
from radiology.language.study import StudyFacts, study_clashes

UNKNOWN: Final = StudyFacts()
"""A study of which the header says nothing, or none."""


_SAYS_MORE: Final[dict[Fault, frozenset[str]]] = {
    "stutter": frozenset({FaultKind.DOUBLED_WORD, FaultKind.HEADING_TWICE}),
    "unclosed": frozenset({FaultKind.CUT_OFF, FaultKind.UNSTOPPED}),
    "copy": frozenset(),
}
"""Faults of form that tell of a fault of the model, and where it is.

The model's other faults are faults of form themselves, or a gap that stays open.
"""


@dataclass(frozen=True, slots=True)
class ReportClash:
    """``places`` of a report that cannot stand as they are: two, or one that clashes by itself.

    ``kind`` is that of the clash or of the fault of form, ``why`` one sentence for the reader,
    ``words`` what the sentences of the places say, ``of_form`` whether it is a fault of form.
    """

    kind: str
    why: str
    places: tuple[Span, ...]
    words: tuple[str, ...]
    is_grave: bool = True
    of_form: bool = False

    @property
    def identity(self) -> tuple[str, tuple[str, ...]]:
        """What it is known by wherever its places move."""
        return self.kind, self.words

    def at(self, places: tuple[Span, ...]) -> ReportClash:
        """The same with its places elsewhere."""
        return replace(self, places=places)


@dataclass(frozen=True, slots=True)
class DismissedClash:
    """A clash that the reader put away with a reason, as long as the words of its places stand."""

    kind: str
    words: tuple[str, ...]
    reason: str

    def stands_in(self, text: str) -> bool:
        """Whether the words are in ``text`` still."""
        whole = _plain(text)
        return all(words in whole for words in self.words)


def report_clashes(
    content: Content, study: StudyFacts = UNKNOWN, faults: Iterable[FaultMark] = ()
) -> tuple[ReportClash, ...]:
    """The clashes of a report that is being written, in the order of their first places.

    What the model wrote is held against an earlier study that it has not seen.
    """
    text = content.text
    found = [*text_clashes(text, study)]
    if study.has_prior is None:
        found += [
            clash
            for clash in _of_study(text, StudyFacts(has_prior=False))
            if _is_the_model_s(content, clash.places[0])
        ]
    found += _of_model(text, faults, [clash for clash in found if clash.of_form])
    return tuple(sorted(found, key=lambda clash: clash.places))


@lru_cache(maxsize=64)
def text_clashes(text: str, study: StudyFacts = UNKNOWN) -> tuple[ReportClash, ...]:
    """The clashes of a report's text, in the order of their first places; gaps are left alone."""
    found = [_marked(text, clash) for clash in find_clashes(text)]
    found += _of_study(text, study)
    found += _of_form(text)
    return tuple(sorted(found, key=lambda clash: clash.places))


def unresolved(
    clashes: Iterable[ReportClash], dismissed: Iterable[DismissedClash]
) -> tuple[ReportClash, ...]:
    """The clashes that were not dismissed as they stand."""
    settled = {(each.kind, each.words) for each in dismissed}
    return tuple(clash for clash in clashes if clash.identity not in settled)


def being_written(content: Content, clash: ReportClash, caret: int) -> bool:
    """Whether a fault of form lies in a sentence that the reader is typing at ``caret``."""
    if not clash.of_form:
        return False
    start, end = _around(content.text, clash.places[0])
    if not start <= caret <= end + 1:
        return False
    return any(s.origin in (Origin.TYPED, Origin.EDITED) for s in content.clip(start, end))


def _around(text: str, place: Span) -> Span:
    """The sentence of a place and the white space behind it."""
    sentence = _sentence(find_sentences(text), place)
    blank = len(text[sentence.end :]) - len(text[sentence.end :].lstrip())
    return Span(sentence.start, sentence.end + blank)


def _of_study(text: str, study: StudyFacts) -> Iterator[ReportClash]:
    return (_marked(text, clash) for clash in study_clashes(text, study))


def _marked(text: str, clash: Clash) -> ReportClash:
    places = [clash.first] if clash.second is None else [clash.first, clash.second]
    places.sort(key=lambda place: place.span)
    sentences = find_sentences(text)
    words = [
        (place.fact.sentence if place.fact else _sentence(sentences, place.span)).of(text)
        for place in places
    ]
    return ReportClash(
        clash.kind.value,
        clash.why,
        tuple(place.span for place in places),
        tuple(_plain(each) for each in words),
        clash.gravity is Gravity.MAJOR,
    )


def _of_form(text: str) -> Iterator[ReportClash]:
    """Faults of form; a sentence with an open gap is not written yet."""
    sentences = find_sentences(text)
    for fault in find_form_faults(text):
        sentence = _sentence(sentences, fault.span)
        if GAP_CHAR not in sentence.of(text) + fault.span.of(text):
            yield _form_clash(text, fault, sentence)


def _form_clash(text: str, fault: FormFault, sentence: Span) -> ReportClash:
    words = (_plain(sentence.of(text)),)
    return ReportClash(
        fault.kind.value, fault.why, (fault.span,), words, is_grave=False, of_form=True
    )


def _of_model(
    text: str, faults: Iterable[FaultMark], known: Sequence[ReportClash]
) -> Iterator[ReportClash]:
    """The model's own faults in its fills, where no fault of form in them says more."""
    marks = list(faults)
    fills = [Span(mark.place.start, mark.place.end) for mark in marks]
    kinds = {
        clash.kind
        for clash in known
        if any(low <= clash.places[0].start < high for low, high in fills)
    }
    for mark, fill in zip(marks, fills, strict=True):
        for fault in mark.faults:
            if fault not in _SAYS_MORE or kinds & _SAYS_MORE[fault]:
                continue
            if not fill.of(text).replace(GAP_CHAR, "").strip():
                continue
            places = _faulty(text, fill, fault)
            why = f"What the model wrote {FAULT_WORDS[fault]}."
            words = tuple(_plain(place.of(text)) for place in places)
            yield ReportClash(fault, why, places, words, is_grave=False, of_form=True)


def _faulty(text: str, fill: Span, fault: Fault) -> tuple[Span, ...]:
    """Where in a fill a fault lies: its end, or a sentence that stands elsewhere, too."""
    inside = find_sentences(text, *fill)
    if fault == "unclosed":
        return inside[-1:]
    elsewhere = find_sentences(text)
    for sentence in inside:
        for other in elsewhere:
            if other != sentence and _plain(other.of(text)) == _plain(sentence.of(text)):
                return tuple(sorted((sentence, other)))
    return (Span(inside[0].start, inside[-1].end),)


def _is_the_model_s(content: Content, place: Span) -> bool:
    spans = list(content.clip(*place))
    return bool(spans) and all(s.origin is Origin.GENERATED and not s.pinned for s in spans)


def _sentence(sentences: Sequence[Span], place: Span) -> Span:
    """The sentence that a place begins in, else the place itself."""
    at = bisect_right(sentences, (place.start, float("inf"))) - 1
    if at >= 0 and sentences[at].start <= place.start < sentences[at].end:
        return sentences[at]
    return place


def _plain(text: str) -> str:
    return " ".join(text.split())


TITLES: Final[dict[str, str]] = {
    ClashKind.NEGATION: "Said and denied",
    ClashKind.SIDE: "Side",
    ClashKind.LEVEL: "Lobe",
    ClashKind.SIZE: "Size",
    ClashKind.SEVERITY: "Severity",
    ClashKind.NUMBER: "Number",
    ClashKind.CHANGE: "Course",
    ClashKind.TIP: "Tip",
    ClashKind.SECTION: "Findings and Impression",
    ClashKind.SEX: "Sex",
    ClashKind.VIEW: "View",
    ClashKind.COMPARISON: "Comparison",
    ClashKind.LATERALITY: "Side of the study",
}


def title(clash: ReportClash) -> str:
    """What a clash is about, in a word or two."""
    return TITLES.get(clash.kind, "Form")
