"""Where the Impression of a report does not follow from its Findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from radiology.language.clash import ClashKind, Found
from radiology.language.comparing import differences, differing, organs
from radiology.language.fact import Fact, Kind, Presence, is_said
from radiology.language.relations import (
    HARMLESS,
    SHADOWS,
    answers,
    denies,
    family,
    is_checkable,
    is_grave,
    supports,
)

_LEAST_FINDINGS: Final = 3
"""Facts of Findings that are complete enough for the Impression to be held against them."""

_UNFOUNDED: Final = "The Impression says {other}, the Findings do not tell of it."
_LEFT_OUT: Final = "The Impression leaves out {one}."


def find_in_impression(findings: Sequence[Fact], impression: Sequence[Fact]) -> Iterator[Found]:
    """What the Impression tells otherwise, tells alone, and leaves out."""
    yield from _retold(findings, impression)
    yield from _unfounded(findings, impression)
    yield from _left_out(findings, impression)


def _retold(findings: Sequence[Fact], impression: Sequence[Fact]) -> Iterator[Found]:
    """Facts of the Impression that none of the Findings agrees with."""
    for claim in impression:
        if claim.kind is Kind.NORMAL or claim.presence is Presence.ABSENT:
            continue
        if claim.concept in HARMLESS | {"density", "degenerative change"}:
            continue
        same = [
            fact
            for fact in findings
            if fact.presence is not Presence.ABSENT
            and fact.kind is claim.kind
            and family(fact.concept) == family(claim.concept)
            and organs(fact) == organs(claim)
        ]
        if claim.sides and any(fact.sides for fact in same):
            same = [fact for fact in same if fact.sides]
        if not same:
            yield from _shadow_elsewhere(findings, claim)
            continue
        closest = min(
            same, key=lambda fact: (len(differences(fact, claim)), fact.concept != claim.concept)
        )
        for kind in differences(closest, claim):
            yield differing(kind, closest, claim)
        if claim.sides and is_said(claim) and all(fact.sides for fact in same):
            sides = frozenset[str]().union(*(fact.sides for fact in same))
            if claim.sides & sides and claim.sides - sides:
                yield differing(ClashKind.SIDE, closest, claim)


def _shadow_elsewhere(findings: Sequence[Fact], claim: Fact) -> Iterator[Found]:
    """An atelectasis or a pneumonia on the side where the Findings have no shadow at all."""
    shadows = [
        fact
        for fact in findings
        if fact.presence is not Presence.ABSENT and fact.concept in SHADOWS | {"atelectasis"}
    ]
    if claim.concept not in SHADOWS | {"atelectasis"} or not shadows or not claim.sides:
        return
    if all(fact.sides and not fact.sides & claim.sides for fact in shadows):
        yield differing(ClashKind.SIDE, shadows[0], claim)


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
        if not is_said(claim) or claim.kind is Kind.DEVICE:
            continue
        if not is_checkable(claim) or any(supports(fact, claim) for fact in told):
            continue
        if any(_covers_denial(fact, claim) for fact in findings):
            continue
        yield Found(ClashKind.SECTION, findings[-1], claim, _UNFOUNDED)


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
            yield Found(ClashKind.SECTION, fact, impression[0], _LEFT_OUT)


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
