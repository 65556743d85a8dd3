"""The short form of ``make fuzz``, and what it would tell of a file that gets through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desktop.fuzz import __main__ as command
from desktop.fuzz import trials
from desktop.fuzz.dicom import MAKERS, Make, Tally, mutated_file, run
from desktop.fuzz.seeds import seeds
from desktop.fuzz.sequences import nested_file
from desktop.fuzz.trials import Ending, Outcome, Trials
from desktop.studies.reading import StudyError, read_study
from tests.desktop.studies.faulty import faulty_reader

ENOUGH = 60
NEEDS_PROC = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="the clock counts alone"
)


@pytest.mark.parametrize("kind", MAKERS)
def test_mutated_input_is_opened_or_refused(kind: str) -> None:
    tally = run(kind, 0, range(ENOUGH))
    assert sum(tally.endings.values()) == ENOUGH
    assert tally.endings[Ending.REFUSED] > ENOUGH / 10
    assert tally.endings[Ending.OPENED] > ENOUGH / 20
    assert tally.endings.keys() <= {Ending.OPENED, Ending.REFUSED}, tally.notable
    assert tally.memory < trials.MAX_MEMORY


@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_values_inside_items_are_reached(tmp_path: Path) -> None:
    """Those of nested functional groups, too, behind all that checks how a file is built."""
    unseen = {"Rescale", "modality lookup table"}
    path, number = tmp_path / "case.dcm", 0
    while unseen and number < 200:
        path.write_bytes(nested_file(np.random.default_rng([3, number])))
        number += 1
        try:
            read_study(path)
        except StudyError as error:
            unseen -= {words for words in unseen if words in str(error)}
    assert not unseen


def test_every_seed_opens(tmp_path: Path) -> None:
    path = tmp_path / "seed.dcm"
    with Trials() as opening:
        for seed in seeds():
            path.write_bytes(seed.data)
            assert opening.open(path, search=False)[0].ending is Ending.OPENED, seed.name


@pytest.mark.parametrize("make", [make for make, _ in MAKERS.values()])
def test_the_same_number_makes_the_same_case(make: Make) -> None:
    def case(number: int) -> bytes:
        return make(np.random.default_rng([3, number]))

    assert case(5) == case(5)
    assert len({case(number) for number in range(30)}) > 25


def test_a_fault_outside_the_reading_process_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def draw(study: object) -> None:
        raise OverflowError("too large")

    monkeypatch.setattr(trials, "draw", draw)
    path = tmp_path / "seed.dcm"
    path.write_bytes(seeds()[0].data)
    with Trials() as opening:
        outcome, _ = opening.open(path)
    assert outcome.ending is Ending.FAULT
    assert "OverflowError" in outcome.told


@pytest.mark.parametrize(("name", "ending"), [("crash", Ending.CRASHED), ("hang", Ending.GIVEN_UP)])
def test_what_ends_the_reading_process_is_told(tmp_path: Path, name: str, ending: Ending) -> None:
    path = tmp_path / f"{name}.dcm"
    path.write_bytes(seeds()[0].data)
    with Trials(faulty_reader(seconds=0.3)) as opening:
        assert opening.open(path, search=False)[0].ending is ending


@pytest.mark.parametrize(
    ("seconds", "memory", "ending"),
    [
        (62.0, 0, Ending.LATE),
        pytest.param(30.0, 0, Ending.OPENED, marks=NEEDS_PROC),
        (0.1, 2 << 30, Ending.LARGE),
        (0.1, 1 << 20, Ending.OPENED),
    ],
)
def test_what_goes_over_a_limit_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float,
    memory: int,
    ending: Ending,
) -> None:
    clock, peak = iter([0.0, seconds]), iter([0, memory])
    path = tmp_path / "seed.dcm"
    path.write_bytes(seeds()[0].data)
    with Trials() as opening:
        monkeypatch.setattr("time.perf_counter", lambda: next(clock))
        monkeypatch.setattr(opening, "_peak", lambda **_: next(peak))
        assert opening.open(path)[0].ending is ending


def test_what_had_the_processor_for_too_long_is_late() -> None:
    assert trials._is_late(30.0, 10.1)
    assert not trials._is_late(30.0, 9.9)
    assert not trials._is_late(10.5, 10.5)
    assert trials._is_late(11.5, None)


def test_the_command_tells_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = Tally()
    for number, ending in enumerate([Ending.OPENED, Ending.CRASHED, Ending.FAULT]):
        tally.add(number, Outcome(ending, "said", 0.5, 1 << 21))
    command._tell("files", tally, 1.0)
    told = capsys.readouterr().out
    assert "3 mutated files" in told
    assert "files 1: refused after its decoder crashed: said" in told
    assert "files 2: FAULT" in told
    assert tally.failed


def test_a_case_can_be_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert command.main(["--keep", "files", "17", "--seed", "4"]) == 0
    assert (tmp_path / "files-4-17.dcm").read_bytes() == mutated_file(
        np.random.default_rng([4, 17])
    )
