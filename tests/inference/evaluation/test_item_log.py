"""A run that was broken off goes on; results that do not belong together are not put together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inference.evaluation.item_log import (
    Header,
    ItemLog,
    LogError,
    checkpoint_fingerprint,
    code_fingerprint,
)
from inference.evaluation.sampler_results import Cost, Measured, Result

MADE_WITH = {"checkpoint": "c", "code": "d", "reports": "fictional", "gaps": "1", "device": "cpu"}
HEADER = Header("pinfill bench sampler", MADE_WITH)


def log_at(path: Path | None, header: Header = HEADER) -> ItemLog[Measured, int]:
    return ItemLog(path, header, Measured, lambda measured: measured.seed)


def measured(seed: int) -> Measured:
    cost = Cost(forwards=3, rows=None, steps=3, seconds=0.1)
    return Measured(seed=seed, sentences=("é",), results={"x": Result(("a",), 1 / 3, 0.0, cost)})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    log = log_at(tmp_path / "log.jsonl")
    for seed in (5, 6):
        log.add(measured(seed))
    return tmp_path / "log.jsonl"


def test_a_run_goes_on_from_its_log(path: Path) -> None:
    log = log_at(path)
    assert log.results == {5: measured(5), 6: measured(6)}
    log.add(measured(7))
    assert list(log_at(path).results) == [5, 6, 7]


def test_without_a_file_results_are_kept_in_memory() -> None:
    log = log_at(None)
    log.add(measured(1))
    assert log.results == {1: measured(1)}


def test_a_line_that_was_being_written_is_measured_again(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])
    log = log_at(path)
    assert list(log.results) == [5]
    log.add(measured(6))
    assert list(log_at(path).results) == [5, 6]


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("checkpoint", "z", "another checkpoint"),
        ("code", "z", "another version"),
        ("reports", "z", "other reports"),
        ("gaps", "2", "another number of gaps"),
        ("device", "cuda", "another device"),
        ("benchmark", "z", "another benchmark"),
    ],
)
def test_results_of_something_else_are_refused(
    path: Path, field: str, value: str, sentence: str
) -> None:
    before = path.read_bytes()
    other = Header(HEADER.benchmark, MADE_WITH | {field: value})
    if field == "benchmark":
        other = Header(value, MADE_WITH)
    with pytest.raises(LogError, match=f"holds results of {sentence}"):
        log_at(path, other)
    assert path.read_bytes() == before


def test_files_of_others_are_refused_and_left_alone(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "notes.txt"
    other.write_text("milk\neggs\n")
    with pytest.raises(LogError, match="does not hold results"):
        log_at(other)
    assert other.read_text() == "milk\neggs\n"
    with pytest.raises(LogError, match="cannot be used to keep results"):
        log_at(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'"seed":5', b'"seed":x'))
    with pytest.raises(LogError, match=r"Line 2 of .* is damaged"):
        log_at(path)


def test_a_checkpoint_is_known_by_what_its_files_hold(
    random_checkpoint: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(random_checkpoint, tmp_path / "copy")
    known = checkpoint_fingerprint(random_checkpoint)
    assert checkpoint_fingerprint(copy) == known
    weights = next(copy.glob("*.safetensors"))
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    assert checkpoint_fingerprint(copy) != known


def test_both_ends_of_a_large_file_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference.evaluation.item_log._WHOLE", 10)
    monkeypatch.setattr("inference.evaluation.item_log._ENDS", 4)
    digests = set()
    for content in (b"0123456789abc", b"x123456789abc", b"0123456789abx", b"0123456789abcd"):
        (tmp_path / "weights").write_bytes(content)
        digests.add(checkpoint_fingerprint(tmp_path))
    assert len(digests) == 4


def test_the_code_has_a_fingerprint_that_stays() -> None:
    assert code_fingerprint() == code_fingerprint()
