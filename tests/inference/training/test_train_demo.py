"""A short version of the real training command: it learns, stops, goes on, and can be loaded."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from statistics import fmean

import pytest
import torch
from safetensors.torch import load_file

from inference.checkpoints import load_engine
from inference.engines.diffusion import DiffusionEngine
from inference.placement import Placement
from inference.protocol import Fixed, Gap, Infill, Options
from inference.training import calibration, demo_corpus, train_demo
from inference.training.progress import Progress
from inference.training.run_state import OtherRunError, RunState, warmup_cosine


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(demo_corpus, "SHARD", 4)
    monkeypatch.setattr(demo_corpus, "RENDER_ROWS", 256)
    monkeypatch.setattr(train_demo, "_TOKENIZER_REPORTS", 300)
    monkeypatch.setattr(train_demo, "VALIDATION_DRAFTS", 1)
    monkeypatch.setattr(train_demo, "CALIBRATION_STUDIES", 1)
    monkeypatch.setattr(calibration, "BIASES", (0.0, 1.5))
    run = tmp_path / "run"
    out = tmp_path / "demo-short"
    sizes = ["--studies", "8", "--validation", "4", "--vision-steps", "3", "--save-every", "6"]
    return ["--out", str(out), "--run", str(run), *sizes, "--threads", "1"]


def losses(run: Path) -> list[float]:
    with (run / "text.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def test_the_command_trains_and_its_checkpoint_fills_gaps(short: list[str]) -> None:
    out, run = Path(short[1]), Path(short[3])
    assert train_demo.main([*short, "--text-steps", "12"]) == 0
    curve = losses(run)
    assert len(curve) == 12
    assert fmean(curve[-4:]) < fmean(curve[:4])
    settings = json.loads((out / "training" / "settings.json").read_text())
    assert settings["seed"] == 0
    assert settings["text"]["steps"] == 12

    engine = load_engine(out, Placement("cpu"), lambda _: None)
    assert isinstance(engine, DiffusionEngine)
    with (out / "training" / "filler-bias.csv").open() as file:
        tried = {float(row["bias"]): float(row["token_f1"]) for row in csv.DictReader(file)}
    assert engine._settings.filler_bias == max(tried, key=lambda bias: tried[bias])
    pieces = (Fixed("FINDINGS:\nHeart "), Gap(5), Fixed("."))
    request = Infill("job", pieces, options=Options(seed=1, max_steps=2))
    filled = engine.infill(request, None, lambda _: None, lambda: False)
    assert filled.steps == 2
    assert len(filled.fills) == 1

    assert train_demo.main([*short, "--text-steps", "12"]) == 0
    assert len(losses(run)) == 12, "a finished run has nothing left to do"


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    def fresh() -> tuple[torch.nn.Linear, torch.optim.AdamW]:
        torch.manual_seed(0)
        layer = torch.nn.Linear(3, 1)
        return layer, torch.optim.AdamW(layer.parameters(), 0.1)

    def advance(layer: torch.nn.Linear, optimizer: torch.optim.AdamW, steps: range) -> None:
        for step in steps:
            optimizer.zero_grad()
            layer(torch.full((1, 3), float(step))).square().sum().backward()
            optimizer.step()

    whole, optimizer = fresh()
    advance(whole, optimizer, range(6))

    path = tmp_path / "state.pt"
    first, optimizer = fresh()
    advance(first, optimizer, range(4))
    RunState(path, first, [optimizer]).save(4)
    second, optimizer = fresh()
    assert RunState(path, second, [optimizer]).resume() == 4
    advance(second, optimizer, range(4, 6))
    assert torch.equal(second.weight, whole.weight)
    assert RunState(tmp_path / "none.pt", second, [optimizer]).resume() == 0
    with pytest.raises(OtherRunError, match="seed 1"):
        RunState(path, second, [optimizer], "seed 1").resume()


def test_a_resumed_run_logs_no_step_twice(tmp_path: Path) -> None:
    progress = Progress(tmp_path)
    for step in (1, 2, 3):
        progress.log("text", step=step, loss=1.0)
    progress.rewind(1, "text", "never-logged")
    progress.log("text", step=2, loss=0.5)
    assert losses(tmp_path) == [1.0, 0.5]


def test_the_learning_rate_rises_then_falls() -> None:
    shares = [warmup_cosine(step, 100, 10) for step in range(100)]
    assert shares[0] == 0.1
    assert max(shares) == 1.0
    assert shares[10:] == sorted(shares[10:], reverse=True)
    assert shares[-1] < 0.03


def test_a_checkpoint_is_trained_on(
    short: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its tokenizer and its tower stay, and the record tells what went before."""
    monkeypatch.setattr(train_demo, "VALIDATION_DRAFTS", 0)  # untrained, it writes on and on
    before = Path(short[1])
    assert train_demo.main([*short, "--text-steps", "2"]) == 0
    after, run = tmp_path / "after", tmp_path / "further"
    again = [*short, "--text-steps", "2", "--start-from", str(before)]
    assert train_demo.main([*again, "--out", str(after), "--run", str(run)]) == 0

    assert (after / "tokenizer.json").read_bytes() == (before / "tokenizer.json").read_bytes()
    old, new = load_file(before / "model.safetensors"), load_file(after / "model.safetensors")
    tower = {name for name in old if "vision_tower" in name}
    assert tower
    assert all(torch.equal(old[name], new[name]) for name in tower)
    assert not all(torch.equal(old[name], new[name]) for name in old.keys() - tower)
    settings = json.loads((after / "training" / "settings.json").read_text())
    assert settings["started_from"] == json.loads(
        (before / "training" / "settings.json").read_text()
    )


def test_a_folder_that_is_no_checkpoint_is_refused(
    short: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train_demo.main([*short, "--text-steps", "2", "--start-from", str(tmp_path)]) == 2
    assert "is no checkpoint folder" in capsys.readouterr().err
