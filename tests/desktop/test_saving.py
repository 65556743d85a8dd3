"""What is kept of a report while the disk says no."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from desktop.report.model import Report
from desktop.report.recovery import RecoveryCopies
from desktop.report.store import ReportStore, StoreConflict
from desktop.saving import Saving
from desktop.studies.identity import StudyIdentity

ONE = StudyIdentity("1.2.3")


def blocked(folder: Path) -> Path:
    """A file where a folder is to be: nothing can be written below it."""
    folder.write_text("in the way")
    return folder


def watched(store: Path, copies: Path) -> tuple[Saving, Report]:
    saving, report = Saving(ReportStore(store), RecoveryCopies([copies])), Report()
    saving.watch(ONE, "One", report, report.revision)
    return saving, report


def test_what_was_written_elsewhere_frees_the_study_until_the_text_changes(
    qapp: QApplication, tmp_path: Path
) -> None:
    saving, report = watched(blocked(tmp_path / "reports"), blocked(tmp_path / "copies"))
    report.insert(0, "No effusion.")
    assert not saving.may_leave()
    saving.save_elsewhere(tmp_path / "kept.txt")
    assert (tmp_path / "kept.txt").read_text() == "No effusion."
    assert saving.may_leave()
    assert saving.keep_copy()
    report.insert(0, "Normal heart. ")
    assert not saving.may_leave()


def test_a_copy_that_somebody_removed_is_written_again(qapp: QApplication, tmp_path: Path) -> None:
    saving, report = watched(blocked(tmp_path / "reports"), tmp_path / "copies")
    report.insert(0, "No effusion.")
    for _ in range(2):
        assert saving.keep_copy()
        (copy,) = (tmp_path / "copies").glob("*.json")
        copy.unlink()


def test_nothing_is_left_of_a_copy_once_the_report_is_saved(
    qapp: QApplication, tmp_path: Path
) -> None:
    place = blocked(tmp_path / "reports")
    saving, report = watched(place, tmp_path / "copies")
    report.insert(0, "No effusion.")
    assert saving.keep_copy()
    assert len(list((tmp_path / "copies").iterdir())) == 2, "the copy and the lock"
    place.unlink()
    assert saving.save()
    assert not list((tmp_path / "copies").iterdir())


def test_a_report_that_another_window_saves_meanwhile_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = ReportStore(tmp_path), ReportStore(tmp_path)
    ours_report, their_report = Report(), Report()
    ours_report.insert(0, "Ours.")
    their_report.insert(0, "Theirs.")
    flush = os.fsync

    def meanwhile(descriptor: int) -> None:
        monkeypatch.setattr(os, "fsync", flush)
        theirs.save(ONE, their_report)
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", meanwhile)
    with pytest.raises(StoreConflict):
        ours.save(ONE, ours_report)
    found = ReportStore(tmp_path).load(ONE)
    assert found is not None
    assert found.text == "Theirs."
