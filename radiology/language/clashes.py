"""Where a report contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from radiology.language.clash import Clash, ClashKind, Found, Gravity, Place
from radiology.language.comparing import covers, differences, differing
from radiology.language.fact import Change, Fact, Kind, Presence, is_said
from radiology.language.facts import read_facts
from radiology.language.impressions import find_in_impression
from radiology.language.relations import (
    HARMLESS,
    RESTRICTING,
    SHADOWS,
    SINGLE,
    denies,
    family,
)
from radiology.language.sections import SectionName
from radiology.language.spans import Span

_GRAVITIES: Final = dict.fromkeys(
    (ClashKind.CHANGE, ClashKind.NUMBER, ClashKind.SEVERITY), Gravity.MINOR
)
_TOLD: Final = frozenset({None, SectionName.FINDINGS, SectionName.IMPRESSION})
"""Sections whose facts are asserted of this study."""

_VAGUE: Final = frozenset({"opacity", "density", "acute disease", "bone abnormality"})
"""What is denied in one sense and said in another: "no focal opacity", "streaky opacity"."""

_NOT_BOTH: Final = "{one} and {other} cannot both be so."


def find_clashes(text: str) -> tuple[Clash, ...]:
    """The clashes of a report with itself, in the order of their second places."""
    return clashes_among(text, read_facts(text))


def clashes_among(text: str, facts: Sequence[Fact]) -> tuple[Clash, ...]:
    """The clashes among ``facts``, which were read from ``text``."""
    told = _distinct(
        fact for fact in facts if fact.section in _TOLD and fact.kind is not Kind.RECOMMENDATION
    )
    findings = [fact for fact in told if fact.section is not SectionName.IMPRESSION]
    impression = [fact for fact in told if fact.section is SectionName.IMPRESSION]
    clashes: dict[tuple[ClashKind, Span, Span], Clash] = {}
    for found in (
        *_denied(told),
        *_told_again(findings),
        *_told_again(impression),
        *find_in_impression(findings, impression),
    ):
        clash = Clash(
            found.kind,
            _GRAVITIES.get(found.kind, Gravity.MAJOR),
            Place(found.one.span, found.one),
            Place(found.other.span, found.other),
            found.words.format(one=_quoted(text, found.one), other=_quoted(text, found.other)),
        )
        clashes.setdefault((found.kind, found.one.sentence, found.other.sentence), clash)
    return tuple(sorted(clashes.values(), key=lambda clash: (clash.second or clash.first).span))


def _distinct(facts: Iterable[Fact]) -> list[Fact]:
    """One of the facts that a section tells in the same way, so that time does not run away."""
    kept: dict[Fact, Fact] = {}
    nowhere = Span(0, 0)
    for fact in facts:
        kept.setdefault(replace(fact, span=nowhere, sentence=nowhere, evidence=()), fact)
    return list(kept.values())


def _denied(facts: Sequence[Fact]) -> Iterator[Found]:
    """What is said at one place and denied at another."""
    said = [fact for fact in facts if is_said(fact)]
    explained = {fact.sentence for fact in facts if _explains(fact)}
    for denial in facts:
        if denial.kind is not Kind.NORMAL and denial.presence is not Presence.ABSENT:
            continue
        for fact in said:
            if fact.sentence == denial.sentence or not covers(denial, fact):
                continue
            if fact.concept in SHADOWS and fact.sentence in explained:
                continue
            if denies(denial, fact) or _contradicts(denial, fact):
                one, other = sorted((denial, fact), key=lambda told: told.span)
                yield Found(ClashKind.NEGATION, one, other, _NOT_BOTH)


def _explains(fact: Fact) -> bool:
    """Whether a shadow that is told of beside ``fact`` may be no more than that."""
    return fact.concept in HARMLESS or (
        fact.concept == "atelectasis" and fact.presence is Presence.UNCERTAIN
    )


def _contradicts(denial: Fact, fact: Fact) -> bool:
    """Whether ``denial`` denies the very concept, and not just some kind of it."""
    if denial.concept != fact.concept or denial.presence is not Presence.ABSENT:
        return False
    if denial.qualifiers & RESTRICTING or fact.concept in _VAGUE:
        return False
    if denial.change is Change.RESOLVED and denial.section is fact.section:
        # One of several may be gone, and the others told of beside it.
        return family(fact.concept) not in {"lesion", "opacity"}
    if denial.change in {Change.NEW, Change.INCREASED}:
        return False
    if denial.change is Change.RESOLVED and fact.change is Change.DECREASED:
        return False
    if "chronic" in fact.qualifiers and (
        "acute" in denial.qualifiers or fact.concept == "fracture"
    ):
        return False
    if fact.kind is Kind.DEVICE and fact.change is Change.NEW:
        return False
    return not denial.severities or bool(denial.severities & fact.severities)


def _told_again(facts: Sequence[Fact]) -> Iterator[Found]:
    """A finding that one section tells of twice, in two ways."""
    for number, fact in enumerate(facts):
        if not is_said(fact) or not (fact.definite or fact.concept in SINGLE):
            continue
        earlier = [
            other
            for other in facts[:number]
            if is_said(other) and other.concept == fact.concept and other.sentence != fact.sentence
        ]
        if len(earlier) != 1:
            continue
        kinds = differences(earlier[0], fact)
        if not kinds & {ClashKind.SIDE, ClashKind.LEVEL}:
            for kind in kinds:
                yield differing(kind, earlier[0], fact)


def _quoted(text: str, fact: Fact) -> str:
    return "“" + " ".join(fact.span.of(text).split()) + "”"
