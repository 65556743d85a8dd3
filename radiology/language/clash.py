"""A clash: two places of a report that cannot both be right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

from radiology.language.fact import Fact
from radiology.language.spans import Span


class ClashKind(StrEnum):
    """What two places of a report disagree in."""

    NEGATION = "negation"
    SIDE = "side"
    LEVEL = "lobe"
    SIZE = "size"
    SEVERITY = "severity"
    NUMBER = "number"
    CHANGE = "change"
    TIP = "tip"
    SECTION = "section"
    SEX = "sex"
    VIEW = "view"
    COMPARISON = "comparison"
    LATERALITY = "laterality"


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


class Found(NamedTuple):
    """Two facts that clash; ``words`` says why, with ``{one}`` and ``{other}`` for their words."""

    kind: ClashKind
    one: Fact
    other: Fact
    words: str
