"""Ribs, spine, clavicles and scapulae, and the vessels of the lungs."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from inference.training.findings import Kind, Side, Size
from inference.training.phantom_anatomy import SIGN, Patient, wall_table
from inference.training.phantom_canvas import (
    FIELD_MM,
    Canvas,
    Field,
    Points,
    Range,
    resample,
    smooth_path,
    step,
    stream,
)

RIBS: Final = range(1, 12)
VESSEL_GRID: Final = 1024


# The vessels that leave a hilum: heading in radians below the horizontal, length and width in mm.
_TRUNKS: Final = (
    (-1.30, 30.0, 4.4),
    (-0.95, 30.0, 4.6),
    (-0.55, 31.0, 4.4),
    (-0.15, 31.0, 4.2),
    (0.25, 33.0, 4.6),
    (0.60, 37.0, 5.4),
    (0.92, 41.0, 6.4),
    (1.22, 43.0, 7.6),
    (1.42, 38.0, 5.6),
)


@dataclass(frozen=True)
class Rib:
    """One rib, seen from the front: v of its back and front part against the distance across."""

    number: int
    side: Side
    reach: float  # mm from the midline to where it turns round the wall
    back: Field  # v at every half millimetre of distance
    front: Field
    height: float  # mm


def ribs_of(patient: Patient) -> list[Rib]:
    rng = stream(patient.case.seed, "ribs")
    wall = wall_table(patient.half_width, patient.apex, patient.base)
    spacing = 25.6 + float(rng.normal(0, 0.5))
    first = patient.apex - 3.0
    across = np.arange(0, 220, 0.5, dtype=np.float32)
    ribs = []
    for side in Side:
        for number in RIBS:
            root = first + spacing * (number - 1) * (1 - 0.004 * number)
            drop = 18.0 + 5.6 * number
            turn = root + 0.62 * drop + 8.0
            reach = min(wall.at(turn) + 3.5, 56.0 + 34.0 * (number - 0.3))
            t = np.clip(across / reach, 0, 1)
            hump = 8.0 - 0.3 * number
            back = root - hump * np.sin(np.clip(t * 2.6, 0, pi)) + drop * t**1.9 + 7.0 * t**9
            end = root + drop + 7.0
            front = end + (46.0 + 3.0 * number) * (1 - t) ** 0.8 * (0.62 + 0.38 * (1 - t))
            height = 9.2 + 0.28 * min(number, 8) + float(rng.normal(0, 0.25))
            ribs.append(Rib(number, side, reach, back, front, height))
    return ribs


def _band(
    canvas: Canvas, rib: Rib, centre: Field, low: float, amount: float
) -> tuple[Range, Field]:
    """A rib's shadow from ``low`` mm off the midline to where it turns."""
    sign = SIGN[rib.side]
    first, last = int(low * 2), min(int(rib.reach * 2) + 1, len(centre))
    span = centre[first:last]
    half = rib.height / 2
    corners = [
        (sign * low, span.min() - half),
        (sign * rib.reach, span.max() + half),
        (sign * low, span.max() + half),
        (sign * rib.reach, span.min() - half),
    ]
    where = canvas.window(corners, 2.0)
    across = canvas.u[where] * np.float32(sign)
    index = (across * 2).astype(np.int32)
    slope = np.gradient(centre, 0.5)
    # A flat band foreshortens where it runs steeply, and is seen edge-on where it turns.
    tall = (half / np.sqrt(1 + (0.55 * slope) ** 2) * np.sqrt(1 + slope**2)).astype(np.float32)
    t = np.arange(len(centre), dtype=np.float32) * 0.5 / np.float32(rib.reach)
    gain = amount * np.minimum(1 / np.sqrt(np.clip(1 - 0.93 * t**2, 0.05, None)), 2.0)
    gain = gain * np.clip((rib.reach - t * rib.reach) / 5.0, 0, 1) ** 0.7
    gain = gain * np.clip((t * rib.reach - low) / 4.0, 0, 1)
    offset = np.abs(canvas.v[where] - centre.take(index, mode="clip"))
    offset /= tall.take(index, mode="clip")
    body = np.clip((1 - offset) * np.float32(5.0), 0, 1)
    cortex = np.clip(1 - np.abs(offset - np.float32(0.84)) * np.float32(5.5), 0, 1)
    return where, gain.astype(np.float32).take(index, mode="clip") * (0.60 * body + 0.48 * cortex)


def fracture_centre(patient: Patient, rib: Rib) -> tuple[float, float]:
    """Where a broken rib is broken: distance across and v."""
    rng = stream(patient.case.seed, "fracture")
    across = rib.reach * float(rng.uniform(0.70, 0.82))
    return across, float(rib.back[int(across * 2)])


def add_ribs(patient: Patient, canvas: Canvas, field: Field) -> None:
    broken = {(f.side, f.rib) for f in patient.case.find(Kind.RIB_FRACTURE)}
    for rib in ribs_of(patient):
        add_rib(patient, canvas, field, rib, (rib.side, rib.number) in broken)


def add_rib(patient: Patient, canvas: Canvas, field: Field, rib: Rib, broken: bool) -> None:
    """Add the back and the front part of one rib."""
    if broken:
        _add_broken(patient, canvas, field, rib)
    else:
        where, shadow = _band(canvas, rib, rib.back, 14.0, 0.34)
        field[where] += shadow
    if rib.number <= 7:
        where, shadow = _band(canvas, rib, rib.front, 46.0 + 2.0 * rib.number, 0.14)
        field[where] += shadow


def _add_broken(patient: Patient, canvas: Canvas, field: Field, rib: Rib) -> None:
    """The outer fragment steps down and leaves a gap; a haematoma blurs around it."""
    at, level = fracture_centre(patient, rib)
    across = np.arange(len(rib.back), dtype=np.float32) * 0.5
    stepped = rib.back + 8.5 * np.exp(-np.clip(across - at, 0, None) / 34.0) * (across > at)
    where, shadow = _band(canvas, rib, stepped.astype(np.float32), 14.0, 0.38)
    distance = canvas.u[where] * np.float32(SIGN[rib.side]) - np.float32(at)
    slant = distance + np.float32(0.25) * (canvas.v[where] - np.float32(level))
    shadow = shadow * step(np.abs(slant) - np.float32(2.2), 0.8)
    ends = np.clip(1 - np.abs(np.abs(slant) - 4.2) / 1.8, 0, 1)
    field[where] += shadow * (1 + 1.1 * ends)
    around = canvas.window([(SIGN[rib.side] * at, level + 3)], 30.0)
    u = canvas.u[around] * np.float32(SIGN[rib.side]) - np.float32(at + 2)
    v = canvas.v[around] - np.float32(level + 4)
    field[around] += np.float32(0.42) * np.exp(-((u / 14) ** 2 + (v / 10) ** 2))


def add_spine(canvas: Canvas, field: Field) -> None:
    """Vertebral bodies with end plates, pedicles and spinous processes."""
    where = canvas.window([(-30, -20), (30, 420)], 4.0)
    u, v = np.abs(canvas.u[where]), canvas.v[where]
    height = np.float32(25.6)
    phase = (v + 6.0) / height
    phase = phase - np.floor(phase)
    waist = 16.5 + 2.0 * np.abs(phase - 0.5) * 2 + 0.012 * (v - 150)
    disc = np.clip((np.abs(phase - 0.5) - 0.40) * 30, 0, 1)
    plate = np.clip(1 - np.abs(np.abs(phase - 0.5) - 0.385) * 38, 0, 1)
    body = np.clip((waist - u) / 1.6, 0, 1)
    rim = np.clip(1 - np.abs(waist - 1.6 - u) / 1.6, 0, 1)
    shadow = body * (0.30 - 0.12 * disc + 0.08 * plate) + 0.08 * rim * (1 - disc)
    pedicle = np.hypot((u - 11.0) / 3.2, (phase - 0.36) * height / 4.4)
    shadow += 0.13 * np.clip(1 - np.abs(pedicle - 0.85) * 3.2, 0, 1)
    spinous = np.hypot(u / 3.0, (phase - 0.82) * height / 6.5)
    shadow += 0.16 * np.clip((1.1 - spinous) * 3, 0, 1)
    field[where] += shadow.astype(np.float32)


def add_shoulders(patient: Patient, canvas: Canvas, field: Field) -> None:
    """Clavicles and scapulae; from the front to the back plate a scapula lies over the lung."""
    rng = stream(patient.case.seed, "shoulders")
    portable = patient.case.view == "AP"
    lift = float(rng.normal(0, 3)) - (9.0 if portable else 0.0)
    for sign in (-1, 1):
        tilt = float(rng.normal(0, 2.5))
        path = smooth_path(
            [
                (sign * 19, 94 + lift * 0.4),
                (sign * 38, 90 + lift * 0.6 + tilt),
                (sign * 75, 80 + lift + tilt),
                (sign * 108, 66 + lift + 1.5 * tilt),
                (sign * 142, 58 + lift + 1.5 * tilt),
            ],
            5.0,
        )
        for width, amount in ((14.0, 0.36), (10.5, -0.10)):
            canvas.add_stroke(field, path, width, amount, 0.7)
        canvas.add_stroke(field, path[:4], 17.0, 0.07, 2.5)
        inner = (102.0 if portable else 139.0) + float(rng.normal(0, 3))
        blade = np.array([(inner + 6, 82), (inner, 150), (inner + 10, 208), (176, 112), (166, 76)])
        _add_scapula(canvas, field, blade * [sign, 1], 0.20 if portable else 0.16)
        head = np.hypot(canvas.u * sign - np.float32(186), canvas.v - np.float32(88))
        where = canvas.window([(sign * 186, 88)], 30.0)
        field[where] += np.float32(0.5) * np.clip((24 - head[where]) / 5, 0, 1) ** np.float32(0.6)


def _add_scapula(canvas: Canvas, field: Field, corners: Points, amount: float) -> None:
    """A thin blade with denser borders."""
    size = 256
    image = Image.new("L", (size, size))
    closed = smooth_path(np.vstack([corners, corners[:1]]), 6.0)
    xy = canvas.pose.to_image(closed) * (size / FIELD_MM)
    ImageDraw.Draw(image).polygon([tuple(p) for p in xy], fill=255)
    blade = np.asarray(image.filter(ImageFilter.GaussianBlur(1.0)), np.float32)
    field += np.float32(0.45 * amount / 255) * resample(blade, canvas.size)
    canvas.add_stroke(field, closed, 3.6, amount, 1.2)
    spine = smooth_path(
        [corners[0] + np.array([0, 14]), corners[0] + 0.6 * (corners[4] - corners[0])], 6.0
    )
    canvas.add_stroke(field, spine, 6.0, amount * 0.6, 1.5)


def _branches(
    patient: Patient, rng: np.random.Generator, congested: float
) -> tuple[Points, Points]:
    """Vessel trees: widths (n, 2) at start and end in mm, paths (n, 8, 2) in patient mm."""
    angle, length, width = np.array(_TRUNKS).T
    sign = np.repeat([SIGN[Side.LEFT], SIGN[Side.RIGHT]], len(angle)).astype(float)
    hilum = np.repeat([patient.carina + 8.0, patient.carina + 16.0], len(angle))
    angle, reach, wide = np.tile(angle, 2), np.tile(length, 2), np.tile(width, 2)
    u, v = 28.0 + patient.shift * sign, hilum + 9.0 * angle
    wide = np.where(angle < 0, wide * (1 + congested), wide)
    heading = angle + rng.normal(0, 0.10, len(angle))
    widths, paths = [], []
    for _ in range(6):
        count = len(u)
        turns = rng.normal(0, 0.03, (count, 1)) + rng.normal(0, 0.05, (count, 7))
        headings = heading[:, None] + np.cumsum(turns, axis=1)
        pace = np.stack([np.cos(headings), np.sin(headings)], axis=2) * reach[:, None, None] / 7
        start = np.stack([u, v], axis=1)[:, None]
        path = np.concatenate([start, start + np.cumsum(pace, axis=1)], axis=1)
        tip = wide * 0.8
        widths.append(np.stack([wide, tip], axis=1))
        paths.append(path * np.stack([sign, np.ones(count)], axis=1)[:, None])
        fork, keep = rng.uniform(0.28, 0.58, count), rng.uniform(0.3, 0.5, count)
        u, v = np.tile(path[:, -1, 0], 2), np.tile(path[:, -1, 1], 2)
        heading = np.concatenate(
            [headings[:, -1] + fork * (1 - keep), headings[:, -1] - fork * keep]
        )
        reach = np.tile(reach, 2) * rng.uniform(0.64, 0.88, 2 * count)
        wide = np.concatenate([tip * 0.74, tip * 0.92])
        sign = np.tile(sign, 2)
    return np.concatenate(widths), np.concatenate(paths)


def vessels(patient: Patient, canvas: Canvas) -> Field:
    """Branching vessels from both hila as attenuation; not yet limited to aerated lung."""
    rng = stream(patient.case.seed, "vessels")
    image = Image.new("L", (VESSEL_GRID, VESSEL_GRID))
    draw = ImageDraw.Draw(image)
    congested = max(
        (
            {Size.SMALL: 0.35, Size.MODERATE: 0.6, Size.LARGE: 0.8}[f.size or Size.SMALL]
            for f in patient.case.find(Kind.OEDEMA)
        ),
        default=0.0,
    )
    scale = VESSEL_GRID / FIELD_MM
    widths, paths = _branches(patient, rng, congested)
    xy = canvas.pose.to_image(paths.reshape(-1, 2)).reshape(paths.shape) * scale
    order = np.argsort(widths[:, 0])
    for (wide, tip), path in zip(widths[order].tolist(), xy[order].tolist(), strict=True):
        corners = [(x, y) for x, y in path]
        for part, local in ((corners[:4], wide), (corners[3:], 0.5 * (wide + tip))):
            shade = int(min(255, 40 + 38 * local**0.8))
            draw.line(part, fill=shade, width=max(1, round(local * scale * 0.66)))
    soft = image.filter(ImageFilter.GaussianBlur(1.5))
    if canvas.size < VESSEL_GRID and VESSEL_GRID % canvas.size == 0:
        soft = soft.reduce(VESSEL_GRID // canvas.size)
    return resample(np.asarray(soft, np.float32) * np.float32(0.75 / 255), canvas.size)
