"""A fact: what a stretch of a report says of one finding or device."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

from radiology.language.measures import Size
from radiology.language.sections import SectionName
from radiology.language.spans import Span


class Kind(StrEnum):
    """What a fact is about."""

    FINDING = "finding"
    DEVICE = "device"
    NORMAL = "normal"  # a region that is said to be normal
    RECOMMENDATION = "recommendation"


class Presence(StrEnum):
    """Whether a report says that a finding is there."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


class Side(StrEnum):
    """A side of the patient; what is on both has both."""

    LEFT = "left"
    RIGHT = "right"


class Severity(IntEnum):
    """Extent and severity on one scale: a small effusion, mild oedema."""

    MINIMAL = 1
    SMALL = 2
    MODERATE = 3
    LARGE = 4


class Change(StrEnum):
    """The course since an earlier examination."""

    NEW = "new"
    INCREASED = "increased"
    DECREASED = "decreased"
    UNCHANGED = "unchanged"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The characters that say one attribute of a fact."""

    attribute: str
    span: Span


@dataclass(frozen=True, slots=True)
class Fact:
    """What a report says of one finding, device or region in one place.

    ``concept`` is a key of :data:`~radiology.language.findings.FINDINGS`, of
    :data:`~radiology.language.devices.DEVICES` or, for a
    region that is said to be normal, of :data:`~radiology.language.regions.REGIONS`. Empty sets and
    None stand for what is not told. ``sites`` are ribs and vertebrae ("rib 6", "T8"), ``tips``
    where a device ends, ``definite`` whether it is told of with "the": as of something known.
    """

    kind: Kind
    concept: str
    presence: Presence
    span: Span
    sentence: Span
    section: SectionName | None = None
    sides: frozenset[Side] = frozenset()
    levels: frozenset[str] = frozenset()
    severities: frozenset[Severity] = frozenset()
    sizes: tuple[Size, ...] = ()
    change: Change | None = None
    count: int | None = None
    sites: frozenset[str] = frozenset()
    tips: frozenset[str] = frozenset()
    qualifiers: frozenset[str] = frozenset()
    definite: bool = False
    evidence: tuple[Evidence, ...] = ()

    @property
    def size_mm(self) -> float | None:
        """The longest axis of the largest size told."""
        return max((size.mm for size in self.sizes), default=None)

    def spans(self, attribute: str) -> tuple[Span, ...]:
        """Where the attribute is said; its names are those of the fields, in the singular."""
        return tuple(said.span for said in self.evidence if said.attribute == attribute)


def is_said(fact: Fact) -> bool:
    """Whether a finding or a device is said to be there, without doubt."""
    return fact.presence is Presence.PRESENT and fact.kind is not Kind.NORMAL
