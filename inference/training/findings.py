"""What a fictional chest radiograph shows: the truth that is rendered, reported and scored.

A :class:`Case` is drawn from a seed alone, so that a corpus is a range of seeds.
Sides are the patient's, as in a report: the patient's left is on the right of the image.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class Kind(StrEnum):
    """The findings that the demo world knows."""

    CARDIOMEGALY = "cardiomegaly"
    EFFUSION = "effusion"
    PNEUMOTHORAX = "pneumothorax"
    CONSOLIDATION = "consolidation"
    ATELECTASIS = "atelectasis"
    OEDEMA = "oedema"
    NODULE = "nodule"
    MASS = "mass"
    HYPERINFLATION = "hyperinflation"
    HIATAL_HERNIA = "hiatal_hernia"
    RIB_FRACTURE = "rib_fracture"
    ENDOTRACHEAL_TUBE = "endotracheal_tube"
    CENTRAL_LINE = "central_line"
    PACEMAKER = "pacemaker"
    NASOGASTRIC_TUBE = "nasogastric_tube"


class Side(StrEnum):
    LEFT = "left"
    RIGHT = "right"


class Size(StrEnum):
    SMALL = "small"
    MODERATE = "moderate"
    LARGE = "large"


class Lobe(StrEnum):
    RIGHT_UPPER = "right upper lobe"
    RIGHT_MIDDLE = "right middle lobe"
    RIGHT_LOWER = "right lower lobe"
    LEFT_UPPER = "left upper lobe"
    LEFT_LOWER = "left lower lobe"

    @property
    def side(self) -> Side:
        return Side.RIGHT if self.name.startswith("RIGHT") else Side.LEFT


Sex = Literal["F", "M"]
View = Literal["PA", "AP"]

DEVICES: Final = frozenset(
    {Kind.ENDOTRACHEAL_TUBE, Kind.CENTRAL_LINE, Kind.PACEMAKER, Kind.NASOGASTRIC_TUBE}
)
_SIDED: Final = frozenset({Kind.EFFUSION, Kind.PNEUMOTHORAX})
_SIZED: Final = frozenset({Kind.CARDIOMEGALY, Kind.EFFUSION, Kind.PNEUMOTHORAX, Kind.OEDEMA})


@dataclass(frozen=True)
class Finding:
    """One finding, with the attributes that its kind has and ``None`` for the others.

    ``size`` grades cardiomegaly, effusion, pneumothorax and oedema (small is mild, large is
    severe). ``lobe`` places consolidation, atelectasis, nodule and mass. ``millimetres`` is the
    diameter of a nodule (8 to 28) or a mass (32 to 60). ``side`` is that of an effusion, a
    pneumothorax, a rib fracture, a central line or a pacemaker, and of the lobe where one is
    given. ``rib`` is the number of the broken rib (4 to 9, posterior count).
    """

    kind: Kind
    side: Side | None = None
    size: Size | None = None
    lobe: Lobe | None = None
    millimetres: int | None = None
    rib: int | None = None

    @property
    def label(self) -> str:
        """The class under which the finding is scored, e.g. ``"effusion_left"``."""
        return f"{self.kind}_{self.side}" if self.kind in _SIDED and self.side else str(self.kind)


def _labels() -> tuple[str, ...]:
    names: list[str] = []
    for kind in Kind:
        names += [f"{kind}_{side}" for side in Side] if kind in _SIDED else [str(kind)]
    return tuple(names)


LABELS: Final[tuple[str, ...]] = _labels()
"""The 17 scored classes, in a fixed order."""


@dataclass(frozen=True)
class Case:
    """One fictional patient on one day: everything that the image shows and the report tells."""

    seed: int
    sex: Sex
    age: int
    view: View
    findings: tuple[Finding, ...]

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(finding.label for finding in self.findings)

    @property
    def is_normal(self) -> bool:
        """No finding but, perhaps, a device."""
        return all(finding.kind in DEVICES for finding in self.findings)

    def find(self, kind: Kind) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind is kind)


_COUNTS: Final = ((0, 0.20), (1, 0.26), (2, 0.30), (3, 0.24))
"""How many pathologies a case has, and how often."""

_PATHOLOGIES: Final = tuple(kind for kind in Kind if kind not in DEVICES)


def _with_attributes(kind: Kind, rng: random.Random) -> list[Finding]:
    size = rng.choice(list(Size)) if kind in _SIZED else None
    if kind is Kind.EFFUSION:
        sides = rng.choice(([Side.LEFT], [Side.RIGHT], [Side.LEFT, Side.RIGHT]))
        return [Finding(kind, side=side, size=size) for side in sides]
    if kind is Kind.PNEUMOTHORAX:
        return [Finding(kind, side=rng.choice(list(Side)), size=size)]
    if kind in (Kind.CONSOLIDATION, Kind.ATELECTASIS):
        lobe = rng.choice(list(Lobe))
        return [Finding(kind, side=lobe.side, lobe=lobe)]
    if kind in (Kind.NODULE, Kind.MASS):
        lobe = rng.choice(list(Lobe))
        diameter = rng.randrange(8, 29, 2) if kind is Kind.NODULE else rng.randrange(32, 61, 4)
        return [Finding(kind, side=lobe.side, lobe=lobe, millimetres=diameter)]
    if kind is Kind.RIB_FRACTURE:
        return [Finding(kind, side=rng.choice(list(Side)), rib=rng.randint(4, 9))]
    return [Finding(kind, size=size)]


def _excludes(taken: set[Kind]) -> set[Kind]:
    """Kinds that would contradict or hide what is there already."""
    excluded = set(taken)
    for pair in (
        {Kind.OEDEMA, Kind.HYPERINFLATION},
        {Kind.NODULE, Kind.MASS},
        {Kind.CONSOLIDATION, Kind.ATELECTASIS},
    ):
        if pair & taken:
            excluded |= pair
    return excluded


def sample_case(seed: int) -> Case:
    """Draw one case; the same seed always gives the same case."""
    rng = random.Random(f"case {seed}")
    count = rng.choices([n for n, _ in _COUNTS], [weight for _, weight in _COUNTS])[0]
    taken: set[Kind] = set()
    findings: list[Finding] = []
    for _ in range(count):
        choices = [kind for kind in _PATHOLOGIES if kind not in _excludes(taken)]
        kind = rng.choice(choices)
        taken.add(kind)
        findings += _with_attributes(kind, rng)
    bedside = rng.random() < 0.35
    device_rate = 0.42 if bedside else 0.08
    for kind in sorted(DEVICES):
        rate = 0.12 if kind is Kind.PACEMAKER else device_rate
        if rng.random() < rate:
            side = {Kind.CENTRAL_LINE: Side.RIGHT, Kind.PACEMAKER: Side.LEFT}.get(kind)
            if kind is Kind.CENTRAL_LINE and rng.random() < 0.3:
                side = Side.LEFT
            findings.append(Finding(kind, side=side))
    return Case(
        seed=seed,
        sex=rng.choice(("F", "M")),
        age=rng.randint(21, 89),
        view="AP" if bedside else "PA",
        findings=tuple(findings),
    )
