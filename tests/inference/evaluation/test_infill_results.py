"""What fills from both sides and from the left alone come to."""

from __future__ import annotations

import pytest
from scipy.stats import ttest_rel

from inference.evaluation.infill_results import (
    as_table,
    drawing,
    summarise,
    table_rows,
    with_metrics,
)
from inference.evaluation.outputs import drawings
from inference.evaluation.sampler_results import Cost, Measured, Result

COST = Cost(forwards=3, rows=None, steps=3, seconds=0.1)
SCORES = {
    "diffusion/both": [1.0, 0.9, 0.8, 0.7],
    "diffusion/left": [0.5, 0.5, 0.2, 0.6],
    "sibling/both": [0.9, 0.9, 0.6, 0.7],
    "sibling/left": [0.6, 0.4, 0.5, 0.6],
    "sibling/forced": [0.7, 0.4, 0.6, 0.6],
}


def measured(seed: int) -> Measured:
    results = {
        f"{name}/{length}": Result(("a",), scores[seed], 0.0, COST)
        for name, scores in SCORES.items()
        for length in ("open", "known")
        if not (name.endswith("forced") and length == "known")
    }
    return Measured(seed=seed, sentences=("b",), results=results)


ITEMS = [measured(seed) for seed in range(4)]
WRITERS = ("diffusion", "sibling")


def test_gains_and_their_interaction_are_those_of_scipy() -> None:
    told = summarise(ITEMS, WRITERS)["lengths"]["open"]
    both, left = SCORES["diffusion/both"], SCORES["diffusion/left"]
    gain = told["gains"]["diffusion, both - left"]
    assert gain["t_test"]["t"] == pytest.approx(ttest_rel(both, left).statistic)
    assert gain["t_test"]["p"] == pytest.approx(ttest_rel(both, left).pvalue)

    prompted = [
        one - other
        for one, other in zip(SCORES["sibling/both"], SCORES["sibling/left"], strict=True)
    ]
    ours = [one - other for one, other in zip(both, left, strict=True)]
    found = told["interactions"]["diffusion (both - left) - sibling (both - left)"]
    assert found["test"]["mean"] == pytest.approx(sum(ours) / 4 - sum(prompted) / 4)
    assert found["test"]["p"] == pytest.approx(ttest_rel(ours, prompted).pvalue)


def test_a_forced_sibling_is_never_told_the_length() -> None:
    result = summarise(ITEMS, WRITERS)
    assert "forced" in result["lengths"]["open"]["writers"]["sibling"]
    assert "forced" not in result["lengths"]["known"]["writers"]["sibling"]
    assert len(result["lengths"]["open"]["interactions"]) == 2
    assert len(result["lengths"]["known"]["interactions"]) == 1


def test_what_was_skipped_is_counted_and_not_scored() -> None:
    result = summarise([*ITEMS, Measured(seed=9, skipped="too short")], WRITERS)
    assert (result["n"], result["skipped"]) == (4, 1)
    assert "1 left out" in as_table(result)


def test_what_was_not_judged_is_no_verdict() -> None:
    verdicts = {(0, "diffusion/both/open"): True, (1, "diffusion/both/open"): False}
    told = summarise(ITEMS, WRITERS, verdicts)["lengths"]["open"]["writers"]
    assert told["diffusion"]["both"]["equivalent"] is None
    assert told["diffusion"]["both"]["equivalent_between"] == (1 / 4, 3 / 4)
    assert told["diffusion"]["both"]["judged"] == 2
    verdicts |= {(seed, "diffusion/both/open"): False for seed in (2, 3)}
    result = summarise(ITEMS, WRITERS, verdicts)
    assert result["lengths"]["open"]["writers"]["diffusion"]["both"]["equivalent"] == 1 / 4
    assert "0.25 of 4" in as_table(result)
    assert "equivalent" not in told["diffusion"]["left"]


def test_metrics_of_text_stand_beside_and_what_is_missing_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NLTK_DATA", "nowhere")
    result = with_metrics(summarise(ITEMS, WRITERS), ITEMS)
    metrics = result["lengths"]["open"]["writers"]["diffusion"]["both"]["metrics"]
    assert {"token-F1", "BLEU", "chrF", "ROUGE-L"} <= set(metrics)
    assert metrics["ROUGE-L"] == 0.0  # "a" for "b"
    assert "RadGraph-F1" in result["metrics_left_out"]
    assert "RadGraph-F1" not in metrics
    assert "ROUGE-L" in as_table(result)
    assert "left out: " in as_table(result)
    assert "chrF" in table_rows(result)[0]


def test_table_and_drawing_have_every_writer_and_context() -> None:
    result = summarise(ITEMS, WRITERS)
    assert len(table_rows(result)) == 5 + 4
    assert "sibling, forced - left" in as_table(result)
    drawn = drawings(drawing(result))
    assert drawn["png"].startswith(b"\x89PNG")
    assert drawn == drawings(drawing(result))
