"""Tubes, lines and pacemakers, the side marker and the edges of the exposed field."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw, ImageFont

from inference.training.findings import Finding, Kind, Side
from inference.training.phantom_anatomy import SIGN, Patient
from inference.training.phantom_canvas import FIELD_MM, Canvas, Field, resample, smooth_path, stream

_METAL: Final = 1.5


def add_device(patient: Patient, canvas: Canvas, field: Field, finding: Finding) -> None:
    """Add one device's attenuation to the field."""
    _DRAW[finding.kind](patient, canvas, field, finding)


def _wire(canvas: Canvas, field: Field, points: ArrayLike, width: float, amount: float) -> None:
    canvas.add_stroke(field, smooth_path(points, 5.0), width, amount, 0.35)


def _endotracheal(patient: Patient, canvas: Canvas, field: Field, _: Finding) -> None:
    rng = stream(patient.case.seed, "endotracheal tube")
    tip = patient.carina - float(rng.uniform(32, 58))
    bow = float(rng.uniform(-3, 3))
    shift = 0.4 * patient.shift
    path = np.array([(bow, -20), (bow * 0.4, 40), (shift - 1, 0.5 * (40 + tip)), (shift - 1, tip)])
    _wire(canvas, field, path + np.array([3.2, 0]), 2.2, _METAL)
    for offset in (-4.6, 4.6):
        _wire(canvas, field, path + np.array([offset, 0]), 1.0, 0.30)


def _central(patient: Patient, canvas: Canvas, field: Field, finding: Finding) -> None:
    rng = stream(patient.case.seed, "central line")
    side = finding.side or Side.RIGHT
    s = SIGN[side]
    heart = patient.shift
    tip = patient.carina + float(rng.uniform(18, 52))
    if rng.random() < 0.6:  # from the internal jugular vein
        start = [(s * 62, 6), (s * 46, 22), (s * 36, 55), (s * 30, 88)]
    else:  # from the subclavian vein
        start = [(s * 128, 104), (s * 104, 84), (s * 74, 80), (s * 44, 92)]
    cross = [(12, 116), (-8, 124)] if side is Side.LEFT else [(-24, 114)]
    end = [(-19 + heart, 140), (-21 + heart, 165), (-23 + heart, max(tip, 172.0))]
    _wire(canvas, field, [*start, *cross, *end], 2.1, _METAL * 0.85)


def _pacemaker(patient: Patient, canvas: Canvas, field: Field, finding: Finding) -> None:
    rng = stream(patient.case.seed, "pacemaker")
    s = SIGN[finding.side or Side.LEFT]
    u0, v0 = s * (112.0 + float(rng.uniform(-6, 8))), 112.0 + float(rng.uniform(-6, 10))
    turn = float(rng.uniform(-0.3, 0.3))
    where = canvas.window([(u0, v0)], 38.0)
    du, dv = canvas.u[where] - np.float32(u0), canvas.v[where] - np.float32(v0)
    a = du * np.float32(np.cos(turn)) + dv * np.float32(np.sin(turn))
    b = dv * np.float32(np.cos(turn)) - du * np.float32(np.sin(turn))
    outside = np.hypot(np.clip(np.abs(a) - 11, 0, None), np.clip(np.abs(b) - 8, 0, None))
    can = np.clip((13.5 - outside) / 1.0, 0, 1)
    header = np.clip((7 - np.abs(b + 17)) / 1.0, 0, 1) * np.clip((11 - np.abs(a)) / 1.0, 0, 1)
    field[where] += np.maximum(
        2.3 * can - 0.35 * np.clip((7 - outside) / 2, 0, 1) * (b > 0), header
    )
    heart, width = patient.shift, patient.heart_ratio * 2 * patient.half_width
    floor = 0.5 * (patient.dome[Side.RIGHT] + patient.dome[Side.LEFT])
    vein = [(u0 - s * 4, v0 - 16), (s * 84, 82), (s * 56, 78), (s * 26, 102)]
    vein += [(6, 118), (-14, 128)] if s > 0 else [(-24, 118)]
    atrium = 182 + 0.42 * (floor - 182)
    right_edge = -0.24 * width + heart
    lead = [*vein, (-19 + heart, 150), (-20 + heart, atrium + 14), (-26 + heart, atrium + 24)]
    hook = [(right_edge + 2, atrium + 12), (right_edge + 3, atrium - 4)]
    _wire(canvas, field, [*lead, *hook], 1.8, _METAL)
    shifted = [(u + 1, v + 4) for u, v in vein]
    apex = (0.36 * width + heart, floor - 18)
    low = [(-15 + heart, 152), (-16 + heart, atrium), (-8 + heart, floor - 26)]
    last = [(0.15 * width + heart, floor - 10), apex]
    _wire(canvas, field, [*shifted, *low, *last], 1.8, _METAL)
    _wire(canvas, field, [hook[0], hook[1]], 3.0, 0.8)
    _wire(canvas, field, [(apex[0] - 9, apex[1] + 3), apex], 3.0, 0.8)


def _nasogastric(patient: Patient, canvas: Canvas, field: Field, _: Finding) -> None:
    rng = stream(patient.case.seed, "nasogastric tube")
    top = patient.dome[Side.LEFT]
    bow = float(rng.uniform(-4, 4))
    shift = 0.5 * patient.shift
    end = float(rng.uniform(62, 88))
    path = [
        (bow - 6, -20),
        (-6, 60),
        (4 + shift, 130),
        (6 + shift, 190),
        (9 + shift, top - 40),
        (18, top + 6),
        (36, top + 32),
        (end, top + 48 + float(rng.uniform(-4, 10))),
    ]
    _wire(canvas, field, path, 2.2, _METAL * 0.9)


_DRAW: Final = {
    Kind.ENDOTRACHEAL_TUBE: _endotracheal,
    Kind.CENTRAL_LINE: _central,
    Kind.PACEMAKER: _pacemaker,
    Kind.NASOGASTRIC_TUBE: _nasogastric,
}


def marker(patient: Patient, size: int) -> Field:
    """The lead side marker, and the view's name on a bedside film: coverage 0 to 1."""
    rng = stream(patient.case.seed, "marker")
    grid = 1024
    scale = grid / FIELD_MM
    image = Image.new("L", (grid, grid))
    draw = ImageDraw.Draw(image)
    x, y = 366.0 + float(rng.uniform(-8, 6)), 16.0 + float(rng.uniform(-2, 8))
    draw.text((x * scale, y * scale), "L", fill=255, font=ImageFont.load_default(18 * scale))
    if patient.case.view == "AP":
        font = ImageFont.load_default(8 * scale)
        draw.text((x * scale, (y + 21) * scale), "AP", fill=255, font=font)
        draw.text(((x - 16) * scale, (y + 31) * scale), "PORTABLE", fill=255, font=font)
    shown = image.reduce(grid // size) if size < grid and grid % size == 0 else image
    return resample(np.asarray(shown, np.float32) * np.float32(1 / 255), size)


def exposed(patient: Patient, size: int) -> Field:
    """The collimated field: 1 inside, 0 under the shutters."""
    rng = stream(patient.case.seed, "collimation")
    margins = rng.uniform(-6, 7, 4) + (2.0 if patient.case.view == "AP" else 0.0)
    axis = (np.arange(size, dtype=np.float32) + 0.5) * np.float32(FIELD_MM / size)

    def open_between(low: float, high: float) -> Field:
        return np.clip((axis - low) / 1.2, 0, 1) * np.clip((high - axis) / 1.2, 0, 1)

    across = open_between(margins[0], FIELD_MM - margins[1])
    down = open_between(margins[2], FIELD_MM - margins[3])
    return down[:, None] * across[None, :]
