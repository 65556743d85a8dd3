"""Soft tissue and air of a phantom radiograph: the smooth part of the attenuation.

Attenuation is the line integral along a ray, in nepers: about 0.2 for a centimetre of soft tissue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.training.findings import Kind, Side
from inference.training.phantom_anatomy import (
    SIGN,
    Lung,
    Patient,
    lung_of,
    mediastinum,
    trachea_paths,
)
from inference.training.phantom_canvas import Canvas, Field, curve, step, stream, texture
from inference.training.phantom_findings import look_of

SIZE = 320
"""Pixels across the grid that smooth structures are drawn on."""


@dataclass(frozen=True)
class Tissue:
    """Shape (size, size) each."""

    attenuation: Field
    markings: Field  # how far lung vessels show, 0 to 1


def tissue_of(patient: Patient, canvas: Canvas) -> Tissue:
    """Body, lungs, mediastinum, abdomen, and the findings that change them."""
    attenuation = _body(patient, canvas)
    markings = canvas.zeros()
    silhouette, depth = mediastinum(patient, canvas)
    behind = 1 - silhouette * (0.46 + 0.46 * depth)
    deeper = 1.12 if patient.case.find(Kind.HYPERINFLATION) else 1.0
    for side in Side:
        lung = lung_of(patient, canvas, side)
        look = look_of(patient, canvas, lung)
        thick = np.clip(lung.wall / np.float32(58.0), 0, 1) ** np.float32(0.42)
        air = np.float32(2.2 * deeper) * thick * lung.inside * behind
        attenuation -= air * (1 - look.airless)
        attenuation += look.added * (0.55 + 0.45 * behind)
        attenuation -= _recess(lung, behind)
        attenuation += _hilum(patient, canvas, lung)
        markings += look.markings * behind * (0.25 + 0.75 * thick)
    attenuation += 0.22 * silhouette * depth
    aorta = [(24, 136), (25, 190), (20, 330)]
    canvas.add_stroke(attenuation, aorta, 23.0, 0.10, 1.8)
    grain = texture(stream(patient.case.seed, "interstitium"), 96, canvas.size)
    attenuation += np.float32(0.035) * grain * markings
    _trachea(patient, canvas, attenuation)
    _abdomen(patient, canvas, attenuation)
    if patient.case.sex == "F":
        _breasts(patient, canvas, attenuation)
    if patient.case.find(Kind.HIATAL_HERNIA):
        _hernia(patient, canvas, attenuation)
    return Tissue(attenuation, np.clip(markings, 0, 1))


def _body(patient: Patient, canvas: Canvas) -> Field:
    """Attenuation of trunk, neck and shoulders as if there were no air inside."""
    h, fat = patient.girth, patient.habitus
    neck = [62 + 6 * fat, 58 + 6 * fat]
    trunk = [h + 32 + 12 * fat, h + 25 + 12 * fat, h + 22 + 14 * fat, h + 18 + 18 * fat, h + 20]
    outline = curve(
        [-60, 8, 30, 48, 62, 80, 100, 130, 165, 200, 260, 330, 400, 460],
        [*neck, 66, 92, 134, 172, 196, 205, 192 + 8 * fat, *trunk],
    )
    thickness = curve(  # cm, front to back
        [-60, 20, 60, 110, 180, 280, 340, 460],
        [11.5, 12, 14.5, 18.2 + fat, 20 + 2 * fat, 21 + 2 * fat, 22.5 + 2.5 * fat, 23 + 3 * fat],
    )
    reach = outline(canvas.v)
    edge = np.clip(1 - np.abs(canvas.u) / reach, 0, 1)
    profile = np.clip(edge * np.float32(5.0), 0, 1)
    profile = (1 - (1 - profile) ** 2) ** np.float32(0.5)
    rng = stream(patient.case.seed, "body")
    uneven = texture(rng, 7, canvas.size) + texture(rng, 22, canvas.size)
    uneven = 1 + np.float32(0.012) * uneven
    body: Field = np.float32(0.2) * thickness(canvas.v) * profile * uneven
    return body


def _recess(lung: Lung, behind: Field) -> Field:
    """Air behind the dome: the lung reaches deeper at the back than the dome shows."""
    below = np.clip(-lung.above, 0, None)
    return (
        np.float32(0.42)
        * np.exp(-below / np.float32(22.0))
        * step(lung.wall - 2.0, 6.0)
        * (1 - lung.inside)
        * behind
    )


def _hilum(patient: Patient, canvas: Canvas, lung: Lung) -> Field:
    level = patient.carina + (12.0 if lung.side is Side.LEFT else 20.0)
    shift = patient.shift * SIGN[lung.side]
    u = (lung.across - np.float32(35.0 + shift)) / np.float32(17.0)
    v = (canvas.v - np.float32(level)) / np.float32(26.0)
    return np.float32(0.34) * np.exp(-(u * u + v * v)) * lung.inside


def _trachea(patient: Patient, canvas: Canvas, attenuation: Field) -> None:
    air = canvas.zeros()
    for path, width in trachea_paths(patient):
        where, coverage = canvas.stroke(path, width, 1.8)
        depth = np.float32(0.62 if width > 14 else 0.40)
        air[where] = np.maximum(air[where], depth * coverage)
    attenuation -= air


def _abdomen(patient: Patient, canvas: Canvas, attenuation: Field) -> None:
    """Stomach bubble under the left dome, and bowel gas."""
    rng = stream(patient.case.seed, "abdomen")
    top = patient.dome[Side.LEFT] + 11.0
    u0, wide = 68.0 + float(rng.normal(0, 5)), float(rng.uniform(20, 29))
    tall = float(rng.uniform(12, 18))
    strength = float(rng.uniform(0.7, 1.15))
    u = (canvas.u - np.float32(u0)) / np.float32(wide)
    v = (canvas.v - np.float32(top + tall)) / np.float32(tall)
    bubble = step((1 - np.sqrt(u * u + v * v)) * np.float32(tall), 2.5)
    fluid = np.float32(top + tall * float(rng.uniform(1.1, 1.7)))
    bubble *= step(fluid - canvas.v, 1.5 if patient.case.view == "PA" else 9.0)
    attenuation -= strength * bubble
    below = step(canvas.v - np.float32(top + 40.0), 25.0)
    inside = step(np.float32(patient.half_width - 15) - np.abs(canvas.u), 12.0)
    gas = np.clip(texture(rng, 16, canvas.size) - 1.0, 0, 1.2)
    attenuation -= 0.35 * gas * below * inside


def _breasts(patient: Patient, canvas: Canvas, attenuation: Field) -> None:
    rng = stream(patient.case.seed, "breasts")
    full = float(rng.uniform(0.14, 0.34))
    level = 258.0 + float(rng.normal(0, 8))
    for sign in (-1, 1):
        u = (canvas.u * sign - np.float32(88.0)) / np.float32(62.0)
        v = (canvas.v - np.float32(level + rng.normal(0, 3))) / np.float32(58.0)
        inward = 1 - np.sqrt(u * u + v * v)
        round_ = np.clip(inward * 2.4, 0, 1) ** np.float32(0.5)
        fade = step(canvas.v - np.float32(level - 20.0), 60.0)
        attenuation += np.float32(full) * round_ * fade


def _hernia(patient: Patient, canvas: Canvas, attenuation: Field) -> None:
    """A retrocardiac stomach: wall, air above, fluid below a straight level."""
    rng = stream(patient.case.seed, "hernia")
    radius = float(rng.uniform(33, 42))
    u0 = float(rng.uniform(8, 20)) + patient.shift
    v0 = patient.dome[Side.LEFT] - radius * float(rng.uniform(0.5, 0.75))
    u = canvas.u - np.float32(u0)
    v = (canvas.v - np.float32(v0)) * np.float32(1.08)
    inward = np.float32(radius) - np.hypot(u, v)
    ball = step(inward, 1.6)
    wall = step(inward, 1.6) * (1 - step(inward - 3.6, 2.0))
    level = v0 + 0.05 * radius
    air = step(inward - 4.0, 1.6) * step(np.float32(level) - canvas.v, 0.9)
    attenuation += 0.32 * ball + 0.22 * wall - 1.15 * air
