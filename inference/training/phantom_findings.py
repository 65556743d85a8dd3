"""How findings of the lung and pleura change what the lungs let through."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from typing import Final

import numpy as np

from inference.training.findings import Finding, Kind, Lobe, Side, Size
from inference.training.phantom_anatomy import (
    SIGN,
    Lung,
    Patient,
    diaphragm,
    inner_table,
    wall_distance,
    wall_table,
)
from inference.training.phantom_canvas import Canvas, Field, rounded, step, stream, texture

# Where a lobe projects: (distance from the midline, part of the way from apex to diaphragm).
ZONE: Final = {
    Lobe.RIGHT_UPPER: (78.0, 0.30),
    Lobe.RIGHT_MIDDLE: (76.0, 0.70),
    Lobe.RIGHT_LOWER: (92.0, 0.88),
    Lobe.LEFT_UPPER: (80.0, 0.34),
    Lobe.LEFT_LOWER: (98.0, 0.88),
}
_GRADE: Final = {Size.SMALL: 0, Size.MODERATE: 1, Size.LARGE: 2}


@dataclass
class LungLook:
    """What the findings make of one lung; fields of the canvas's shape."""

    airless: Field  # part of the air that is gone, 0 to 1
    added: Field  # attenuation on top
    markings: Field  # how far vessels show, 0 to 1


def look_of(patient: Patient, canvas: Canvas, lung: Lung) -> LungLook:
    """Every finding of one lung, laid over each other."""
    look = LungLook(canvas.zeros(), canvas.zeros(), lung.inside.copy())
    for finding in patient.case.findings:
        if finding.kind is Kind.OEDEMA:
            _oedema(look, patient, canvas, lung, finding)
        elif finding.side is lung.side and finding.kind in _DRAW:
            _DRAW[finding.kind](look, patient, canvas, lung, finding)
    return look


def _fill(look: LungLook, part: Field) -> None:
    look.airless = 1 - (1 - look.airless) * (1 - part)


def _level(patient: Patient, side: Side, part: float) -> float:
    """v at a part of the way from the apex to the dome."""
    return patient.apex + part * (patient.dome[side] - patient.apex)


def _effusion(
    look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding
) -> None:
    grade = _GRADE[finding.size or Size.MODERATE]
    jitter = float(stream(patient.case.seed, f"effusion {lung.side}").uniform(0.92, 1.08))
    lateral = (58.0, 104.0, 178.0)[grade] * jitter
    medial = (22.0, 72.0, 150.0)[grade] * jitter
    angle = patient.dome[lung.side] + 40.0 - 20.0 * patient.flatness
    inward = np.clip(patient.half_width - lung.across, 0, None)
    rise = medial + (lateral - medial) * np.exp(-inward / np.float32(30.0))
    # Medially the meniscus climbs a little again, against the mediastinum.
    rise += (6.0 + 6.0 * grade) * np.exp(-np.clip(lung.across - 20, 0, None) / np.float32(20.0))
    depth = canvas.v - (angle - rise)
    _fill(look, 0.97 * step(depth - 3.0, 5.0))
    look.added += 0.34 * step(depth - 10.0, 24.0) * lung.inside
    look.markings *= 1 - step(depth, 6.0)


def _pneumothorax(
    look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding
) -> None:
    grade = _GRADE[finding.size or Size.MODERATE]
    jitter = float(stream(patient.case.seed, f"pneumothorax {lung.side}").uniform(0.9, 1.1))
    width = (19.0, 38.0, 74.0)[grade] * jitter
    base = (0.0, 3.0, 26.0)[grade] * jitter
    apex = patient.apex + (1.45, 1.4, 1.15)[grade] * width
    wall = wall_table(patient.half_width - width, apex, patient.base)
    corner = (4.0, 8.0, 30.0)[grade]
    collapsed = wall_distance(canvas, lung.across, wall, inner_table(apex), corner)
    # A lung that hangs free of the wall rounds off.
    middle = np.float32(0.5 * (apex + patient.dome[lung.side] - base))
    collapsed = collapsed - np.float32((0.0, 0.0, 0.0017)[grade]) * (canvas.v - middle) ** 2
    collapsed = rounded(collapsed, lung.above - np.float32(base), 3.0 + 4.0 * grade)
    within = step(collapsed, 1.2)
    pleura = np.exp(-((collapsed / np.float32(1.5)) ** 2)) * step(lung.above - 4.0 - base, 6.0)
    look.airless *= within
    look.markings *= within
    squeezed = (0.10, 0.22, 0.62)[grade]
    _fill(look, squeezed * within)
    look.added += (0.46 * pleura - 0.42 * (1 - within)) * lung.inside


def _patch(
    canvas: Canvas,
    lung: Lung,
    patient: Patient,
    lobe: Lobe,
    radii: tuple[float, float],
    shift: float = 0.0,
) -> Field:
    """Distance inside an ellipse over a lobe's zone, in units of its radii, 1 at the centre."""
    across, part = ZONE[lobe]
    u = (lung.across - np.float32(across + shift)) / np.float32(radii[0])
    v = (canvas.v - np.float32(_level(patient, lobe.side, part))) / np.float32(radii[1])
    return 1 - np.sqrt(u * u + v * v)


def _consolidation(
    look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding
) -> None:
    assert finding.lobe is not None
    rng = stream(patient.case.seed, "consolidation")
    grow = float(rng.uniform(0.92, 1.12))
    radii, nearer = {
        Lobe.RIGHT_UPPER: ((62.0, 66.0), 4.0),
        Lobe.RIGHT_MIDDLE: ((50.0, 38.0), -18.0),
        Lobe.RIGHT_LOWER: ((58.0, 56.0), 0.0),
        Lobe.LEFT_UPPER: ((60.0, 68.0), 0.0),
        Lobe.LEFT_LOWER: ((62.0, 58.0), -8.0),
    }[finding.lobe]
    inward = _patch(
        canvas, lung, patient, finding.lobe, (radii[0] * grow, radii[1] * grow), shift=nearer
    )
    rough = texture(rng, 34, canvas.size) * 0.10 + texture(rng, 14, canvas.size) * 0.10
    opacity = step(inward + rough - 0.22, 0.34)
    fissure = np.float32(_level(patient, lung.side, 0.555)) + 0.05 * (lung.across - 60)
    if finding.lobe is Lobe.RIGHT_UPPER:
        opacity = opacity * step(fissure - canvas.v, 2.0)
    elif finding.lobe is Lobe.RIGHT_MIDDLE:
        opacity = opacity * step(canvas.v - fissure, 2.0)
    _fill(look, 0.86 * opacity)
    look.added += 0.14 * opacity * lung.inside
    # Air bronchograms: branching bronchi stay dark in the airless lung.
    bronchi = canvas.zeros()
    across, part = ZONE[finding.lobe]
    sign, level = SIGN[lung.side], _level(patient, lung.side, part)
    root = np.array([26.0, patient.carina + 28.0])
    towards = np.array([across + 8.0, level])
    normal = np.array([-(towards - root)[1], (towards - root)[0]])
    for start, spread, width in (
        (0.3, 0.1, 4.0),
        (0.55, -0.5, 3.0),
        (0.6, 0.75, 3.0),
        (0.8, -0.9, 2.4),
    ):
        along = np.linspace(start, start + 0.55, 7)[:, None]
        trunk = root + (towards - root) * along + normal * 0.1 * (along - 0.3)
        path = trunk + normal * (spread - 0.1) * (along - start) ** 1.15
        path = path + normal * 0.04 * np.sin(7 * along + float(rng.uniform(0, 6)))
        canvas.add_stroke(bronchi, path * [sign, 1], width, 1.0, 1.2)
    look.added -= 0.42 * np.clip(bronchi, 0, 1) * opacity * lung.inside
    look.markings *= 1 - 0.85 * opacity


def _atelectasis(
    look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding
) -> None:
    assert finding.lobe is not None
    rng = stream(patient.case.seed, "atelectasis")
    lobe, sign = finding.lobe, SIGN[lung.side]
    # A wedge from the hilum: its two far corners (distance from midline, part of the way down).
    wedge = {
        Lobe.RIGHT_UPPER: ((22.0, 0.02), (72.0, 0.20)),
        Lobe.LEFT_UPPER: ((22.0, 0.05), (70.0, 0.22)),
        Lobe.RIGHT_MIDDLE: ((106.0, 0.80), (62.0, 0.95)),
        Lobe.RIGHT_LOWER: ((20.0, 1.06), (84.0, 1.05)),
        Lobe.LEFT_LOWER: ((20.0, 1.06), (96.0, 1.05)),
    }[lobe]
    hilum = (24.0, patient.carina + 22.0)
    corners = [hilum, *((u, _level(patient, lung.side, part)) for u, part in wedge)]
    inward = _inside_triangle(lung.across, canvas.v, corners)
    opacity = 0.86 * step(inward + 0.9 * texture(rng, 40, canvas.size), 5.5)
    plates = canvas.zeros()
    across, part = ZONE[lobe]
    level = _level(patient, lung.side, min(part, 0.84))
    lean = float(rng.uniform(-0.22, 0.22))
    for i in range(3):
        offset = (i - 1) * 16.0 + float(rng.uniform(-3, 3))
        tilt = lean + float(rng.uniform(-0.09, 0.09))
        half = float(rng.uniform(26, 38)) * (0.8 if i == 2 else 1.0)
        centre_u = across + float(rng.uniform(-6, 8))
        along = np.linspace(-half, half, 9)
        path = np.stack(
            [sign * (centre_u + along), level + offset + tilt * along + 0.0022 * along**2], axis=1
        )
        width = float(rng.uniform(3.6, 5.6))
        canvas.add_stroke(plates, path, width * 0.55, 0.55, 1.6)
        canvas.add_stroke(plates, path[2:-2], width, 0.6, 2.2)
    plates = np.clip(plates, 0, 1)
    _fill(look, np.maximum(opacity, 0.55 * plates))
    look.added += (0.22 * opacity + 0.16 * plates) * lung.inside
    look.markings *= 1 - 0.8 * opacity


def _inside_triangle(u: Field, v: Field, corners: list[tuple[float, float]]) -> Field:
    """Signed distance inside a triangle with rounded corners, mm."""
    centre = np.mean(np.asarray(corners), axis=0)
    nearest: Field | None = None
    for (u0, v0), (u1, v1) in zip(corners, corners[1:] + corners[:1], strict=True):
        normal = np.array([v1 - v0, u0 - u1])
        normal /= np.hypot(*normal)
        if normal @ (centre - [u0, v0]) < 0:
            normal = -normal
        side = (u - np.float32(u0)) * np.float32(normal[0]) + (v - np.float32(v0)) * np.float32(
            normal[1]
        )
        nearest = side if nearest is None else rounded(nearest, side, 16.0)
    assert nearest is not None
    return nearest


def _oedema(look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding) -> None:
    grade = _GRADE[finding.size or Size.MODERATE]
    rng = stream(patient.case.seed, f"oedema {lung.side}")
    u = (lung.across - np.float32(56.0)) / np.float32((44.0, 50.0, 58.0)[grade])
    v = (canvas.v - np.float32(patient.carina + 44.0)) / np.float32((58.0, 68.0, 80.0)[grade])
    wing = np.exp(-((u * u + v * v) ** 1.4))
    rough = 1 + 0.22 * texture(rng, 42, canvas.size) + 0.20 * texture(rng, 18, canvas.size)
    _fill(look, np.clip((0.40, 0.58, 0.76)[grade] * wing * rough, 0, 0.9))
    haze = step(canvas.v - np.float32(patient.apex + 40.0), 120.0)
    _fill(look, (0.07, 0.12, 0.18)[grade] * haze)
    # Kerley B lines: short, horizontal, touching the lateral wall above the angle.
    sign = SIGN[lung.side]
    lines = canvas.zeros()
    wall = wall_table(patient.half_width, patient.apex, patient.base)
    floor = patient.dome[lung.side] + 8.0
    for i in range((5, 8, 10)[grade]):
        level = floor - 7.5 * i + float(rng.uniform(-1.2, 1.2))
        edge = wall.at(level) - 2.0
        inner = edge - float(rng.uniform(13, 22))
        canvas.add_stroke(lines, [(sign * edge, level), (sign * inner, level + 1.5)], 1.5, 1.0, 0.6)
    look.added += 0.30 * np.clip(lines, 0, 1) * lung.inside


def _centre(
    patient: Patient, lung: Lung, finding: Finding, rng: np.random.Generator
) -> tuple[float, float]:
    """Where a round lesion lies: in its lobe's zone, clear of wall, heart and diaphragm."""
    assert finding.lobe is not None
    assert finding.millimetres is not None
    across, part = ZONE[finding.lobe]
    radius = finding.millimetres / 2
    spread = max(4.0, 16.0 - 0.3 * radius)
    u = across + 4.0 + float(rng.uniform(-spread, spread))
    low = {Lobe.RIGHT_LOWER: 0.80, Lobe.LEFT_LOWER: 0.79, Lobe.RIGHT_MIDDLE: 0.66}
    v = _level(patient, lung.side, low.get(finding.lobe, part))
    v += float(rng.uniform(-spread, spread))
    floor = float(diaphragm(patient, lung.side, np.full(1, u, np.float32))[0])
    v = min(v, floor - radius - 5.0)
    wall = wall_table(patient.half_width, patient.apex, patient.base).at(v)
    return min(u, wall - radius - 5.0), v


def _nodule(look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding) -> None:
    rng = stream(patient.case.seed, "nodule")
    u0, v0 = _centre(patient, lung, finding, rng)
    radius = (finding.millimetres or 16) / 2 / patient.pose.scale
    distance = np.hypot(lung.across - np.float32(u0), canvas.v - np.float32(v0))
    disc = step(np.float32(radius) - distance, 1.1)
    dome = np.sqrt(np.clip(1 - (distance / np.float32(radius + 1)) ** 2, 0, 1))
    strength = 0.74 + 0.01 * max(0.0, 20 - 2 * radius)
    look.added += strength * disc * (0.55 + 0.45 * dome)


def _mass(look: LungLook, patient: Patient, canvas: Canvas, lung: Lung, finding: Finding) -> None:
    rng = stream(patient.case.seed, "mass")
    u0, v0 = _centre(patient, lung, finding, rng)
    radius = (finding.millimetres or 44) / 2 / patient.pose.scale
    du, dv = lung.across - np.float32(u0), canvas.v - np.float32(v0)
    angle, distance = np.arctan2(dv, du), np.hypot(du, dv)
    outline = np.full_like(distance, radius)
    for lobes, most in ((2, 0.10), (3, 0.09), (5, 0.05), (9, 0.025)):
        swing = float(rng.uniform(0.4, 1.0)) * most * radius
        outline += np.float32(swing) * np.cos(lobes * angle + np.float32(rng.uniform(0, 2 * pi)))
    body = step(outline - distance, 2.6)
    spikes = canvas.zeros()
    sign = SIGN[lung.side]
    for turn in np.linspace(0, 2 * pi, 13)[:-1] + rng.uniform(-0.2, 0.2, 12):
        reach = radius * float(rng.uniform(1.25, 1.55))
        ends = [(sign * (u0 + r * cos(turn)), v0 + r * sin(turn)) for r in (radius * 0.8, reach)]
        canvas.add_stroke(spikes, ends, 1.8, 1.0, 0.8)
    texture_ = 1 + 0.05 * texture(rng, 40, canvas.size)
    look.added += (1.0 * body * texture_ + 0.30 * np.clip(spikes, 0, 1) * (1 - body)) * step(
        lung.wall, 1.5
    )
    look.markings *= 1 - 0.7 * body


_DRAW: Final = {
    Kind.EFFUSION: _effusion,
    Kind.PNEUMOTHORAX: _pneumothorax,
    Kind.CONSOLIDATION: _consolidation,
    Kind.ATELECTASIS: _atelectasis,
    Kind.NODULE: _nodule,
    Kind.MASS: _mass,
}
