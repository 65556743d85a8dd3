"""Faults of form: sentences that are broken or cut off, doubled words and stops, headings twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from radiology.language.grammar import LEXICON
from radiology.language.lexicon import Item, Role
from radiology.language.measures import find_measures
from radiology.language.sections import SectionName, find_sections
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span, find_words


class FaultKind(StrEnum):
    """What is wrong with the form of a report."""

    CUT_OFF = "cut off"
    EMPTY = "nothing said"
    DOUBLED_WORD = "doubled word"
    DOUBLED_STOP = "doubled stop"
    LOOSE_STOP = "loose stop"
    HEADING_TWICE = "heading twice"
    EMPTY_SECTION = "empty section"
    ARTICLE = "article"
    UNIT = "no unit"
    UNSTOPPED = "no stop"


@dataclass(frozen=True, slots=True)
class FormFault:
    """A fault of form at ``span``; ``why`` is one sentence for the reader."""

    kind: FaultKind
    span: Span
    why: str


_DANGLING: Final = frozenset(
    [
        "a",
        "an",
        "the",
        "of",
        "and",
        "or",
        "nor",
        "with",
        "without",
        "at",
        "from",
        "to",
        "by",
        "for",
        "into",
        "has",
        "have",
        "than",
        "as",
        "due",
        "this",
        "that",
        "which",
        "but",
        "if",
    ]
)
"""Words that no sentence ends in."""

_OPEN: Final = frozenset(["in", "on", "over", "is", "are", "was", "were", "be", "no"])
"""Words that a sentence ends in that has a stop, and none that has not."""

_GRADES: Final = frozenset(
    ["small", "moderate", "large", "mild", "severe", "tiny", "minimal", "left", "right"]
)
"""Words that end no sentence behind an article: "there is a small."."""

_DOUBLED_WORD: Final = re.compile(r"\b(?P<word>[^\W\d_]{2,})\s+(?P=word)\b", re.IGNORECASE)
_MAY_DOUBLE: Final = frozenset({"that", "had", "xxxx", "bye"})
_DOUBLED_STOP: Final = re.compile(r"(?<![.])[.]{2}(?![.])|[.]\s+[.](?![.\d])|,\s*[,.]|[;:]\s*[.;]")
_LOOSE_STOP: Final = re.compile(r"(?<=[^\W_])[ \t]+[.,;](?=\s|$)")
_ARTICLE: Final = re.compile(r"\b(?P<article>an?)\s+(?P<word>[a-z]+)", re.IGNORECASE)
_LIKE_A_CONSONANT: Final = re.compile(r"(?:uni|us|eu|one|once|ur|u-)", re.IGNORECASE)
_SILENT_H: Final = re.compile(r"(?:hour|hon|heir)", re.IGNORECASE)
_PLURALS: Final = re.compile(
    r"\ban?\s+(?:(?:new|old|small|moderate|large|mild|severe|left|right|tiny|trace|pleural"
    r"|pulmonary|focal)\s+)*(?:effusions|nodules|masses|opacities|consolidations|fractures"
    r"|infiltrates|lungs|bones|pneumothoraces|lesions|densities|granulomas)\b",
    re.IGNORECASE,
)
_STOPS: Final = (".", "!", "?", "…")
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)?")
_SINGULAR_LESIONS: Final = frozenset({"nodule", "mass", "cavity", "lesion", "opacity"})
_MEASURED_WITHIN: Final = 4
"""Words between a number and the lesion that it measures."""


def find_form_faults(text: str) -> tuple[FormFault, ...]:
    """The faults of form in ``text``, from left to right."""
    found = [
        *_doubled(text),
        *_stops(text),
        *_headings(text),
        *_articles(text),
        *_sentences(text),
    ]
    return tuple(sorted(found, key=lambda fault: fault.span))


def _doubled(text: str) -> Iterator[FormFault]:
    for match in _DOUBLED_WORD.finditer(text):
        if match["word"].lower() not in _MAY_DOUBLE and "\n" not in match[0]:
            yield FormFault(
                FaultKind.DOUBLED_WORD, Span(*match.span()), f"“{match['word']}” stands twice."
            )


def _stops(text: str) -> Iterator[FormFault]:
    doubled = [Span(*match.span()) for match in _DOUBLED_STOP.finditer(text)]
    for span in doubled:
        yield FormFault(FaultKind.DOUBLED_STOP, span, "Two stops follow one another.")
    for match in _LOOSE_STOP.finditer(text):
        if not any(span.start <= match.end() and match.start() <= span.end for span in doubled):
            yield FormFault(
                FaultKind.LOOSE_STOP, Span(*match.span()), "A space stands before the stop."
            )


def _headings(text: str) -> Iterator[FormFault]:
    seen: set[SectionName] = set()
    for section in find_sections(text):
        if section.name is SectionName.OTHER or section.name is SectionName.TECHNIQUE:
            continue
        words = " ".join(section.heading.of(text).split()).rstrip(" :-")
        if section.name in seen and section.name is not SectionName.INDICATION:
            yield FormFault(
                FaultKind.HEADING_TWICE, section.heading, f"The section “{words}” stands twice."
            )
        elif not section.body.of(text).strip():
            yield FormFault(
                FaultKind.EMPTY_SECTION, section.heading, f"Nothing stands under “{words}”."
            )
        seen.add(section.name)


def _articles(text: str) -> Iterator[FormFault]:
    for match in _ARTICLE.finditer(text):
        word, article = match["word"], match["article"].lower()
        if word.isupper() or len(word) < 3 or (match["article"] == "A" and match.start() == 0):
            continue
        vowel = word[0].lower() in "aeio" or word[0].lower() == "u"
        sounds = (vowel and not _LIKE_A_CONSONANT.match(word)) or bool(_SILENT_H.match(word))
        if sounds != (article == "an"):
            yield FormFault(
                FaultKind.ARTICLE, Span(*match.span()), f"“{match[0]}” has the wrong article."
            )
    for match in _PLURALS.finditer(text):
        yield FormFault(
            FaultKind.ARTICLE, Span(*match.span()), f"“{match[0]}” is one and many at once."
        )


def _sentences(text: str) -> Iterator[FormFault]:
    measures = find_measures(text)
    sections = find_sections(text)
    parts = [Span(0, sections[0].heading.start if sections else len(text))]
    parts += [section.body for section in sections]
    for part in parts:
        sentences = find_sentences(text, part.start, part.end)
        yield from _unstopped(text, sentences)
        for sentence in sentences:
            yield from _cut_off(text, sentence)
            yield from _empty(text, sentence)
            yield from _without_unit(text, sentence, measures)


def _cut_off(text: str, sentence: Span) -> Iterator[FormFault]:
    said = sentence.of(text)
    stopped = said.endswith(_STOPS)
    *_, before, last = ["", "", *said.rstrip(".!?… ").lower().split()]
    if (
        said.endswith((",", "-", "("))
        or last in _DANGLING
        or (last in _OPEN and not stopped)
        or (last in _GRADES and before in {"a", "an"})
    ):
        yield FormFault(FaultKind.CUT_OFF, sentence, f"The sentence ends in “{last}”.")


def _unstopped(text: str, sentences: Sequence[Span]) -> Iterator[FormFault]:
    """The last sentence of a section without a stop, where the one before has one on its line."""
    if len(sentences) < 2 or sentences[-1].of(text).endswith((*_STOPS, ":", ")")):
        return
    before, last = sentences[-2:]
    if before.of(text).endswith(_STOPS) and "\n" not in text[before.start : last.end]:
        yield FormFault(FaultKind.UNSTOPPED, last, "The last sentence has no stop.")


def _empty(text: str, sentence: Span) -> Iterator[FormFault]:
    """A sentence that is nothing but its subject: "Pleura."."""
    if not sentence.of(text).endswith("."):
        return
    items = [item for item in LEXICON.items(find_words(sentence.of(text))) if item.text != "."]
    roles = {item.role for item in items if item.name != "article"}
    if roles and roles <= {Role.REGION} and all(_is_subject(item) for item in items):
        yield FormFault(
            FaultKind.EMPTY, sentence, f"Nothing is said of “{sentence.of(text).rstrip('. ')}”."
        )


def _is_subject(item: Item) -> bool:
    return item.name != "chest"


def _without_unit(text: str, sentence: Span, measures: list[Item]) -> Iterator[FormFault]:
    """A number before a lesion that has lost its unit: "28 upper lobe nodule"."""
    words = find_words(sentence.of(text))
    for index, word in enumerate(words):
        if not _NUMBER.fullmatch(word.lower) or word.lower in {"1", "0"}:
            continue
        span = Span(sentence.start + word.start, sentence.start + word.end)
        if any(item.start <= span.start < item.end for item in measures):
            continue
        following = [other.lower for other in words[index + 1 : index + 1 + _MEASURED_WITHIN]]
        lesion = next((n for n, other in enumerate(following) if other in _SINGULAR_LESIONS), None)
        if lesion is not None and all(other.isalpha() for other in following[:lesion]):
            yield FormFault(FaultKind.UNIT, span, f"“{word.lower}” has no unit.")
