"""The short form of the model's half of ``make fuzz``, and what it would tell."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path

import pytest

from inference.fuzz import __main__ as command
from inference.fuzz import trials
from inference.fuzz.mutations import mutate_bytes, mutate_header, mutate_json
from inference.fuzz.trials import FAILURES, KINDS, Kind, Outcome, Summary, Trials, make_case, run

ENOUGH = 12


@pytest.mark.parametrize("kind", KINDS)
def test_mutated_folders_load_or_are_refused(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MAX_SECONDS", 60)  # of a machine that may be loaded
    summary = run(kind, 0, range(ENOUGH))
    assert not summary.failures
    assert sum(summary.endings.values()) == ENOUGH
    assert summary.endings["refused"] > 0
    assert summary.endings["loaded"] > 0


def test_the_same_number_makes_the_same_case(random_checkpoint: Path, tmp_path: Path) -> None:
    names = [make_case(random_checkpoint, tmp_path / name, 3, 5) for name in ("one", "two")]
    assert names[0] == names[1]
    one, two = ((tmp_path / name / names[0]).read_bytes() for name in ("one", "two"))
    assert one == two
    assert one != (random_checkpoint / names[0]).read_bytes()


def test_mutations_reach_behind_the_first_check() -> None:
    text = json.dumps({"a": [1, 2, {"b": "c"}], "d": 3}).encode()
    header = len(text).to_bytes(8, "little") + text + bytes(64)
    for number in range(200):
        draw = random.Random(number)
        mutate_bytes(text, draw)
        mutate_header(header, draw)
        mutate_json(text, draw).decode("utf-8", "surrogatepass")


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "_serve", serve_badly)
    monkeypatch.setattr(trials, "MAX_SECONDS", 0.2)


def serve_badly(pipe: object, *_: object) -> None:
    """In the process of the cases: an odd number ends it, an even one holds it up."""
    pipe.send("ready")  # type: ignore[attr-defined]
    if pipe.recv() % 2:  # type: ignore[attr-defined]
        os._exit(7)
    time.sleep(60)


def test_what_crashes_or_hangs_is_told_and_the_next_case_goes_on(serving: None) -> None:
    with Trials("checkpoints", 0) as loading:
        outcomes = [loading.load(number) for number in (1, 2, 3)]
    assert [outcome.ending for outcome in outcomes] == ["crash", "hang", "crash"]
    assert "exit code 7" in outcomes[0].said


@pytest.mark.parametrize("ending", ["loaded", *FAILURES])
def test_only_a_failure_changes_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], ending: str
) -> None:
    summary = Summary()
    summary.add(Outcome(17, "config.json", ending, "what was said", 0.5, 2**20))
    monkeypatch.setattr(command, "run", lambda *_: summary)
    assert command.main(["--checkpoints", "1", "--adapters", "0"]) == int(ending in FAILURES)
    assert ("what was said" in capsys.readouterr().out) is (ending in FAILURES)
