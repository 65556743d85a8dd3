"""Resampling of 16-bit pictures to a viewport: pure NumPy, no Qt.

Each axis is one matrix product with a banded weight matrix: the share of every source pixel in
an output pixel when minifying (area average), the two neighbours when magnifying (bilinear).
Small dense blocks along the band let BLAS do the work.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Stored = NDArray[np.integer]
"""(rows, columns) of uint16 or int16."""

_BLOCK: Final = 16
"""Output pixels a weight block covers; 8 to 16 was fastest on 14-megapixel pictures."""


@dataclass(frozen=True)
class Region:
    """A rectangle in source pixels; it may be fractional and may reach beyond the picture."""

    top: float
    left: float
    height: float
    width: float

    def __post_init__(self) -> None:
        if not (self.height > 0 and self.width > 0):
            raise ValueError(f"a region needs a positive size, not {self.height} x {self.width}")


@dataclass(frozen=True)
class Axis:
    """``count`` output pixels over ``[start, start + extent)`` of ``size`` source pixels."""

    start: float
    extent: float
    count: int
    size: int

    @property
    def step(self) -> float:
        """Source pixels for each output pixel."""
        return self.extent / self.count

    @property
    def covered(self) -> slice:
        """The output pixels whose centre lies on the picture."""
        first = math.ceil(-self.start / self.step - 0.5)
        last = math.ceil((self.size - self.start) / self.step - 0.5)
        first = min(max(first, 0), self.count)
        return slice(first, min(max(last, first), self.count))

    def nearest(self) -> NDArray[np.intp]:
        """For each covered output pixel, the source pixel under its centre."""
        covered = self.covered
        centres = self.start + (np.arange(covered.start, covered.stop) + 0.5) * self.step
        return np.clip(np.floor(centres).astype(np.intp), 0, self.size - 1)

    def blocks(self) -> Iterator[tuple[slice, slice, NDArray[np.float32]]]:
        """Yield (output slice, source slice, weights); each row of weights sums to one."""
        covered = self.covered
        for first in range(covered.start, covered.stop, _BLOCK):
            last = min(first + _BLOCK, covered.stop)
            low = self.start + np.arange(first, last) * self.step
            high = low + self.step
            if self.step > 1:
                near, far = math.floor(max(low[0], 0)), math.ceil(min(high[-1], self.size))
                source = np.arange(near, far)
                weights = np.minimum(high[:, None], source + 1) - np.maximum(low[:, None], source)
            else:
                centres = np.clip((low + high) / 2 - 0.5, 0, self.size - 1)
                near, far = math.floor(centres[0]), math.floor(centres[-1]) + 2
                far = min(far, self.size)
                source = np.arange(near, far)
                weights = 1 - np.abs(source - centres[:, None])
            weights = np.clip(weights, 0, None)
            weights /= weights.sum(axis=1, keepdims=True)
            yield slice(first, last), slice(near, far), weights.astype(np.float32)


def axes(picture: Stored, region: Region, shape: tuple[int, int]) -> tuple[Axis, Axis]:
    """The vertical and the horizontal axis of a view of ``region`` in ``shape`` pixels."""
    rows, columns = picture.shape
    return (
        Axis(region.top, region.height, shape[0], rows),
        Axis(region.left, region.width, shape[1], columns),
    )


def resample(picture: Stored, vertical: Axis, horizontal: Axis) -> Stored:
    """The covered part of the view, rounded to the nearest stored value.

    Each axis is area-averaged when it shrinks and interpolated linearly when it grows.
    At one source pixel for each output pixel the result is the picture itself.
    """
    rows, columns = vertical.covered, horizontal.covered
    column_blocks = list(horizontal.blocks())
    if not column_blocks or rows.start == rows.stop:
        return np.zeros((rows.stop - rows.start, columns.stop - columns.start), picture.dtype)
    near, far = column_blocks[0][1].start, column_blocks[-1][1].stop
    tall = np.empty((rows.stop - rows.start, far - near), np.float32)
    for out, source, weights in vertical.blocks():
        strip = picture[source, near:far].astype(np.float32)
        np.matmul(weights, strip, out=tall[out.start - rows.start : out.stop - rows.start])
    view = np.empty((tall.shape[0], columns.stop - columns.start), np.float32)
    for out, source, weights in column_blocks:
        view[:, out.start - columns.start : out.stop - columns.start] = (
            tall[:, source.start - near : source.stop - near] @ weights.T
        )
    return np.rint(view).astype(picture.dtype)
