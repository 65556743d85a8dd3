"""The facts of a report: what it says of each finding and device, and where it says so."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from radiology.language.attaching import attach
from radiology.language.fact import Change, Evidence, Fact, Kind, Presence, Severity, Side
from radiology.language.grammar import find_items
from radiology.language.lexicon import Item, Role
from radiology.language.measures import find_measures, read_size
from radiology.language.mentions import Mention, find_mentions
from radiology.language.negation import EXCEPTIONS, find_presences
from radiology.language.sections import SectionName, find_sections
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span, find_words

_SEVERITIES: Final = {
    "minimal": Severity.MINIMAL,
    "small": Severity.SMALL,
    "moderate": Severity.MODERATE,
    "large": Severity.LARGE,
}
_LONGEST: Final = 200
"""Words of the longest sentence; what is longer is none, and read in pieces."""

_MANY: Final = 99
"""The count of "multiple"."""

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
    text: str, items: Sequence[Item], sentence: Span, section: SectionName | None
) -> list[Fact]:
    mentions = find_mentions(items)
    facts: list[Fact] = []
    if mentions:
        presences = find_presences(items, mentions)
        excepted = any(i.role is Role.BREAK and i.text in EXCEPTIONS for i in items)
        groups = attach(items, mentions)
        for mention, (presence, cue), alternatives in zip(mentions, presences, groups, strict=True):
            for attributes in alternatives:
                facts.extend(
                    _facts(mention, items, presence, cue, attributes, sentence, section, excepted)
                )
    if recommended := _recommendation(text, items, sentence):
        facts.append(
            Fact(
                Kind.RECOMMENDATION,
                "recommendation",
                Presence.PRESENT,
                recommended,
                sentence,
                section,
            )
        )
    return facts


def _facts(
    mention: Mention,
    items: Sequence[Item],
    presence: Presence,
    cue: Item | None,
    attributes: Sequence[Item],
    sentence: Span,
    section: SectionName | None,
    excepted: bool,
) -> list[Fact]:
    evidence = [Evidence("concept", items[part].span) for part in mention.parts]
    if cue is not None:
        evidence.append(Evidence("presence", cue.span))
    found: dict[str, list[str]] = {}
    for item in attributes:
        for name, value in item.term.attributes:
            if _applies(mention.kind, name):
                found.setdefault(name, []).append(value)
                evidence.append(Evidence(name, item.span))
    changes = [Change(value) for value in found.get("change", ())]
    if cue is not None and "resolved" in cue.term.names:
        changes.append(Change.RESOLVED)
    if Change.RESOLVED in changes:
        presence = Presence.ABSENT
    qualifiers = set(found.get("qualifier", ())) - {"plain"}
    if mention.state is not None and items[mention.state].name == "borderline":
        qualifiers.add("borderline")
    if any(item.name == "calcified" for item in items[mention.start : mention.first]):
        qualifiers.add("calcified")
    if excepted and (presence is Presence.ABSENT or mention.kind is Kind.NORMAL):
        qualifiers.add("restricted")
    if "fracture" in mention.concepts and not found.get("site") and _has_device(items):
        found["site"] = ["hardware"]  # a wire or a screw that broke
    if len(mention.concepts) > 1 and presence is Presence.ABSENT and mention.state is None:
        qualifiers.add("restricted")  # no hydropneumothorax: not both at once
    if "acute disease" in mention.concepts and _is_of_a_part(items):
        qualifiers.add("restricted")
    counts = found.get("count", ())
    start = items[mention.start]
    whole = Span(min(said.span.start for said in evidence), max(said.span.end for said in evidence))
    return [
        Fact(
            kind=mention.kind,
            concept=concept,
            presence=presence,
            span=whole,
            sentence=sentence,
            section=section,
            sides=frozenset(Side(value) for value in found.get("side", ())),
            levels=frozenset(found.get("level", ())),
            severities=frozenset(_SEVERITIES[value] for value in found.get("severity", ())),
            sizes=tuple(read_size(value) for value in found.get("size", ())),
            change=changes[-1] if changes else None,
            count=(_MANY if counts[0] == "many" else int(counts[0])) if counts else None,
            sites=frozenset(found.get("site", ())),
            tips=frozenset(found.get("tip", ())),
            qualifiers=frozenset(qualifiers),
            definite=start.text in {"the", "this", "these", "that"},
            evidence=tuple(evidence),
        )
        for concept in mention.concepts
    ]


def _has_device(items: Sequence[Item]) -> bool:
    return any(item.role is Role.DEVICE for item in items)


def _is_of_a_part(items: Sequence[Item]) -> bool:
    """Whether a sentence is about some region but the lungs: "no acute finding in the abdomen"."""
    return any(
        item.role is Role.REGION and not _WHOLE.intersection(item.term.names) for item in items
    )


_WHOLE: Final = frozenset({"lungs", "chest", "heart", "pleura"})
_OF_NORMAL: Final = frozenset({"side", "qualifier"})
_NOT_OF_DEVICES: Final = frozenset({"size", "severity"})


def _applies(kind: Kind, attribute: str) -> bool:
    if kind is Kind.NORMAL:
        return attribute in _OF_NORMAL
    if kind is Kind.DEVICE:
        return attribute not in _NOT_OF_DEVICES
    return attribute not in {"tip"}


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
