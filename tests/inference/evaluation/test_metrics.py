"""Metrics against figures worked out by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.evaluation.bench_demo import bootstrap_interval
from inference.evaluation.metrics import label_f1, macro_f1, token_f1
from inference.evaluation.sentences import first_sentence, remove_sentence

REPORT = "FINDINGS:\nHeart is large. A 1.5 cm nodule.\n\nIMPRESSION:\nCardiomegaly."


def test_label_f1_counts_hits_and_errors() -> None:
    found = [{"oedema"}, {"oedema", "mass"}, set()]
    truth = [{"oedema"}, {"mass"}, {"mass"}]
    assert label_f1(found, truth) == pytest.approx({"oedema": 2 / 3, "mass": 2 / 3})
    assert macro_f1(found, truth) == pytest.approx(2 / 3)


def test_labels_that_never_occur_do_not_count() -> None:
    assert macro_f1([set()], [set()]) == 1.0
    assert label_f1([{"mass"}], [set()]) == {"mass": 0.0}


def test_token_f1_is_over_bags_of_words() -> None:
    assert token_f1("The heart is large.", "the heart is large.") == 1.0
    assert token_f1("heart large", "heart small") == 0.5
    assert token_f1("", "heart") == 0.0
    assert token_f1("", "") == 1.0


def test_an_interval_holds_the_mean_and_is_reproducible() -> None:
    differences = np.random.default_rng(3).normal(0.2, 0.1, 80)
    low, high = bootstrap_interval(differences)
    assert low < differences.mean() < high
    assert bootstrap_interval(differences) == [low, high]


@given(st.integers(0, 1000))
def test_a_removed_sentence_leaves_the_rest(seed: int) -> None:
    removed = remove_sentence(REPORT, random.Random(seed))
    assert removed.left + removed.sentence + removed.right == REPORT
    assert removed.sentence in {"Heart is large.", "A 1.5 cm nodule."}


def test_too_short_a_report_is_refused() -> None:
    with pytest.raises(ValueError, match="two sentences"):
        remove_sentence("FINDINGS:\nNormal.", random.Random(0))


def test_the_first_sentence() -> None:
    assert first_sentence(" Heart is large. Lungs clear.") == "Heart is large."
    assert first_sentence("no end") == "no end"
