"""The benchmarks as commands: every figure they promise is there, and can be one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def bench(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "desktop.cli", "bench", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_bench_demo_measures_drafts_and_fills() -> None:
    result = bench("demo", "--n", "2")
    assert result["n"] == 2
    assert 0 <= result["macro_f1_blank"] <= result["macro_f1"] <= 1
    for infill in ("infill_token_f1", "infill_unknown_length_token_f1"):
        assert set(result[infill]) == {"both", "left"}
        assert all(0 <= value <= 1 for value in result[infill].values())
    assert result["prefix_encodings"] == {"drafts": 2, "refills": 0}
    assert min(*result["seconds"].values(), *result["forwards"].values()) > 0


def test_bench_sampler_holds_the_samplers_against_each_other(tmp_path: Path) -> None:
    log, figure = tmp_path / "log.jsonl", tmp_path / "frontier.png"
    asked = ("sampler", "--n", "2", "--resume", str(log), "--figure", str(figure))
    result = bench(*asked)
    assert (result["n"], result["skipped"]) == (2, 0)
    assert {"paper_clamp", "logits_processor", "pinfill", "pinfill_single"} <= set(
        result["samplers"]
    )
    for figures in result["samplers"].values():
        assert 0 <= figures["exact"] <= figures["token_f1"] <= 1
        assert min(figures["forwards"], figures["steps"], figures["seconds"]) > 0
    assert [row["budget"] for row in result["sweep"]] == [4, 6, 8, 12, 16, 24, 32, 48]
    for row in result["sweep"]:
        assert (
            max(row[name]["steps"] for name in ("paper_clamp", "pinfill_single")) <= row["budget"]
        )
    low, high = result["differences"]["sweep_mean"]["interval_95"]
    assert low <= result["differences"]["sweep_mean"]["token_f1"] <= high
    assert figure.stat().st_size > 0
    before = log.read_bytes()
    assert bench(*asked) == result, "all of it was kept"
    assert log.read_bytes() == before


def test_bench_window_sees_the_first_canvas_before_the_job_is_over() -> None:
    result = bench("window")
    assert result["n"] == 8
    assert result["step_seconds"] > 0
    assert result["first_canvas_seconds"] > 0
    assert result["first_canvas_in_steps"]["median"] <= result["first_canvas_in_steps"]["worst"]


def test_bench_speed_holds_a_step_against_the_bare_decoder() -> None:
    result = bench("speed", "--steps", "3", "--repeat", "1", "--device", "cpu")
    assert result["step_seconds"] > 0
    assert result["forward_seconds"] > 0
    assert result["outside_decoder"] > -1
    assert result["prefix_encodings_on_refills"] == 0


def test_a_benchmark_that_does_not_exist_is_named() -> None:
    command = [sys.executable, "-m", "desktop.cli", "bench", "nonsense"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "There is no benchmark 'nonsense'" in done.stderr
    assert "contract|demo|infill|judge|sampler|speed|vqa|window" in done.stderr
