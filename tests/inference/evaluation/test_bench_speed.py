"""The speed benchmark's figures, and its refusals. How long anything takes is not tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from inference import memory
from inference.engines.diffusion import Checkpoint
from inference.evaluation import bench_speed
from inference.memory import GIB
from resources import demo_checkpoint

POSITIVE = (
    "step_seconds",
    "forward_seconds",
    "prefix_seconds",
    "first_canvas_seconds",
    "refill_seconds",
    "refill_forwards",
)


def test_every_figure_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = ["--steps", "3", "--repeat", "1", "--budgets", "2", "3", "--warm-ups", "0"]
    out = ["--json", "--out", str(tmp_path)]
    assert bench_speed.main([*short, *out, "--device", "cpu"]) == 0
    left = {"result.json", "table.csv", "figure.png", "figure.svg"}
    assert {each.name for each in tmp_path.iterdir()} == left
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert all(result[name] > 0 for name in POSITIVE)
    assert result["canvas_length"] == 128
    assert result["device"] == "cpu"
    assert result["threads"] == torch.get_num_threads()
    assert result["versions"]["torch"] == torch.__version__
    assert result["prefix_encodings_on_refills"] == 0
    assert result["candidates"]["asked"] == 5
    assert 1 <= result["candidates"]["got"] <= 5
    assert result["weights"] is None
    beside = result["beside_sibling"]
    assert list(beside["arms"]) == [
        "autoregressive",
        "diffusion, 2 steps",
        "diffusion, 3 steps",
        "diffusion, Pinfill's sampler",
        "autoregressive, a draft",
        "Pinfill's sampler, a draft",
    ]
    assert beside["arms"]["autoregressive"]["tokens"] == 127
    assert beside["arms"]["autoregressive"]["speed_up"] == 1.0
    assert [beside["arms"][f"diffusion, {steps} steps"]["forwards"] for steps in (2, 3)] == [2, 3]
    assert beside["arms"]["diffusion, 2 steps"]["speed_up"] > 0
    table = bench_speed.as_table(result)
    assert "Pinfill's sampler, a draft" in table
    assert "the sampler outside the decoder" in table
    assert str(demo_checkpoint()) in table


def test_random_weights_are_measured_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    source = ["--preset", "demo-size", "--random-weights", "--layers", "1"]
    short = ["--steps", "2", "--repeat", "1", "--budgets", "1", "--warm-ups", "0"]
    assert bench_speed.main([*source, "--device", "cpu", *short]) == 0
    shown = capsys.readouterr().out
    assert "demo-size (random weights)" in shown
    assert "diffusion, 1 steps" in shown
    assert "a draft" not in shown


def test_a_preset_that_does_not_fit_is_refused_in_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: 16 * GIB)
    arguments = ["--preset", "26b-a4b", "--random-weights", "--device", "cpu"]
    assert bench_speed.main(arguments) == 2
    said = capsys.readouterr().err
    assert "needs about" in said
    assert "16.0 GiB are free" in said


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--preset", "26b-a4b"], "--preset and --random-weights go together"),
        (["--random-weights"], "--preset and --random-weights go together"),
        (["--layers", "1"], "--layers is for --random-weights"),
        (["--steps", "1"], "--steps must be at least 2"),
        (["--repeat", "0"], "--repeat at least 1"),
        (["--preset", "26b-a4b", "--checkpoint", "here"], "not allowed with argument --preset"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], cause: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        bench_speed.main(arguments)
    assert caught.value.code == 2
    assert cause in capsys.readouterr().err


def test_a_folder_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_speed.main(["--checkpoint", str(tmp_path / "none")]) == 2
    assert "no checkpoint folder" in capsys.readouterr().err


def test_a_step_reads_the_decoder_once_and_what_experts_are_chosen(loaded: Checkpoint) -> None:
    """128 tokens that choose two experts of four each leave none of them out."""
    decoder = {id(each): each for each in loaded.model.model.decoder.parameters()}
    stored = sum(each.numel() * each.element_size() for each in decoder.values())
    assert bench_speed.touched_bytes(loaded) == pytest.approx(stored, rel=1e-6)


def test_experts_that_nobody_chooses_are_not_read(
    loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded.model.config, "canvas_length", 1)
    named = dict(loaded.model.model.decoder.named_parameters())
    experts = sum(
        each.numel() * each.element_size() for name, each in named.items() if ".experts." in name
    )
    stored = sum(each.numel() * each.element_size() for each in named.values())
    assert bench_speed.touched_bytes(loaded) == pytest.approx(stored - experts / 2, rel=1e-6)


def test_a_gpu_s_step_is_held_against_the_reading_of_its_weights(
    loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_speed, "copy_bandwidth", lambda device: 2e9)
    monkeypatch.setattr(bench_speed, "touched_bytes", lambda checkpoint: 1e9)
    against = bench_speed.weights_against(loaded, step=1.5)
    assert against["read_seconds"] == 0.5
    assert against["step_over_read"] == 3.0


def test_a_copy_moves_bytes_here_too() -> None:
    assert bench_speed.copy_bandwidth(torch.device("cpu"), size=2**22, repeat=3) > 0
