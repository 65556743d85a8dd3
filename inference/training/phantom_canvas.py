"""Grids, resampling and the few drawing primitives of the phantom radiograph.

Geometry is in millimetres. Image coordinates run right and down from the upper left corner of a
square field of :data:`FIELD_MM`; patient coordinates ``(u, v)`` have their ``u`` axis across the
midline (the patient's left is positive, on the image's right) and ``v`` downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from math import cos, sin
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

FIELD_MM: Final = 400.0
Field = NDArray[np.float32]
Points = NDArray[np.float64]
Range = tuple[slice, slice]


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for one part of the picture.

    Every part draws from its own stream, so that adding a finding moves nothing else.
    """
    return np.random.default_rng([seed, *name.encode()])


@lru_cache(maxsize=64)
def _resampling_matrix(size_out: int, size_in: int) -> Field:
    """Rows of Catmull-Rom weights, widened when shrinking; shape (size_out, size_in)."""
    scale = max(1.0, size_in / size_out)
    centres = (np.arange(size_out) + 0.5) * size_in / size_out - 0.5
    distance = np.abs(np.arange(size_in)[None, :] - centres[:, None]) / scale
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights.astype(np.float32)


def resample(field: Field, size: int) -> Field:
    """A square field on another grid of the same extent."""
    if field.shape[0] == size:
        return field
    matrix = _resampling_matrix(size, field.shape[0])
    return matrix @ (field @ matrix.T)


@lru_cache(maxsize=64)
def _block_matrix(size_out: int, size_in: int) -> Field:
    edges = np.linspace(0, size_in, size_out + 1)
    cells = np.arange(size_in)
    overlap = np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells)
    overlap = np.clip(overlap, 0, None)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)


def block_mean(field: Field, size: int) -> Field:
    """Area averages over a (size, size) partition of the field."""
    matrix = _block_matrix(size, field.shape[0])
    return matrix @ (field @ matrix.T)


def texture(rng: np.random.Generator, cells: int, size: int) -> Field:
    """Smooth noise of unit variance at its nodes; ``cells`` nodes across the field."""
    nodes = rng.standard_normal((cells, cells), dtype=np.float32)
    return resample(nodes, size)


def step(distance: Field, softness: float) -> Field:
    """A smooth step from 0 to 1 around zero, ``softness`` mm wide on either side."""
    t = np.clip(distance * np.float32(0.5 / softness) + np.float32(0.5), 0, 1)
    return t * t * (3 - 2 * t)


def rounded(a: Field, b: Field, radius: float) -> Field:
    """The smaller of two distances, with the corner between them rounded."""
    blend = np.clip(radius - np.abs(a - b), 0, None)
    return np.minimum(a, b) - blend * blend * np.float32(0.25 / radius)


def curve(knots: ArrayLike, values: ArrayLike, low: float = -60.0, high: float = 460.0) -> Table:
    """A monotone-preserving curve through the knots, tabulated every half millimetre."""
    grid = np.arange(low, high, 0.5)
    x = np.asarray(knots, float)
    smooth = PchipInterpolator(x, np.asarray(values, float))
    return Table(smooth(np.clip(grid, x[0], x[-1])).astype(np.float32), low, 0.5)


@dataclass(frozen=True)
class Table:
    """A function of one coordinate as an evenly spaced table."""

    values: Field
    low: float
    pitch: float

    def __call__(self, x: Field) -> Field:
        index = ((x - np.float32(self.low)) * np.float32(1 / self.pitch)).astype(np.int32)
        return self.values.take(index, mode="clip")

    def at(self, x: float) -> float:
        return float(self(np.asarray(x, np.float32)))


@dataclass(frozen=True)
class Pose:
    """How the patient stands in the field: shift and rotation in the image plane, and size."""

    shift_x: float
    shift_y: float
    rotation: float
    scale: float

    def to_image(self, points: ArrayLike) -> Points:
        """Patient points (n, 2) in mm as image points in mm."""
        u, v = np.asarray(points, float).T
        v = v - FIELD_MM / 2
        c, s = cos(self.rotation) * self.scale, sin(self.rotation) * self.scale
        x = c * u - s * v + FIELD_MM / 2 + self.shift_x
        y = s * u + c * v + FIELD_MM / 2 + self.shift_y
        return np.stack([x, y], axis=1)


@dataclass(frozen=True)
class Canvas:
    """A square pixel grid and the patient coordinates of its pixels."""

    size: int
    pose: Pose

    @property
    def pixel_mm(self) -> float:
        return FIELD_MM / self.size

    @cached_property
    def _centred(self) -> tuple[Field, Field]:
        axis = ((np.arange(self.size) + 0.5) * self.pixel_mm - FIELD_MM / 2).astype(np.float32)
        return axis - np.float32(self.pose.shift_x), axis - np.float32(self.pose.shift_y)

    @cached_property
    def u(self) -> Field:
        x, y = self._centred
        c, s = cos(self.pose.rotation), sin(self.pose.rotation)
        k = 1 / self.pose.scale
        return (x * np.float32(c * k))[None, :] + (y * np.float32(s * k))[:, None]

    @cached_property
    def v(self) -> Field:
        x, y = self._centred
        c, s = cos(self.pose.rotation), sin(self.pose.rotation)
        k = 1 / self.pose.scale
        v = (x * np.float32(-s * k))[None, :] + (y * np.float32(c * k))[:, None]
        return v + np.float32(FIELD_MM / 2)

    def zeros(self) -> Field:
        return np.zeros((self.size, self.size), np.float32)

    def window(self, points: ArrayLike, margin: float) -> Range:
        """The pixels around patient points, ``margin`` mm on every side; may be empty."""
        xy = self.pose.to_image(points)
        low = np.floor((xy.min(axis=0) - margin) / self.pixel_mm).astype(int)
        high = np.ceil((xy.max(axis=0) + margin) / self.pixel_mm).astype(int)
        low, high = np.clip(low, 0, self.size), np.clip(high, 0, self.size)
        return slice(low[1], high[1]), slice(low[0], high[0])

    def stroke(self, points: ArrayLike, width: float, softness: float = 0.3) -> tuple[Range, Field]:
        """A round-ended line through patient points: where it lies, and its coverage 0 to 1."""
        points = np.asarray(points, float)
        soft = max(softness, 0.5 * self.pixel_mm)
        where = self.window(points, (width / 2 + soft) * 1.1 + self.pixel_mm)
        rows, columns = where
        nearest = np.full((rows.stop - rows.start, columns.stop - columns.start), 1e6, np.float32)
        xy = self.pose.to_image(points) / self.pixel_mm - 0.5
        reach = (width * self.pose.scale / 2 + soft) / self.pixel_mm + 1
        for (x0, y0), (x1, y1) in pairwise(xy.tolist()):
            top, bottom = int(min(y0, y1) - reach), int(max(y0, y1) + reach) + 2
            left, right = int(min(x0, x1) - reach), int(max(x0, x1) + reach) + 2
            top, bottom = max(top, rows.start), min(bottom, rows.stop)
            left, right = max(left, columns.start), min(right, columns.stop)
            if top >= bottom or left >= right:
                continue
            dx, dy = x1 - x0, y1 - y0
            x = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(x0)
            y = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(y0)
            length2 = max(dx * dx + dy * dy, 1e-9)
            along = np.clip((x * np.float32(dx) + y * np.float32(dy)) / np.float32(length2), 0, 1)
            d2 = (x - along * np.float32(dx)) ** 2 + (y - along * np.float32(dy)) ** 2
            part = nearest[
                top - rows.start : bottom - rows.start, left - columns.start : right - columns.start
            ]
            np.minimum(part, d2, out=part)
        distance = np.sqrt(nearest) * np.float32(self.pixel_mm)
        return where, step(np.float32(width * self.pose.scale / 2) - distance, soft)

    def add_stroke(
        self, field: Field, points: ArrayLike, width: float, amount: float, softness: float = 0.3
    ) -> None:
        """Add a line of the given amount to the field."""
        where, coverage = self.stroke(points, width, softness)
        field[where] += np.float32(amount) * coverage


def smooth_path(points: ArrayLike, spacing: float = 6.0) -> Points:
    """A smooth curve through patient points, resampled about every ``spacing`` mm."""
    points = np.asarray(points, float)
    along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    samples = np.linspace(0, along[-1], max(3, int(along[-1] / spacing) + 1))
    return np.asarray(PchipInterpolator(along, points)(samples))
