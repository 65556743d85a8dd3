"""What is on disk after a save, a crash, a clash and a damage."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from desktop.report.model import Report
from desktop.report.store import (
    DamagedReport,
    NewerReport,
    ReportStore,
    StoreConflict,
    StoreError,
    data_dir,
)
from desktop.studies.identity import StudyIdentity

UID = "1.2.826.0.1.3680043.8.498.1"
MORGAN = StudyIdentity(UID, "PF-0042", "", "Morgan^Alex", "19610203")


@pytest.fixture
def store(tmp_path: Path) -> ReportStore:
    return ReportStore(tmp_path / "reports")


def report_of(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def test_a_report_comes_back_as_it_was(store: ReportStore) -> None:
    report = Report()
    report.apply(report.pieces_for_draft(), ["FINDINGS:\nNo effusion 🫁."])
    report.pin(10, 12)
    report.insert_gap(len(report.text), tokens=7)
    store.save(MORGAN, report)
    again = ReportStore(store.folder).load(MORGAN)
    assert again is not None
    assert again.content == report.content
    assert again.revision == report.revision
    assert not again.can_undo


def test_a_study_without_a_report_has_none(store: ReportStore) -> None:
    assert store.load(MORGAN) is None


def test_the_file_is_the_documented_one(store: ReportStore) -> None:
    path = store.save(MORGAN, report_of("Heart normal."))
    assert path.name == f"{UID}_{MORGAN.digest}.json"
    saved = json.loads(path.read_text(encoding="utf-8"))
    saved.pop("saved")
    assert saved == {
        "format": "pinfill-report",
        "version": 2,
        "study_uid": UID,
        "patient": {"id": "PF-0042", "issuer": "", "name": "Morgan^Alex", "birth_date": "19610203"},
        "revision": 1,
        "text": "Heart normal.",
        "spans": [{"length": 13, "origin": "typed", "pinned": True}],
        "gaps": [],
        "dismissed": [],
    }


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_the_user_may_read(store: ReportStore) -> None:
    path = store.save(MORGAN, report_of("a"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_names_stay_in_the_folder_and_apart(store: ReportStore) -> None:
    uids = [
        "../../etc/passwd",
        "a/b",
        "a-b",
        "A-B",
        "",
        ".",
        "..",
        "1..2",
        "CON",
        "9" * 65,
        "ü\ud800",
    ]
    paths = [store.path(StudyIdentity(uid)) for uid in uids]
    paths += [store.path_of_version_1(StudyIdentity(uid)) for uid in uids]
    assert all(path.parent == store.folder and len(path.name) < 100 for path in paths)
    assert len({path.name.lower() for path in paths}) == len(paths)


def test_a_failed_write_leaves_the_old_file_and_no_rest(
    store: ReportStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store.save(MORGAN, report_of("old"))
    before = path.read_bytes()

    def no_space(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(StoreError, match="No space left"):
        store.save(MORGAN, report_of("new"))
    assert path.read_bytes() == before
    assert list(store.folder.iterdir()) == [path]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\xff\xfe" + data,
        lambda data: b"[]",
        lambda data: data.replace(b'"length": 3', b'"length": 4'),
        lambda data: data.replace(b'"pinned": true', b'"pinned": false'),
        lambda data: data.replace(b'"typed"', b'"dreamt"'),
        lambda data: data.replace(UID.encode(), b"1.2.3"),
        lambda data: data.replace(b"PF-0042", b"PF-0043"),
        lambda data: data.replace(b"Morgan", b"Reyes"),
        lambda data: data.replace(b'"patient"', b'"doctor"'),
        lambda data: data.replace(b'"version": 2', b'"version": 1'),
        lambda data: data.replace(b"pinfill-report", b"other"),
    ],
)
def test_a_damaged_file_is_kept_aside(store: ReportStore, change) -> None:
    path = store.save(MORGAN, report_of("abc"))
    damaged = change(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(DamagedReport, match="kept as") as caught:
        store.load(MORGAN)
    assert caught.value.kept_at.read_bytes() == damaged
    assert ".damaged-" in caught.value.kept_at.name
    assert store.load(MORGAN) is None
    store.save(MORGAN, report_of("fresh"))


def test_two_damaged_files_are_both_kept(store: ReportStore) -> None:
    path = store.path(MORGAN)
    store.folder.mkdir()
    for data in (b"one", b"two"):
        path.write_bytes(data)
        with pytest.raises(DamagedReport):
            store.load(MORGAN)
    assert sorted(file.read_bytes() for file in store.folder.iterdir()) == [b"one", b"two"]


def test_a_newer_format_is_left_alone(store: ReportStore) -> None:
    path = store.save(MORGAN, report_of("abc"))
    newer = path.read_bytes().replace(b'"version": 2', b'"version": 3').replace(b'"spans"', b'"x"')
    path.write_bytes(newer)
    fresh = ReportStore(store.folder)
    with pytest.raises(NewerReport, match="Update Pinfill"):
        fresh.load(MORGAN)
    with pytest.raises(StoreConflict):
        fresh.save(MORGAN, report_of("new"))
    assert path.read_bytes() == newer


def test_a_file_that_changed_meanwhile_is_not_overwritten(store: ReportStore) -> None:
    store.save(MORGAN, report_of("first"))
    other = ReportStore(store.folder)
    theirs = other.load(MORGAN)
    assert theirs is not None
    theirs.insert(0, "their ")
    path = other.save(MORGAN, theirs)
    with pytest.raises(StoreConflict):
        store.save(MORGAN, report_of("mine"))
    kept = path.read_bytes()
    store.save(MORGAN, report_of("mine"), overwrite=True)
    (aside,) = store.folder.glob("*.replaced-*")
    assert aside.read_bytes() == kept
    again = store.load(MORGAN)
    assert again is not None
    assert again.text == "mine"


def test_a_file_that_was_never_read_is_not_overwritten(store: ReportStore) -> None:
    store.save(MORGAN, report_of("theirs"))
    with pytest.raises(StoreConflict):
        ReportStore(store.folder).save(MORGAN, report_of("mine"))


def test_saving_again_and_again_is_no_conflict(store: ReportStore) -> None:
    report = report_of("a")
    store.save(MORGAN, report)
    report.insert(1, "b")
    store.save(MORGAN, report)
    again = ReportStore(store.folder).load(MORGAN)
    assert again is not None
    assert again.text == "ab"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="could not be"):
        ReportStore(tmp_path / "file" / "reports").save(MORGAN, report_of("a"))


def test_the_data_folder_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINFILL_DATA_DIR", str(tmp_path))
    assert data_dir() == tmp_path
    assert ReportStore().folder == tmp_path / "reports"
    monkeypatch.delenv("PINFILL_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_dir().name == "pinfill"


@pytest.mark.skipif(os.name != "posix", reason="folders are flushed on POSIX alone")
def test_a_share_that_cannot_flush_a_folder_is_no_failure(
    store: ReportStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, refused = os.fsync, []

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            refused.append(handle)
            raise OSError(22, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    report = report_of("a")
    store.save(MORGAN, report)
    report.insert(1, "b")
    path = store.save(MORGAN, report)
    assert refused
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "ab"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_saving_over_that_fails_leaves_their_file_in_its_place(
    store: ReportStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = store.save(MORGAN, report_of("theirs"))
    before = path.read_bytes()
    mine = ReportStore(store.folder)

    def no_space(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, step, no_space)
        with pytest.raises(StoreError, match="No space left"):
            mine.save(MORGAN, report_of("mine"), overwrite=True)
    assert list(store.folder.iterdir()) == [path]
    assert path.read_bytes() == before
    mine.save(MORGAN, report_of("mine"), overwrite=True)
    assert b"mine" in path.read_bytes()
    assert [kept.read_bytes() for kept in store.folder.glob("*.replaced-*")] == [before]
