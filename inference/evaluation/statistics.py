"""Statistics of paired items: intervals by resampling, tests, and the agreement of two raters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, chdtrc, stdtr, stdtrit

DRAWS: Final = 10_000
_SEED: Final = 0
_DRAWN_AT_ONCE: Final = 2**22
"""Items resampled at a time: a large data set's draws do not fit the memory all together."""

FEW_DISCORDANT: Final = 25
"""Below so many discordant pairs McNemar's test is the exact one."""

_ROUNDING: Final = 16 * float(np.finfo(np.float64).eps)
"""A spread below this share of the values is what is left of rounding, not a spread."""


@dataclass(frozen=True)
class PairedTTest:
    """``mean`` is of the differences, first less second, over ``items`` pairs.

    ``t`` and ``p`` (two-sided) are ``None`` where the differences are all the same: there is no
    spread then that they could be held against.
    """

    items: int
    mean: float
    t: float | None
    df: int
    p: float | None
    interval_95: tuple[float, float]


@dataclass(frozen=True)
class McNemar:
    """Of the items that only one of two is right on: is it more often the same one?

    ``statistic`` is the smaller of the two counts in the exact test, chi-squared in the other.
    """

    only_first: int
    only_second: int
    test: Literal["exact binomial", "chi-squared with continuity correction"]
    statistic: float
    p: float


@dataclass(frozen=True)
class Interaction:
    """How much more one model gains by a change of context than another, item by item.

    ``bootstrap_95`` resamples items and assumes no distribution.
    """

    test: PairedTTest
    bootstrap_95: tuple[float, float]

    @property
    def mean(self) -> float:
        return self.test.mean


def bootstrap_interval(differences: ArrayLike, draws: int = DRAWS) -> list[float]:
    """The 95 % percentile interval of the mean of ``differences`` (N,) over resampled items."""
    values = np.asarray(differences, np.float64)
    (means,) = _resampled_means([values], draws)
    return _interval(means)


def ratio_interval(
    numerators: ArrayLike, denominators: ArrayLike, draws: int = DRAWS
) -> list[float]:
    """The same of the ratio of two means over the same items, both (N,) and positive."""
    above, below = np.asarray(numerators, np.float64), np.asarray(denominators, np.float64)
    over, under = _resampled_means([above, below], draws)
    return _interval(over / under)


def paired_t_test(first: ArrayLike, second: ArrayLike) -> PairedTTest:
    """Student's t-test of paired values, both (N,) in the order of the items.

    Raises ``ValueError`` for fewer than two items, or sides of different lengths.
    """
    one, other = _paired(first, second)
    differences = one - other
    items = len(differences)
    if items < 2:
        raise ValueError(f"A paired test needs at least two items, and there are {items}.")
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(items)
    if error <= _ROUNDING * float(max(np.abs(one).max(), np.abs(other).max())):
        return PairedTTest(items, mean, None, items - 1, None, (mean, mean))
    t = mean / error
    half = float(stdtrit(items - 1, 0.975)) * error
    p = 2 * float(stdtr(items - 1, -abs(t)))
    return PairedTTest(items, mean, t, items - 1, p, (mean - half, mean + half))


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> McNemar:
    """McNemar's test of who is right on which item, two-sided.

    Exact below :data:`FEW_DISCORDANT` items that only one is right on, from there on chi-squared
    with the continuity correction. Raises ``ValueError`` for sides of different lengths.
    """
    pairs = Counter(zip(map(bool, first), map(bool, second), strict=True))
    only_first, only_second = pairs[True, False], pairs[False, True]
    discordant = only_first + only_second
    if discordant < FEW_DISCORDANT:
        fewer = min(only_first, only_second)
        p = min(1.0, 2 * float(bdtr(fewer, discordant, 0.5)))
        return McNemar(only_first, only_second, "exact binomial", float(fewer), p)
    # At a difference of zero the correction would otherwise make a distance out of none.
    distance = max(abs(only_first - only_second) - 1, 0)
    statistic = distance**2 / discordant
    return McNemar(
        only_first,
        only_second,
        "chi-squared with continuity correction",
        statistic,
        float(chdtrc(1, statistic)),
    )


def interaction(
    *,
    diffusion_left: ArrayLike,
    diffusion_both: ArrayLike,
    autoregressive_left: ArrayLike,
    autoregressive_both: ArrayLike,
) -> Interaction:
    """Model by context on the same items: a 2 x 2 design within items, all four (N,).

    The difference of differences of an item is what diffusion gains by seeing both sides of a gap
    instead of the left one, less what autoregression gains. Its t-test is that of the interaction
    in a repeated-measures analysis of variance (F = t²). Raises ``ValueError`` as
    :func:`paired_t_test` does.
    """
    both, left = _paired(diffusion_both, diffusion_left)
    autoregressive = np.subtract(*_paired(autoregressive_both, autoregressive_left))
    test = paired_t_test(both - left, autoregressive)
    low, high = bootstrap_interval(both - left - autoregressive)
    return Interaction(test, (low, high))


def cohens_kappa(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Agreement of two raters beyond chance: 1 is full, 0 is chance.

    ``None`` where chance alone explains all: both gave every item the same one label, or there is
    no item. Raises ``ValueError`` for sides of different lengths.
    """
    pairs = Counter(zip(first, second, strict=True))
    items = pairs.total()
    if not items:
        return None
    ours, theirs = Counter(first), Counter(second)
    agreed = sum(count for (one, other), count in pairs.items() if one == other) / items
    by_chance = sum(count * theirs[label] for label, count in ours.items()) / items**2
    return None if by_chance == 1.0 else (agreed - by_chance) / (1 - by_chance)


def kappa_interval(first: ArrayLike, second: ArrayLike, draws: int = DRAWS) -> list[float] | None:
    """The 95 % percentile interval of Cohen's kappa of two yes-or-no raters (N,), over resampled
    items.

    Draws without a kappa are left out; ``None`` where no draw has one.
    """
    ours, theirs = np.asarray(first, bool), np.asarray(second, bool)
    if ours.shape != theirs.shape:
        raise ValueError("Two raters must have rated the same items.")
    if not len(ours):
        return None
    agreed, yes, also_yes = _resampled_means([ours == theirs, ours, theirs], draws)
    by_chance = yes * also_yes + (1 - yes) * (1 - also_yes)
    known = by_chance < 1.0
    if not known.any():
        return None
    return _interval((agreed[known] - by_chance[known]) / (1 - by_chance[known]))


def shown_p(p: float | None) -> str:
    """A p-value for people, with a hyphen where there was no test."""
    if p is None:
        return "-"
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def _paired(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(
            f"Paired values must be two rows of the same items, not {one.shape} and {other.shape}."
        )
    return one, other


def _resampled_means(
    values: Sequence[NDArray[np.float64] | NDArray[np.bool_]], draws: int
) -> list[NDArray[np.float64]]:
    """Of each of ``values`` (N,), its means (draws,) over resampled items, the same for all."""
    items = len(values[0])
    rng = np.random.default_rng(_SEED)
    at_once = max(1, _DRAWN_AT_ONCE // items)
    means: list[list[NDArray[np.float64]]] = [[] for _ in values]
    for first in range(0, draws, at_once):
        rows = rng.integers(items, size=(min(at_once, draws - first), items))
        for told, each in zip(means, values, strict=True):
            told.append(each[rows].mean(axis=1))
    return [np.concatenate(told) for told in means]


def _interval(means: NDArray[np.float64]) -> list[float]:
    low, high = np.percentile(means, [2.5, 97.5])
    return [float(low), float(high)]
