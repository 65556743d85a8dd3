"""Intervals of means over paired items, by resampling the items."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

DRAWS: Final = 10_000
_SEED: Final = 0


def bootstrap_interval(differences: ArrayLike, draws: int = DRAWS) -> list[float]:
    """The 95 % percentile interval of the mean of ``differences`` (N,) over resampled items."""
    values = np.asarray(differences, np.float64)
    return _interval(values[_resampled(len(values), draws)].mean(axis=1))


def ratio_interval(
    numerators: ArrayLike, denominators: ArrayLike, draws: int = DRAWS
) -> list[float]:
    """The same of the ratio of two means over the same items, both (N,) and positive."""
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    rows = _resampled(len(above), draws)
    return _interval(above[rows].mean(axis=1) / below[rows].mean(axis=1))


def _resampled(items: int, draws: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(items, size=(draws, items))


def _interval(means: NDArray[np.float64]) -> list[float]:
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(low), float(high)]
