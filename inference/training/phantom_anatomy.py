"""The patient of a phantom radiograph: proportions, lungs, mediastinum and diaphragm.

Everything a finding changes about the *shape* of the chest (heart size, inspiration, shift,
raised diaphragm) is settled here; opacities are laid over it in ``phantom_findings``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from inference.training.findings import Case, Kind, Lobe, Side, Size
from inference.training.phantom_canvas import (
    Canvas,
    Field,
    Pose,
    Table,
    curve,
    rounded,
    step,
    stream,
)

SIGN: Final = {Side.LEFT: 1, Side.RIGHT: -1}
"""Where a side lies along ``u``: the patient's left is on the right of the image."""

_RATIO: Final = {Size.SMALL: 0.575, Size.MODERATE: 0.635, Size.LARGE: 0.705}
_LOWER: Final = (Lobe.RIGHT_LOWER, Lobe.LEFT_LOWER)


@dataclass(frozen=True)
class Patient:
    """Proportions in mm, patient coordinates."""

    case: Case
    pose: Pose
    half_width: float  # of the rib cage, inside
    girth: float  # half-width of a rib cage of this build, whatever the lungs do
    apex: float  # v of the lung apices
    dome: dict[Side, float]  # v of the top of each hemidiaphragm
    flatness: float  # 0 for a normal dome, 1 for a flat one
    heart_ratio: float  # cardiothoracic ratio
    shift: float  # of heart and trachea along u
    habitus: float  # -1 thin to 1 stout
    carina: float

    @property
    def base(self) -> float:
        """v of the deeper costophrenic angle."""
        return max(self.dome.values()) + 40.0


def patient_of(case: Case) -> Patient:
    """Proportions drawn from the seed, then changed by what the case shows."""
    rng = stream(case.seed, "patient")
    male = case.sex == "M"
    portable = case.view == "AP"
    pose = Pose(
        shift_x=float(rng.normal(0, 4)),
        shift_y=float(rng.normal(4, 5)),
        rotation=float(rng.normal(0, 0.014 if not portable else 0.028)),
        scale=float(np.clip(rng.normal(1.11 if male else 1.06, 0.025), 0.99, 1.16)),
    )
    habitus = float(np.clip(rng.normal(0.15 if portable else 0.0, 0.45), -1, 1))
    dome = 300.0 + float(np.clip(rng.normal(0, 6), -11, 11)) - (16.0 if portable else 0.0)
    gap = float(rng.uniform(8, 15))
    half_width = girth = 141.0 + float(rng.normal(0, 3))
    ratio = float(np.clip(rng.normal(0.45, 0.022), 0.40, 0.49)) + (0.018 if portable else 0.0)
    jitter = float(rng.uniform(-0.012, 0.012))
    apex = 47.0 + float(rng.normal(0, 3))
    flatness, shift = 0.0, 0.0
    lift = {Side.LEFT: 0.0, Side.RIGHT: 0.0}
    if case.find(Kind.HYPERINFLATION):
        dome, flatness, ratio, half_width = dome + 30.0, 1.0, ratio - 0.075, half_width + 4.0
        gap *= 0.5
    for finding in case.find(Kind.CARDIOMEGALY):
        ratio = _RATIO[finding.size or Size.MODERATE] + jitter
    for finding in case.find(Kind.ATELECTASIS):
        assert finding.lobe is not None
        side = finding.lobe.side
        lift[side] += 20.0 if finding.lobe in _LOWER else 9.0
        shift += 7.0 * SIGN[side]
    for kind in (Kind.EFFUSION, Kind.PNEUMOTHORAX):
        for finding in case.find(kind):
            if finding.size is Size.LARGE and finding.side is not None:
                shift -= 9.0 * SIGN[finding.side]
    return Patient(
        case=case,
        pose=pose,
        half_width=half_width,
        girth=girth,
        apex=apex,
        dome={Side.RIGHT: dome - lift[Side.RIGHT], Side.LEFT: dome + gap - lift[Side.LEFT]},
        flatness=flatness,
        heart_ratio=ratio,
        shift=float(np.clip(shift, -14, 14)),
        habitus=habitus,
        carina=168.0 + float(rng.normal(0, 4)),
    )


@dataclass(frozen=True)
class Lung:
    """One lung on a canvas; fields in mm or 0 to 1, shape (size, size)."""

    side: Side
    across: Field  # u towards the lung's own side, mm from the midline
    wall: Field  # distance inside the lateral and apical wall
    above: Field  # distance above the hemidiaphragm
    inside: Field  # 0 to 1: within the pleural space, mediastinum not yet taken away


def wall_table(half_width: float, apex: float, base: float) -> Table:
    """Half-width of the inner chest wall against v."""
    v = np.arange(-60.0, 460.0, 0.5)
    t = np.clip((v - apex) / (base - 62.0 - apex), 0.0, 1.0)
    arch = (1 - (1 - t) ** 2.1) ** 0.58
    taper = 3.5 * np.clip((v - base + 62.0) / 60.0, 0, 1.5) ** 2
    above = np.clip(apex - v, 0, None)  # the two borders cross above the apex
    values = 58.0 + (half_width - 58.0) * arch - taper - above
    return Table(values.astype(np.float32), -60.0, 0.5)


def inner_table(apex: float) -> Table:
    """Distance of the lung's inner border from the midline against v."""
    v = np.arange(-60.0, 460.0, 0.5)
    t = np.clip((v - apex) / 70.0, 0.0, 1.0)
    values = 58.0 - 42.0 * (1 - (1 - t) ** 2.4) ** 0.5 + np.clip(apex - v, 0, None)
    return Table(values.astype(np.float32), -60.0, 0.5)


def wall_distance(
    canvas: Canvas, across: Field, wall: Table, inner: Table, corner: float = 4.0
) -> Field:
    """Distance inside the lateral wall and the apex, in mm, negative outside."""
    v = canvas.v

    def distance(table: Table, sign: int) -> Field:
        slope = np.gradient(table.values, table.pitch)
        steep = Table((1 / np.sqrt(1 + slope**2)).astype(np.float32), table.low, table.pitch)
        return (table(v) - across) * np.float32(sign) * steep(v)

    return rounded(distance(wall, 1), distance(inner, -1), corner)


def diaphragm(patient: Patient, side: Side, across: Field) -> Field:
    """v of the hemidiaphragm against the distance from the midline."""
    centre = 66.0 if side is Side.RIGHT else 74.0
    lateral = np.clip((across - centre) / (patient.half_width - centre), 0, 1.1)
    medial = np.clip((centre - across) / centre, 0, 1.5)
    fall = 40.0 - 20.0 * patient.flatness
    sink = 16.0 - 9.0 * patient.flatness
    return np.float32(patient.dome[side]) + fall * lateral**2.4 + sink * medial**2.0


def lung_of(patient: Patient, canvas: Canvas, side: Side) -> Lung:
    """The pleural space of one side."""
    across = canvas.u * np.float32(SIGN[side])
    wall = wall_distance(
        canvas,
        across,
        wall_table(patient.half_width, patient.apex, patient.base),
        inner_table(patient.apex),
    )
    above = diaphragm(patient, side, across) - canvas.v
    inside = step(wall, 1.3) * step(above * np.float32(0.85), 1.6)
    return Lung(side, across, wall, above, inside)


def mediastinum_borders(patient: Patient) -> tuple[Table, Table]:
    """u of the right and of the left border of the cardiomediastinal silhouette against v."""
    width = patient.heart_ratio * 2 * patient.half_width
    right, left = 0.35 * width, 0.65 * width
    floor = 0.5 * (patient.dome[Side.RIGHT] + patient.dome[Side.LEFT])
    # The heart rests on the diaphragm: it is longer, and hangs lower, in a deep inspiration.
    top = 182.0
    span = floor - top

    def at(part: float) -> float:
        return top + part * span

    stretch = max(0.0, patient.heart_ratio - 0.45)
    right_border = [  # v, distance to the right of the midline
        (0, 30),
        (50, 34),
        (80, 25),
        (125, 25),
        (160, 27 + 20 * stretch),
        (178, 26 + 30 * stretch),
        (at(0.22), 0.62 * right),
        (at(0.45), 0.92 * right),
        (at(0.68), right),
        (at(0.90), 0.93 * right),
        (at(1.12), 0.70 * right),
        (at(1.40), 0.50 * right),
    ]
    left_border = [  # v, distance to the left: aortic arch, pulmonary trunk, left ventricle
        (0, 30),
        (50, 34),
        (82, 26),
        (104, 28),
        (120, 37.5),
        (134, 38),
        (148, 32),
        (160, 33 + 20 * stretch),
        (174, 37 + 45 * stretch),
        (at(0.18), 0.53 * left),
        (at(0.38), 0.72 * left),
        (at(0.62), 0.92 * left),
        (at(0.84), left),
        (at(1.02), 0.96 * left),
        (at(1.25), 0.62 * left),
        (at(1.50), 0.40 * left),
    ]
    return curve(*np.transpose(right_border)), curve(*np.transpose(left_border))


def mediastinum(patient: Patient, canvas: Canvas) -> tuple[Field, Field]:
    """The silhouette (0 to 1) and its depth (0 at the border to 1 well inside)."""
    right, left = mediastinum_borders(patient)
    u = canvas.u - np.float32(patient.shift) * step(canvas.v - 110.0, 60.0)
    to_right = u + right(canvas.v)
    to_left = left(canvas.v) - u
    nearest = np.minimum(to_right, to_left)
    return step(nearest, 1.5), np.sqrt(np.clip(nearest / 34.0, 0, 1))


def trachea_paths(patient: Patient) -> list[tuple[list[tuple[float, float]], float]]:
    """Air columns as patient points, each with its width in mm."""
    shift, carina = patient.shift, patient.carina
    split = (shift - 2.0, carina)
    return [
        ([(0, -20), (0, 70), (0.4 * shift - 1, 115), (shift - 3, carina - 18), split], 16.0),
        ([split, (shift - 15, carina + 14), (shift - 27, carina + 33)], 12.0),
        ([split, (shift + 15, carina + 12), (shift + 38, carina + 26)], 10.5),
    ]
