"""A short run of the kills; ``python -m desktop.kill_trials`` has the long one."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import pytest

import resources
from desktop import kill_trials
from desktop.kill_trials import Summary, Trial, Windows, one_trial
from desktop.report.model import Report
from desktop.studies.identity import StudyIdentity

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")


def test_a_kill_in_a_conflict_costs_a_second_at_most_and_the_window_had_said_so() -> None:
    with Windows(resources.demo_studies()[0]) as windows:
        trial = one_trial(windows, random.Random(4), "conflict")
    assert trial.typed > 0
    assert Summary([trial]).failures == []


def about(seconds: float) -> Any:
    return pytest.approx(seconds)


def keys(count: int, said: int) -> str:
    """What a window told that took ten keys a second."""
    return "1\n" + "".join(f"{number / 10} {said}\n" for number in range(count))


def test_lost_words_and_silence_are_failures(tmp_path: Path) -> None:
    place = kill_trials._Place(tmp_path, StudyIdentity("1.2.3"))
    silent = kill_trials._judge(place, "full", 0.0, keys(30, said=0))
    assert silent == Trial("full", 30, about(2.9), True, False)
    lost = kill_trials._judge(place, "full", 0.0, keys(30, said=1))
    assert lost == Trial("full", 30, about(2.9), False, False)
    warned = kill_trials._judge(place, "full", 0.0, keys(30, said=2))
    assert Summary([silent, lost, warned]).failures == [silent, lost]
    report = Report()
    report.insert(0, kill_trials._WORDS[:25])
    place.store.save(place.identity, report)
    kept = kill_trials._judge(place, "full", 0.0, keys(30, said=0))
    assert kept == Trial("full", 30, about(0.4), False, False)
