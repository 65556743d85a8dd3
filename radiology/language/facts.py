"""The facts of a report: what it says of each finding and device, and where it says so."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from radiology.language.attaching import attach
from radiology.language.building import Sentence, build_facts
from radiology.language.fact import Evidence, Fact, Kind, Presence
from radiology.language.grammar import find_items
from radiology.language.lexicon import Item, Role
from radiology.language.measures import find_measures, read_size
from radiology.language.mentions import find_mentions
from radiology.language.negation import find_presences
from radiology.language.sections import SectionName, find_sections
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span, find_words

_LONGEST: Final = 200
"""Words of the longest sentence; what is longer is none, and read in pieces."""

_PRONOUNS: Final = frozenset({"it", "this", "these", "they", "measures", "measuring", "largest"})
_WHEN: Final = re.compile(
    r"\bin\s+\d+(?:\s*(?:-|to)\s*\d+)?\s+(?:week|month|day|hour)", re.IGNORECASE
)


def read_facts(text: str) -> tuple[Fact, ...]:
    """The facts of a report or of any part of one, in the order of the text."""
    words = find_words(text)
    starts = [word.start for word in words]
    measures = find_measures(text)
    measured = [measure.start for measure in measures]
    facts: list[Fact] = []
    for section, part in _parts(text):
        for sentence in find_sentences(text, part.start, part.end):
            inside = slice(bisect_left(starts, sentence.start), bisect_left(starts, sentence.end))
            within = slice(
                bisect_left(measured, sentence.start), bisect_left(measured, sentence.end)
            )
            sentence_items = find_items(words[inside], measures[within])
            for begin in range(0, len(sentence_items), _LONGEST):
                items = sentence_items[begin : begin + _LONGEST]
                read = _read_sentence(text, items, sentence, section)
                if facts and all(fact.kind is Kind.RECOMMENDATION for fact in read):
                    facts[-1] = _said_again(facts[-1], items)
                facts.extend(read)
    return tuple(facts)


def _parts(text: str) -> list[tuple[SectionName | None, Span]]:
    """The bodies of the sections, and what stands before the first."""
    sections = find_sections(text)
    first = sections[0].heading.start if sections else len(text)
    return [(None, Span(0, first)), *((section.name, section.body) for section in sections)]


def _read_sentence(
    text: str, items: Sequence[Item], span: Span, section: SectionName | None
) -> list[Fact]:
    sentence = Sentence(items, span, section)
    mentions = find_mentions(items)
    facts: list[Fact] = []
    if mentions:
        presences = find_presences(items, mentions)
        groups = attach(items, mentions)
        for mention, (presence, cue), alternatives in zip(mentions, presences, groups, strict=True):
            for attributes in alternatives:
                facts.extend(build_facts(sentence, mention, presence, cue, attributes))
    if place := _recommendation(text, items, span):
        advice = Fact(Kind.RECOMMENDATION, "recommendation", Presence.PRESENT, place, span, section)
        facts.append(advice)
    return facts


def _said_again(fact: Fact, items: Sequence[Item]) -> Fact:
    """``fact`` with the size that a sentence of a pronoun gives it: "It measures 28 mm."."""
    if fact.kind is not Kind.FINDING or not items or items[0].text not in _PRONOUNS:
        return fact
    sizes = [
        (item.span, read_size(value))
        for item in items
        for name, value in item.term.attributes
        if name == "size"
    ]
    return replace(
        fact,
        sizes=(*fact.sizes, *(size for _, size in sizes)),
        evidence=(*fact.evidence, *(Evidence("size", span) for span, _ in sizes)),
    )


def _recommendation(text: str, items: Sequence[Item], sentence: Span) -> Span | None:
    """From the first to the last item that recommends, if the sentence does."""
    studies = [item for item in items if item.role is Role.STUDY]
    advice = [item for item in items if item.role is Role.ADVICE]
    soft = [item for item in items if "soft" in item.term.names]
    when = _WHEN.search(text, sentence.start, sentence.end)
    if not advice and not (studies and (soft or when)):
        return None
    said = [*studies, *advice, *soft]
    return Span(min(item.start for item in said), max(item.end for item in said))
