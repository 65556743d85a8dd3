"""Intervals and tests against scipy's and statsmodels', and against what is known of them."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap, ttest_rel
from statsmodels.stats.anova import AnovaRM
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.inter_rater import cohens_kappa as their_kappa

from inference.evaluation import statistics
from inference.evaluation.statistics import (
    bootstrap_interval,
    cohens_kappa,
    interaction,
    kappa_interval,
    mcnemar,
    paired_t_test,
    ratio_interval,
    shown_p,
)

PAIRS = st.lists(
    st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=30
).filter(lambda pairs: len({one - other for one, other in pairs}) > 1)
RIGHT = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80)


def test_an_interval_holds_the_mean_and_is_reproducible() -> None:
    differences = np.random.default_rng(3).normal(0.2, 0.1, 80)
    low, high = bootstrap_interval(differences)
    assert low < differences.mean() < high
    assert bootstrap_interval(differences) == [low, high]


def test_draws_that_are_made_in_parts_are_those_made_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(3).normal(0.2, 0.1, 80)
    at_once = bootstrap_interval(values)
    monkeypatch.setattr(statistics, "_DRAWN_AT_ONCE", 7 * 80)
    assert bootstrap_interval(values) == at_once


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


def test_a_p_value_is_never_shown_as_nothing() -> None:
    assert [shown_p(p) for p in (None, 1e-9, 0.0257, 1.0)] == ["-", "<0.0001", "0.0257", "1.0000"]


@given(st.lists(st.floats(0.5, 2), min_size=1, max_size=8), st.floats(0.1, 10))
def test_a_constant_ratio_has_no_width(values: list[float], factor: float) -> None:
    above = [factor * value for value in values]
    assert ratio_interval(above, values, draws=50) == pytest.approx([factor, factor])


@pytest.mark.parametrize("items", [2, 7, 400])
def test_a_paired_t_test_is_that_of_scipy(items: int) -> None:
    rng = np.random.default_rng(items)
    first = rng.uniform(0, 1, items)
    second = np.clip(first + rng.normal(0.05, 0.2, items), 0, 1)
    ours, theirs = paired_t_test(first, second), ttest_rel(first, second)
    interval = theirs.confidence_interval(0.95)
    assert (ours.items, ours.df) == (items, theirs.df)
    assert ours.mean == pytest.approx(np.mean(first - second))
    assert ours.t == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ours.interval_95 == pytest.approx((interval.low, interval.high))


def test_a_very_small_p_keeps_its_digits() -> None:
    first = np.random.default_rng(0).normal(5, 1.0, 200)
    ours, theirs = paired_t_test(first, np.zeros(200)), ttest_rel(first, np.zeros(200))
    assert 0 < theirs.pvalue < 1e-100
    assert ours.p == pytest.approx(theirs.pvalue, abs=0.0)


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter_and_a_swap_turns_the_sign(pairs, random) -> None:
    ours = paired_t_test(*zip(*pairs, strict=True))
    random.shuffle(pairs)
    again = paired_t_test(*zip(*pairs, strict=True))
    swapped = paired_t_test(*list(zip(*pairs, strict=True))[::-1])
    assert ours.t is not None
    assert again.t == pytest.approx(ours.t)
    assert again.p == pytest.approx(ours.p)
    assert swapped.mean == pytest.approx(-ours.mean)
    assert swapped.t == pytest.approx(-ours.t)
    assert swapped.p == pytest.approx(ours.p)
    low, high = ours.interval_95
    assert swapped.interval_95 == pytest.approx((-high, -low))


@pytest.mark.parametrize(
    ("first", "second", "mean"),
    [([0.3, 0.7, 0.2], [0.3, 0.7, 0.2], 0.0), ([0.3, 0.9, 0.7], [0.2, 0.8, 0.6], 0.1)],
)
def test_without_spread_there_is_no_test(first, second, mean: float) -> None:
    ours = paired_t_test(first, second)
    assert ours.mean == pytest.approx(mean)
    assert (ours.t, ours.p) == (None, None)
    assert ours.interval_95 == (ours.mean, ours.mean)


def test_what_is_not_paired_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two items, and there are 1"):
        paired_t_test([1.0], [2.0])
    with pytest.raises(ValueError, match=r"not \(2,\) and \(1,\)"):
        paired_t_test([1.0, 2.0], [2.0])
    with pytest.raises(ValueError, match=r"longer|shorter"):
        mcnemar([True], [True, False])


def rights(only_first: int, only_second: int, both: int = 9, neither: int = 4):
    pairs = (
        [(True, False)] * only_first
        + [(False, True)] * only_second
        + [(True, True)] * both
        + [(False, False)] * neither
    )
    return [one for one, _ in pairs], [other for _, other in pairs]


@pytest.mark.parametrize(
    ("only_first", "only_second"),
    [(0, 0), (5, 0), (6, 6), (17, 7), (24, 0), (20, 5), (5, 20), (31, 29), (300, 230)],
)
def test_mcnemar_is_that_of_statsmodels(only_first: int, only_second: int) -> None:
    ours = mcnemar(*rights(only_first, only_second))
    exact = only_first + only_second < 25
    theirs = their_mcnemar([[9, only_first], [only_second, 4]], exact=exact, correction=True)
    assert (ours.only_first, ours.only_second) == (only_first, only_second)
    assert ours.test.startswith("exact" if exact else "chi-squared")
    assert ours.statistic == pytest.approx(theirs.statistic)
    assert ours.p == pytest.approx(theirs.pvalue)


def test_as_many_on_either_side_tell_nothing() -> None:
    assert mcnemar(*rights(6, 6)).p == 1.0
    assert mcnemar(*rights(30, 30)).p == 1.0


@given(RIGHT)
def test_mcnemar_is_the_same_from_either_side(pairs) -> None:
    first, second = zip(*pairs, strict=True)
    ours, swapped = mcnemar(first, second), mcnemar(second, first)
    assert (swapped.only_first, swapped.only_second) == (ours.only_second, ours.only_first)
    assert swapped.p == ours.p
    assert 0.0 <= ours.p <= 1.0


def cells(items: int, seed: int):
    rng = np.random.default_rng(seed)
    item = rng.normal(0.5, 0.2, items)  # what makes the four values of an item alike
    means = {
        "autoregressive_left": 0.0,
        "autoregressive_both": 0.02,
        "diffusion_left": -0.05,
        "diffusion_both": 0.15,
    }
    return {name: item + mean + rng.normal(0, 0.1, items) for name, mean in means.items()}


@pytest.mark.parametrize("items", [6, 40])
def test_an_interaction_is_that_of_a_repeated_measures_analysis(items: int) -> None:
    values = cells(items, items)
    ours = interaction(**values)
    rows = [
        (number, *name.split("_"), value)
        for name, column in values.items()
        for number, value in enumerate(column)
    ]
    frame = pandas.DataFrame(rows, columns=["item", "model", "context", "score"])
    table = AnovaRM(frame, "score", "item", within=["model", "context"]).fit().anova_table
    theirs = table.loc["model:context"]
    assert ours.test.t is not None
    assert ours.test.t**2 == pytest.approx(theirs["F Value"])
    assert ours.test.p == pytest.approx(theirs["Pr > F"])
    assert (1, ours.test.df) == (theirs["Num DF"], theirs["Den DF"])


def test_an_interaction_is_the_difference_of_the_gains() -> None:
    values = cells(50, 1)
    ours = interaction(**values)
    means = {name: column.mean() for name, column in values.items()}
    gain = means["diffusion_both"] - means["diffusion_left"]
    assert ours.mean == pytest.approx(
        gain - (means["autoregressive_both"] - means["autoregressive_left"])
    )
    low, high = ours.bootstrap_95
    assert low < ours.mean < high
    assert ours.bootstrap_95 == pytest.approx(ours.test.interval_95, abs=0.02)


@given(st.permutations(range(12)))
def test_an_interaction_does_not_care_for_order_and_turns_its_sign_with_the_models(order) -> None:
    values = cells(12, 5)
    ours = interaction(**values)
    again = interaction(**{name: column[list(order)] for name, column in values.items()})
    assert again.test.t == pytest.approx(ours.test.t)
    swapped = interaction(
        diffusion_left=values["autoregressive_left"],
        diffusion_both=values["autoregressive_both"],
        autoregressive_left=values["diffusion_left"],
        autoregressive_both=values["diffusion_both"],
    )
    assert swapped.mean == pytest.approx(-ours.mean)
    assert swapped.test.p == pytest.approx(ours.test.p)


def test_kappa_by_hand() -> None:
    # 70 of 100 agreed on; by chance 0.6 * 0.5 + 0.4 * 0.5 = 0.5.
    first = [True] * 60 + [False] * 40
    second = [True] * 40 + [False] * 20 + [True] * 10 + [False] * 30
    assert cohens_kappa(first, second) == pytest.approx((0.7 - 0.5) / (1 - 0.5))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2))
def test_kappa_is_that_of_statsmodels(pairs) -> None:
    table = np.zeros((3, 3))
    for one, other in pairs:
        table["abc".index(one), "abc".index(other)] += 1
    first, second = zip(*pairs, strict=True)
    ours = cohens_kappa(first, second)
    if len(set(first) | set(second)) == 1:
        assert ours is None
    else:
        assert ours == pytest.approx(their_kappa(table, return_results=False), abs=1e-12)
    assert cohens_kappa(second, first) == (None if ours is None else pytest.approx(ours))


def test_the_interval_of_kappa_is_that_of_its_definition() -> None:
    rng = np.random.default_rng(8)
    first = rng.random(40) < 0.6
    second = np.where(rng.random(40) < 0.8, first, ~first)
    rows = np.random.default_rng(0).integers(40, size=(500, 40))
    by_hand = np.array(
        [cohens_kappa(first[row].tolist(), second[row].tolist()) for row in rows], np.float64
    )
    assert kappa_interval(first, second, draws=500) == pytest.approx(
        np.percentile(by_hand, [2.5, 97.5]).tolist()
    )


def test_where_all_say_the_same_there_is_no_kappa() -> None:
    assert cohens_kappa([True, True], [True, True]) is None
    assert kappa_interval([True, True], [True, True]) is None
    assert (cohens_kappa([], []), kappa_interval([], [])) == (None, None)
    with pytest.raises(ValueError, match="same items"):
        kappa_interval([True], [True, False])
