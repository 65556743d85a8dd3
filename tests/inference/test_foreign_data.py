"""Training and every benchmark on one foreign data set: each does with the good rows what it does,
names each bad one, and says how the file was read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from accelerate.state import AcceleratorState

from inference.evaluation import bench_infill, bench_sampler, bench_vqa
from inference.evaluation.sampler_results import Measured
from inference.evaluation.vqa_runs import Asked
from inference.training import train_adapter
from inference.training.data.reading import read
from tests.inference.foreign_data import BAD, write_foreign_data


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "foreign"
    folder.mkdir()
    return write_foreign_data(folder)


def sentences(data: Path) -> int:
    """Rows that are wrong in the same way share one."""
    return len({fault.reason for fault in read(data).malformed})


def test_the_good_rows_are_read_and_the_bad_ones_named(data: Path) -> None:
    reading = read(data)
    assert [row.kind for row in reading.rows] == ["report"] * 3 + ["closed", "open"]
    assert len(reading.malformed) == BAD
    assert len({row.origin.line for row in reading.malformed}) == BAD
    assert reading.notes == (
        f"The key 'author' in 1 row of {data / 'reports.jsonl'} means nothing here.",
    )


def test_training_refuses_the_bad_rows_or_goes_on_without_them(
    data: Path, random_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    AcceleratorState._reset_state(reset_partial_state=True)
    command = ["--paradigm", "diffusion", "--checkpoint", str(random_checkpoint), "--cpu"]
    command += ["--data", str(data), "--out", str(tmp_path / "out"), "--steps", "1"]
    command += ["--rank", "2", "--batch", "2", "--answered", "0", "--held-out", "0.3"]
    assert train_adapter.main(command) == 2
    said = capsys.readouterr().err
    assert f"{BAD} of {5 + BAD} rows of {data} are malformed" in said
    assert said.count("reports.jsonl:") == sentences(data)
    assert train_adapter.main([*command, "--skip-malformed"]) == 0
    said = capsys.readouterr().err
    assert said.count("left out: ") == sentences(data)
    assert (tmp_path / "out" / "adapter_model.safetensors").is_file()


Taken = list[tuple[Any, Any]]


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """What benchmarks set out to measure; the measuring itself is tested elsewhere."""
    asked: Taken = []

    def note(made: Callable[[int, Any], Any]) -> Callable[[Any, Any], Any]:
        def measure(setup: Any, source: Any) -> Any:
            asked.append((setup, source))
            return made(getattr(source, "seed", getattr(source, "number", 0)), source)

        return measure

    def skipped(seed: int, _: Any) -> Measured:
        return Measured(seed=seed, skipped="not measured here")

    monkeypatch.setattr("inference.evaluation.sampler_runs.measure", note(skipped))
    monkeypatch.setattr("inference.evaluation.infill_runs.measure", note(skipped))
    monkeypatch.setattr(
        "inference.evaluation.vqa_runs.measure",
        note(lambda number, it: Asked(number=number, id=it.row.id, skipped="not measured here")),
    )
    monkeypatch.setattr("inference.evaluation.writers.engine_of", lambda *_: None)
    return asked


@pytest.mark.parametrize(
    ("main", "kind", "count"),
    [(bench_infill.main, "report", 3), (bench_sampler.main, "report", 3), (bench_vqa.main, "", 2)],
    ids=["infill", "sampler", "vqa"],
)
def test_a_benchmark_takes_the_good_rows_and_names_the_others(
    main: Callable[[list[str]], int],
    kind: str,
    count: int,
    data: Path,
    taken: Taken,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--data", str(data), "--device", "cpu", "--processes", "1"]) == 2
    said = capsys.readouterr().err
    assert "not measured here" in said.splitlines()[-1]
    assert said.count("left out: ") == sentences(data)
    assert "No row of" in said
    assert "has a 'split', so that all are taken for 'test'" in said
    assert len(taken) == count
    assert all((source.row.question is None) == (kind == "report") for _, source in taken)
