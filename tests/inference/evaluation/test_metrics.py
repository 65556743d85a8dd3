"""Metrics against figures worked out by hand."""

from __future__ import annotations

import pytest

from inference.evaluation.metrics import label_f1, macro_f1, token_f1


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
