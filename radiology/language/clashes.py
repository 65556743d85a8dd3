"""Where a report contradicts itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from radiology.language.comparing import ClashKind, covers, differences, organs
from radiology.language.facts import Change, Fact, read_facts
from radiology.language.mentions import Kind
from radiology.language.negation import Presence
from radiology.language.relations import (
    HARMLESS,
    RESTRICTING,
    SINGLE,
    answers,
    denies,
    family,
    is_checkable,
    is_grave,
    supports,
)
from radiology.language.sections import SectionName
from radiology.language.spans import Span


class Gravity(IntEnum):
    """How much a clash may matter to the patient."""

    MINOR = 1
    MAJOR = 2


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of the report, and the fact that is said there, if it is one."""

    span: Span
    fact: Fact | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Two places that cannot both be right; ``second`` is None where a report and its study clash.

    ``why`` is one sentence for the reader.
    """

    kind: ClashKind
    gravity: Gravity
    first: Place
    second: Place | None
    why: str


_GRAVITIES: Final = dict.fromkeys(
    (ClashKind.CHANGE, ClashKind.NUMBER, ClashKind.SEVERITY), Gravity.MINOR
)
_TOLD: Final = frozenset({None, SectionName.FINDINGS, SectionName.IMPRESSION})
"""Sections whose facts are asserted of this study."""

_VAGUE: Final = frozenset({"opacity", "density", "acute disease", "bone abnormality"})
"""What is denied in one sense and said in another: "no focal opacity", "streaky opacity"."""

_SHADOWS: Final = frozenset({"consolidation", "opacity", "nodule"})

_LEAST_FINDINGS: Final = 3
"""Facts of Findings that are complete enough for the Impression to be held against them."""


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
    found: dict[tuple[ClashKind, Span, Span], Clash] = {}
    for kind, one, other in (
        *_denied(told),
        *_retold(findings, impression),
        *_told_again(findings),
        *_told_again(impression),
        *_unfounded(findings, impression),
        *_left_out(findings, impression),
    ):
        first, second = sorted((one, other), key=lambda fact: fact.span)
        clash = Clash(
            kind,
            _GRAVITIES.get(kind, Gravity.MAJOR),
            Place(first.span, first),
            Place(second.span, second),
            _why(text, kind, first, second),
        )
        found.setdefault((kind, first.sentence, second.sentence), clash)
    return tuple(sorted(found.values(), key=lambda clash: (clash.second or clash.first).span))


def _distinct(facts: Iterable[Fact]) -> list[Fact]:
    """One of the facts that a section tells in the same way, so that time does not run away."""
    kept: dict[Fact, Fact] = {}
    nowhere = Span(0, 0)
    for fact in facts:
        kept.setdefault(replace(fact, span=nowhere, sentence=nowhere, evidence=()), fact)
    return list(kept.values())


Found = tuple[ClashKind, Fact, Fact]


def _is_said(fact: Fact) -> bool:
    return fact.presence is Presence.PRESENT and fact.kind is not Kind.NORMAL


def _denied(facts: Sequence[Fact]) -> Iterator[Found]:
    """What is said at one place and denied at another."""
    said = [fact for fact in facts if _is_said(fact)]
    explained = {fact.sentence for fact in facts if _explains(fact)}
    for denial in facts:
        if denial.kind is not Kind.NORMAL and denial.presence is not Presence.ABSENT:
            continue
        for fact in said:
            if fact.sentence == denial.sentence or not covers(denial, fact):
                continue
            if fact.concept in _SHADOWS and fact.sentence in explained:
                continue
            if denies(denial, fact) or _contradicts(denial, fact):
                yield ClashKind.NEGATION, denial, fact


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
    if "acute" in denial.qualifiers and fact.qualifiers & {"chronic"}:
        return False
    if fact.kind is Kind.DEVICE and fact.change is Change.NEW:
        return False
    return not denial.severities or bool(denial.severities & fact.severities)


def _retold(findings: Sequence[Fact], impression: Sequence[Fact]) -> Iterator[Found]:
    """Facts of the Impression that none of the Findings agrees with."""
    for claim in impression:
        if claim.kind is Kind.NORMAL or claim.presence is Presence.ABSENT:
            continue
        if claim.concept == "density" or claim.concept in HARMLESS:
            continue
        same = [
            fact
            for fact in findings
            if fact.presence is not Presence.ABSENT
            and fact.kind is claim.kind
            and family(fact.concept) == family(claim.concept)
            and organs(fact) == organs(claim)
        ]
        if not same:
            yield from _shadow_elsewhere(findings, claim)
            continue
        closest = min(
            same, key=lambda fact: (len(differences(fact, claim)), fact.concept != claim.concept)
        )
        for kind in differences(closest, claim):
            yield kind, closest, claim
        if claim.sides and _is_said(claim) and all(fact.sides for fact in same):
            sides = frozenset[str]().union(*(fact.sides for fact in same))
            if claim.sides & sides and claim.sides - sides:
                yield ClashKind.SIDE, closest, claim


def _shadow_elsewhere(findings: Sequence[Fact], claim: Fact) -> Iterator[Found]:
    """An atelectasis or a pneumonia on the side where the Findings have no shadow at all."""
    shadows = [
        fact
        for fact in findings
        if fact.presence is not Presence.ABSENT and fact.concept in _SHADOWS | {"atelectasis"}
    ]
    if claim.concept not in _SHADOWS | {"atelectasis"} or not shadows or not claim.sides:
        return
    if all(fact.sides and not fact.sides & claim.sides for fact in shadows):
        yield ClashKind.SIDE, shadows[0], claim


def _told_again(facts: Sequence[Fact]) -> Iterator[Found]:
    """A finding that one section tells of twice, in two ways."""
    for number, fact in enumerate(facts):
        if not _is_said(fact) or not (fact.definite or fact.concept in SINGLE):
            continue
        earlier = [
            other
            for other in facts[:number]
            if _is_said(other) and other.concept == fact.concept and other.sentence != fact.sentence
        ]
        if len(earlier) != 1:
            continue
        kinds = differences(earlier[0], fact)
        if not kinds & {ClashKind.SIDE, ClashKind.LEVEL}:
            for kind in kinds:
                yield kind, earlier[0], fact


def _unfounded(findings: Sequence[Fact], impression: Sequence[Fact]) -> Iterator[Found]:
    """What the Impression concludes and the Findings do not tell."""
    if len(findings) < _LEAST_FINDINGS:
        return
    told = [
        fact
        for fact in findings
        if fact.presence is not Presence.ABSENT and fact.kind is not Kind.DEVICE
    ]
    for claim in impression:
        if not _is_said(claim) or claim.kind is Kind.DEVICE:
            continue
        if not is_checkable(claim) or any(supports(fact, claim) for fact in told):
            continue
        if any(_covers_denial(fact, claim) for fact in findings):
            continue
        yield ClashKind.SECTION, findings[-1], claim


def _left_out(findings: Sequence[Fact], impression: Sequence[Fact]) -> Iterator[Found]:
    """Grave Findings that an Impression does not speak of."""
    if not impression:
        return
    for fact in findings:
        if (
            not is_grave(fact)
            or organs(fact)
            or any(_covers_denial(other, fact) for other in impression)
        ):
            continue
        if not any(_is_about(other, fact) for other in impression):
            yield ClashKind.SECTION, fact, impression[0]


def _covers_denial(statement: Fact, fact: Fact) -> bool:
    """Whether the Impression denies ``fact``: a clash of its own."""
    return denies(statement, fact) or (
        statement.presence is Presence.ABSENT and statement.concept == fact.concept
    )


def _is_about(statement: Fact, fact: Fact) -> bool:
    return (
        statement.kind is Kind.FINDING
        and statement.presence is not Presence.ABSENT
        and answers(statement, fact)
    )


_DIFFERS: Final = {
    ClashKind.SIDE: "the sides differ",
    ClashKind.LEVEL: "the places differ",
    ClashKind.SIZE: "the sizes differ",
    ClashKind.SEVERITY: "the degrees differ",
    ClashKind.NUMBER: "the numbers differ",
    ClashKind.CHANGE: "the courses differ",
    ClashKind.TIP: "the tip lies elsewhere",
}


def _why(text: str, kind: ClashKind, first: Fact, second: Fact) -> str:
    one, other = _quoted(text, first), _quoted(text, second)
    if kind is ClashKind.NEGATION:
        return f"{one} and {other} cannot both be so."
    if kind is ClashKind.SECTION:
        if is_grave(first) and second.section is SectionName.IMPRESSION and not _is_said(second):
            return f"The Impression leaves out {one}."
        return f"The Impression says {other}, the Findings do not tell of it."
    return f"{one} and {other}: {_DIFFERS[kind]}."


def _quoted(text: str, fact: Fact) -> str:
    return "“" + " ".join(fact.span.of(text).split()) + "”"
