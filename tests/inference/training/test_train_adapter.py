"""``pinfill train``: it learns, goes on after a kill, and two processes do what one does."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor

from inference.training import progress, train_adapter
from inference.training.batches import Batch
from inference.training.findings import sample_case
from inference.training.objectives import DenoisingObjective
from inference.training.report_language import prompt_context, write_report

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reports and questions in the plain layout; half of them with an image."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    rows: list[dict[str, str]] = []
    for seed in range(12):
        case = sample_case(seed)
        report = write_report(case, random.Random(seed))
        rows.append({"report": report, "context": prompt_context(case)})
        image = Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8))
        image.save(folder / f"{seed}.png")
        rows.append({"image": f"{seed}.png", "question": "Is it so?", "answer": "yes"})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "reports.jsonl").write_text(text)
    return folder


@pytest.fixture(autouse=True)
def fresh_accelerator() -> None:
    """A process has one accelerator for life; here every run wants its own."""
    AcceleratorState._reset_state(reset_partial_state=True)


SMALL = (
    *("--rank", "4", "--alpha", "8", "--batch", "4", "--learning-rate", "0.003"),
    *("--warm-up", "2", "--held-out", "0.2", "--save-every", "2", "--evaluate-every", "100"),
    *("--answered", "1", "--cpu"),
)


def command(paradigm: str, checkpoint: Path, data: Path, out: Path, *more: str) -> list[str]:
    named = ["--paradigm", paradigm, "--checkpoint", str(checkpoint)]
    return [*named, "--data", str(data), "--out", str(out), *SMALL, *more]


def curve(out: Path, log: str = "training") -> list[float]:
    with (out / "log" / f"{log}.csv").open() as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def events(out: Path, tag: str) -> list[float]:
    """The same curve as TensorBoard shows it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(out / "log"), purge_orphaned_data=True).Reload()
    return [event.value for event in read.Scalars(tag)]


def adapter(out: Path) -> dict[str, torch.Tensor]:
    return dict(load_file(out / "adapter_model.safetensors"))


@pytest.fixture(params=["diffusion", "autoregressive"])
def base(
    request: pytest.FixtureRequest, random_checkpoint: Path, random_sibling: Path
) -> tuple[str, Path]:
    folders = {"diffusion": random_checkpoint, "autoregressive": random_sibling}
    return request.param, folders[request.param]


def test_it_learns_and_says_what_it_did(base: tuple[str, Path], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert train_adapter.main(command(*base, data, out, "--steps", "24")) == 0
    held_out = curve(out, "held-out")
    assert held_out[-1] < held_out[0]
    assert len(curve(out)) == 24
    assert events(out, "training/loss") == pytest.approx(curve(out), rel=1e-5)
    assert events(out, "held-out/loss") == pytest.approx(held_out, rel=1e-5)
    card = (out / "README.md").read_text()
    assert base[1].name in card
    assert "fingerprint" in card
    record = json.loads((out / "pinfill.json").read_text())
    assert record["paradigm"] == base[0]
    assert record["figures"]["effective_steps"] > 0
    assert "rank = 4" in (out / "recipe.toml").read_text()
    changed = [key for key, weight in adapter(out).items() if "lora_B" in key and weight.any()]
    assert changed
    assert not any("vision" in key or "router" in key or "expert" in key for key in changed)


def test_a_killed_run_goes_on_as_if_nothing_had_been(
    base: tuple[str, Path], data: Path, tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    steps = ("--steps", "8", "--dropout", "0.1", "--evaluate-every", "2")
    assert train_adapter.main(command(*base, data, whole, *steps)) == 0

    arguments = command(*base, data, killed, *steps)
    process = subprocess.Popen(
        [sys.executable, "-m", "inference.cli", "train", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    log = killed / "log" / "training.csv"
    deadline = time.monotonic() + 200
    # One step behind what was saved; counted in lines, of which the last may be half written.
    while not log.exists() or log.read_bytes().count(b"\n") < 4:
        assert process.poll() is None, "it ended by itself"
        assert time.monotonic() < deadline
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "adapter_model.safetensors").exists()

    assert train_adapter.main(arguments) == 0
    assert curve(killed) == curve(whole)
    assert curve(killed, "held-out") == curve(whole, "held-out")
    assert events(killed, "training/loss") == pytest.approx(curve(whole), rel=1e-5)
    ours, theirs = adapter(killed), adapter(whole)
    assert all(torch.equal(ours[key], theirs[key]) for key in theirs)


def test_two_processes_take_the_steps_of_one(
    random_checkpoint: Path, data: Path, tmp_path: Path
) -> None:
    base = "diffusion", random_checkpoint
    one, two = tmp_path / "one", tmp_path / "two"
    steps = ("--steps", "4", "--precision", "no")
    assert train_adapter.main(command(*base, data, one, *steps)) == 0
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    done = subprocess.run(
        [
            *launch,
            *("--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no"),
            *("-m", "inference.cli", "train"),
            *command(*base, data, two, *steps),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert curve(two) == pytest.approx(curve(one), rel=1e-3)
    assert curve(two, "held-out") == pytest.approx(curve(one, "held-out"), rel=1e-3)
    ours, theirs = adapter(two), adapter(one)
    assert ours.keys() == theirs.keys()
    for key, weight in theirs.items():
        assert torch.allclose(ours[key], weight, atol=2e-3), key


def test_what_saves_memory_makes_the_same_steps(
    base: tuple[str, Path], data: Path, tmp_path: Path
) -> None:
    outs = []
    for size, checkpointing in (("0", "false"), ("1", "true")):
        outs.append(tmp_path / size)
        more = ("--steps", "2", "--micro-batch", size, "--checkpointing", checkpointing)
        assert train_adapter.main(command(*base, data, outs[-1], *more)) == 0
    assert curve(outs[1]) == pytest.approx(curve(outs[0]), rel=1e-4)


def test_a_run_without_memory_says_what_helps_and_goes_on_with_that(
    random_checkpoint: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = command("diffusion", random_checkpoint, data, tmp_path / "o", "--steps", "4")
    forward = DenoisingObjective.forward
    trained = []

    def hungry(self: Any, batch: Batch, *more: Any) -> Tensor:
        trained.append(self.training)
        if trained.count(True) == 4:
            torch.empty(2**50)  # what the system says then is its own
        return forward(self, batch, *more)

    with monkeypatch.context() as patch:
        patch.setattr(DenoisingObjective, "forward", hungry)
        assert train_adapter.main(arguments) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("pinfill: There is not enough memory")
    assert "--micro-batch 2 and with --checkpointing true" in said
    assert len(curve(tmp_path / "o")) == 3
    AcceleratorState._reset_state(reset_partial_state=True)
    assert train_adapter.main([*arguments, "--micro-batch", "2"]) == 0
    assert len(curve(tmp_path / "o")) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX")
@pytest.mark.parametrize("full_at", ["state", "adapter"])
def test_a_full_disk_costs_nothing_that_was_saved(
    random_checkpoint: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    full_at: str,
) -> None:
    out = tmp_path / "o"
    arguments = command("diffusion", random_checkpoint, data, out, "--steps", "4")
    assert train_adapter.main([*arguments, "--save-every", "3"]) == 0
    sizes = {"state": out / "state.pt", "adapter": out / "adapter_model.safetensors"}
    room = sizes[full_at].stat().st_size - 1000
    kept = {path: path.read_bytes() for path in sizes.values()}
    if full_at == "state":
        rewind(out / "state.pt", 3)
        kept[out / "state.pt"] = (out / "state.pt").read_bytes()
    capsys.readouterr()
    AcceleratorState._reset_state(reset_partial_state=True)
    with files_no_larger_than(room):
        assert train_adapter.main(arguments) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("pinfill: ")
    assert "Make room on the disk and run the same command again." in said
    assert {path: path.read_bytes() for path in kept} == kept
    assert not list(out.rglob("*.part"))
    AcceleratorState._reset_state(reset_partial_state=True)
    assert train_adapter.main(arguments) == 0
    assert len(curve(out)) == 4
    record = json.loads((out / "pinfill.json").read_text())
    assert record["figures"]["loss"] == pytest.approx(curve(out, "held-out")[-1], rel=1e-3)


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """As on a full disk, writing fails beyond that many bytes of a file."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def rewind(state: Path, step: int) -> None:
    """As if the run had been stopped then; what the weights are is of no account here."""
    saved = torch.load(state, weights_only=True)
    torch.save(saved | {"step": step}, state)


def test_images_that_are_missing_are_named(
    random_checkpoint: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(data / "reports.jsonl", folder)
    shutil.copy(data / "0.png", folder)
    assert train_adapter.main(command("diffusion", random_checkpoint, folder, tmp_path / "o")) == 2
    said = capsys.readouterr().err
    assert "1.png" in said
    assert "11 of 24 rows" in said
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("content", ["", "\n\n"])
def test_data_without_rows_is_said_to_be_empty(
    random_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    content: str,
) -> None:
    (tmp_path / "reports.jsonl").write_text(content)
    assert (
        train_adapter.main(command("diffusion", random_checkpoint, tmp_path, tmp_path / "o")) == 2
    )
    assert "is empty" in capsys.readouterr().err


def test_another_run_s_state_is_not_gone_on_from(
    random_checkpoint: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arguments = command("diffusion", random_checkpoint, data, tmp_path, "--steps", "2")
    assert train_adapter.main(arguments) == 0
    assert train_adapter.main([*arguments, "--seed", "5"]) == 2
    assert "other settings or other data (seed 0, here 5)" in capsys.readouterr().err
    AcceleratorState._reset_state(reset_partial_state=True)
    monkeypatch.setattr(train_adapter, "OBJECTIVES_VERSION", "none")
    assert train_adapter.main(arguments) == 2
    assert "another version of Pinfill" in capsys.readouterr().err
    monkeypatch.undo()
    (tmp_path / "state.pt").write_bytes(b"torn")
    AcceleratorState._reset_state(reset_partial_state=True)
    assert train_adapter.main(arguments) == 2
    assert "is damaged" in capsys.readouterr().err


def test_malformed_rows_are_named_and_left_out_only_when_asked(
    random_checkpoint: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    lines = [
        line
        for line in (data / "reports.jsonl").read_text().splitlines()
        if json.loads(line).get("report")
    ]
    lines.insert(2, '{"question": "Is it so?"}')
    (folder / "reports.jsonl").write_text("\n".join(lines))
    arguments = command("diffusion", random_checkpoint, folder, tmp_path / "o", "--steps", "1")
    assert train_adapter.main(arguments) == 2
    said = capsys.readouterr().err
    assert "reports.jsonl:3" in said
    assert "--skip-malformed" in said
    assert train_adapter.main([*arguments, "--skip-malformed"]) == 0
    said = capsys.readouterr().err
    assert "left out" in said
    assert "Of 1 step 1 is warm-up" in said
    assert "before the first step" in said


def test_a_run_that_is_stopped_by_key_says_how_to_go_on(
    random_checkpoint: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train_adapter, "train", stopped)
    out = tmp_path / "o"
    arguments = command("diffusion", random_checkpoint, data, out)
    assert train_adapter.main(arguments) == 130
    said = capsys.readouterr().err
    assert "Nothing of the run was saved yet, so that the same command begins anew" in said
    (out / "state.pt").touch()
    assert train_adapter.main(arguments) == 130
    assert f"goes on from what {out} holds" in capsys.readouterr().err


def test_a_run_that_goes_on_says_so_and_one_that_is_done_that_nothing_is_left(
    random_checkpoint: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--steps", "2", "--answered", "0")
    arguments = command("diffusion", random_checkpoint, data, tmp_path, *more)
    assert train_adapter.main([*arguments, "--save-every", "1"]) == 0
    assert "going on" not in capsys.readouterr().err
    rewind(tmp_path / "state.pt", 1)
    for said in ("going on from step 1 of 2", "all 2 steps are done"):
        AcceleratorState._reset_state(reset_partial_state=True)
        assert train_adapter.main(arguments) == 0
        assert said in " ".join(capsys.readouterr().err.split())


def test_a_long_look_at_held_out_examples_shows_its_progress(
    random_checkpoint: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "_SECONDS", 0)  # where every step takes that long
    assert (
        train_adapter.main(
            command(*("diffusion", random_checkpoint), data, tmp_path, "--steps", "1")
        )
        == 0
    )
    said = capsys.readouterr().err
    looks = [line for line in said.splitlines() if line.startswith("looking at held-out examples")]
    assert len(looks) >= 4, "losses and answers, before the first step and behind the last"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--paradigm", "autoregressive"), "an autoregressive one is needed here"),
        (("--data", "nowhere"), "does not exist"),
        (("--checkpoint", "nowhere"), "no checkpoint folder"),
        (("--targets", "x_proj"), "--targets"),
        (("--rank", "0"), "above zero"),
        (("--seed", "-1"), "below zero"),
        (("--beta2", "1"), "below 1"),
        (("--middle", "0.5"), "a denoiser needs no such examples"),
        (("--targets", "q_proj,vproj"), "no projections vproj"),
        (("--learning-rate", "1e30", "--clip", "0", "--warm-up", "0"), "smaller --learning-rate"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    random_checkpoint: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    said: str,
) -> None:
    arguments = command("diffusion", random_checkpoint, data, tmp_path, "--steps", "4", *more)
    assert train_adapter.main(arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("pinfill: ")
    assert said in error
