"""Recovery copies: whose are offered, and when those that were passed over go."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from desktop.report.model import Report
from desktop.report.recovery import SETTLED_SECONDS, RecoveryCopies, set_aside
from desktop.studies.identity import StudyIdentity

STUDY = StudyIdentity("1.2.3", "P-1")


@pytest.fixture
def copies(tmp_path: Path) -> RecoveryCopies:
    return RecoveryCopies([tmp_path / "recovery"])


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + seconds)


@pytest.mark.parametrize(("days", "stays"), [(0, True), (29, True), (31, False)])
def test_a_copy_goes_thirty_days_after_it_was_passed_over(
    copies: RecoveryCopies, monkeypatch: pytest.MonkeyPatch, days: int, stays: bool
) -> None:
    path = copies.keep(STUDY, Report())
    os.utime(path, (0, 0))  # however old its words are
    (copy,) = RecoveryCopies(copies.folders).found(STUDY)
    set_aside(copy)
    later(monkeypatch, days * 24 * 3600)
    copies.sweep_settled()
    assert [each.name for each in path.parent.glob("*.settled")] == stays * [f"{path.name}.settled"]


def test_copies_and_other_files_stay_however_old(
    copies: RecoveryCopies, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copies.keep(STUDY, Report())
    kept = [path, path.with_name("notes.settled"), path.with_name("a.txt")]
    for file in kept[1:]:
        file.write_text("the reader's own")
    (tmp_path / "elsewhere").write_text("not ours")
    path.with_name("link.json.settled").symlink_to(tmp_path / "elsewhere")
    later(monkeypatch, 2 * SETTLED_SECONDS)
    copies.sweep_settled()
    assert all(file.exists() for file in kept)
    assert (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_none_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    RecoveryCopies([tmp_path / "gone", tmp_path / "file"]).sweep_settled()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@pytest.mark.parametrize("others", ["write", "link"])
def test_nothing_is_offered_from_a_folder_that_others_may_have_filled(
    copies: RecoveryCopies, others: str
) -> None:
    copies.keep(STUDY, Report())
    (folder,) = copies.folders
    if others == "write":
        folder.chmod(0o777)
    else:
        folder.rename(folder.with_name("theirs"))
        folder.symlink_to(folder.with_name("theirs"))
    assert RecoveryCopies(copies.folders).found(STUDY) == []
