"""What the measurements come to, on figures worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.evaluation.frontier import draw_frontier, labels
from inference.evaluation.sampler_results import (
    BUDGETS,
    SWEPT,
    Cost,
    Measured,
    Result,
    as_table,
    at,
    score,
    summarise,
)

DEFAULTS = (
    *SWEPT,
    "logits_processor",
    "pinfill",
    "pinfill_unknown_length",
    "pinfill_unknown_length_single",
    "pinfill_left_only",
    "pinfill_unknown_length_left_only",
    "best_of_five",
    "first_of_five",
)


def result(f1: float, forwards: int = 10, rows: int | None = 10, seconds: float = 1.0) -> Result:
    cost = Cost(forwards=forwards, rows=rows, steps=forwards, seconds=seconds)
    return Result(("fill",), f1, float(f1 == 1), cost)


def item(seed: int, **others: Result) -> Measured:
    results = {name: result(0.5) for name in DEFAULTS} | others
    results |= {at(name, budget): result(0.5) for name in SWEPT for budget in BUDGETS}
    # Pinfill gains 0.1 on items of even seed, at every budget, and 0.3 on the others.
    gain = 0.1 if seed % 2 == 0 else 0.3
    results |= {at("pinfill_single", budget): result(0.5 + gain) for budget in BUDGETS}
    return Measured(seed=seed, sentences=("true",), results=results)


def test_fills_are_scored_gap_by_gap() -> None:
    cost = Cost(forwards=1, rows=1, steps=1, seconds=0.1)
    scored = score(["heart large ", "no effusion"], ["heart large", "no mass"], cost)
    assert scored.token_f1 == pytest.approx((1 + 0.5) / 2)
    assert scored.exact == 0.5
    assert scored.fills == ("heart large ", "no effusion")


def test_costs_add_up_and_what_was_not_seen_stays_unseen() -> None:
    seen = Cost(forwards=2, rows=6, steps=2, seconds=0.5)
    unseen = Cost(forwards=3, rows=None, steps=1, seconds=0.25)
    assert seen + seen == Cost(forwards=4, rows=12, steps=4, seconds=1.0)
    assert seen + unseen == Cost(forwards=5, rows=None, steps=3, seconds=0.75)


def test_means_medians_and_paired_differences() -> None:
    measured = [
        item(1, pinfill=result(1.0, forwards=4, seconds=1.0)),
        item(0, pinfill=result(0.6, forwards=4, rows=None, seconds=9.0)),
        item(2, pinfill=result(0.5, forwards=7, seconds=2.0)),
        item(3, paper_clamp=result(0.5, forwards=30), pinfill=result(0.5, forwards=9)),
        Measured(seed=4, skipped="too short"),
    ]
    summary = summarise(measured)
    assert (summary["n"], summary["skipped"]) == (4, 1)
    assert list(summary["samplers"]) == list(DEFAULTS)
    pinfill = summary["samplers"]["pinfill"]
    assert pinfill["token_f1"] == pytest.approx(0.65)
    assert pinfill["exact"] == 0.25
    assert pinfill["forwards"] == pinfill["steps"] == 6
    assert pinfill["rows"] is None
    assert pinfill["seconds"] == 1.5
    assert summary["samplers"]["paper_clamp"]["rows"] == 10

    assert [row["budget"] for row in summary["sweep"]] == list(BUDGETS)
    assert summary["sweep"][0]["pinfill_single"]["token_f1"] == pytest.approx(0.7)
    differences = summary["differences"]
    assert [row["budget"] for row in differences["sweep"]] == list(BUDGETS)
    for row in (*differences["sweep"], differences["sweep_mean"]):
        assert row["token_f1"] == pytest.approx(0.2)
        low, high = row["interval_95"]
        assert 0.1 - 1e-9 <= low < 0.2 < high <= 0.3 + 1e-9
    assert differences["pinfill_minus_pinfill_single"]["token_f1"] == pytest.approx(0.15)
    assert differences["best_of_five_minus_first_of_five"]["interval_95"] == [0, 0]
    assert differences["forwards_paper_clamp_over_pinfill"]["ratio"] == pytest.approx(15 / 6)
    assert "pinfill_ranking_minus_pinfill" not in differences


def test_a_sampler_that_only_some_checkpoints_have_is_held_against_the_known_length() -> None:
    summary = summarise([item(seed, pinfill_ranking=result(0.4)) for seed in range(3)])
    assert summary["samplers"]["pinfill_ranking"]["token_f1"] == pytest.approx(0.4)
    gap = summary["differences"]["pinfill_ranking_minus_pinfill"]
    assert gap["token_f1"] == pytest.approx(-0.1)


def test_the_table_names_every_sampler_budget_and_difference() -> None:
    summary = summarise([item(seed) for seed in range(3)])
    table = as_table({"checkpoint": "some/folder", "gaps": 2} | summary)
    assert "3 reports, 2 gaps each, some/folder" in table
    one = as_table({"checkpoint": "c", "gaps": 1} | summarise([item(0)]))
    assert one.startswith("1 report, 1 gap each, c\n")
    for name in DEFAULTS:
        assert f"\n{name} " in table
    for budget in BUDGETS:
        assert table.count(f"\n{budget} ") == len(SWEPT)
        assert f"pinfill_single - paper_clamp, {budget} steps" in table
    assert "pinfill - pinfill_left_only" in table
    assert "forwards_paper_clamp_over_pinfill " in table


def test_points_that_would_be_printed_over_each_other_share_a_label() -> None:
    points = [(1.0, 0.80), (1.5, 0.90), (1.52, 0.901), (1.53, 0.902), (1.53, 0.95)]
    assert list(labels([4, 6, 8, 12, 16], points)) == [
        ("4", points[0]),
        ("6 to 12", points[3]),
        ("16", points[4]),
    ]


def test_the_frontier_is_a_picture(tmp_path: Path) -> None:
    from PIL import Image

    summary = {"gaps": 1} | summarise([item(seed) for seed in range(3)])
    draw_frontier(summary, tmp_path / "frontier.png")
    with Image.open(tmp_path / "frontier.png") as picture:
        assert len(picture.convert("RGB").getcolors(2**20) or ()) > 10
