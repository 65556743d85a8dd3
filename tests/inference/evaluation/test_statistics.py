"""Intervals against scipy's and against what is known of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

from inference.evaluation.statistics import bootstrap_interval, ratio_interval


def test_an_interval_holds_the_mean_and_is_reproducible() -> None:
    differences = np.random.default_rng(3).normal(0.2, 0.1, 80)
    low, high = bootstrap_interval(differences)
    assert low < differences.mean() < high
    assert bootstrap_interval(differences) == [low, high]


def test_an_interval_of_means_is_that_of_scipy() -> None:
    values = np.random.default_rng(1).exponential(1.0, 60)
    theirs = bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert bootstrap_interval(values) == pytest.approx([theirs.low, theirs.high], abs=0.01)


def test_an_interval_of_ratios_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    below = rng.uniform(5, 15, 50)
    above = 3 * below + rng.normal(0, 4, 50)
    theirs = bootstrap(
        (above, below),
        lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis),
        paired=True,
        n_resamples=20_000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    ours = ratio_interval(above, below)
    assert ours == pytest.approx([theirs.low, theirs.high], abs=0.01)
    assert ours[0] < above.mean() / below.mean() < ours[1]


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=8), st.floats(0.1, 10))
def test_a_constant_ratio_has_no_width(values: list[float], factor: float) -> None:
    above = [factor * value for value in values]
    assert ratio_interval(above, values, draws=50) == pytest.approx([factor, factor])
