"""Two windows that save the same report never put one's words over the other's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from desktop.report import save_lock as save_lock_module
from desktop.report import store as store_module
from desktop.report.model import Report
from desktop.report.save_lock import save_lock
from desktop.report.store import ReportStore, StoreConflict, StoreError
from desktop.studies.identity import StudyIdentity

fcntl = pytest.importorskip("fcntl", reason="there are no such locks under Windows")

STUDY = StudyIdentity("1.2.3", "P-1")

HOLDER = """
import sys
from pathlib import Path
from desktop.report.save_lock import save_lock
with save_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def report_of(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def text_on_disk(folder: Path) -> str:
    report = ReportStore(folder).load(STUDY)
    assert report is not None
    return report.text


@pytest.mark.parametrize("overwrite", [False, True])
def test_who_saves_between_comparing_and_replacing_is_kept_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    ReportStore(tmp_path).save(STUDY, report_of("Old."))
    one, other = ReportStore(tmp_path), ReportStore(tmp_path)
    one.load(STUDY)
    other.load(STUDY)
    monkeypatch.setattr(save_lock_module, "SECONDS", 0.0)
    refused: list[StoreError] = []

    def save_other() -> None:
        try:
            other.save(STUDY, report_of("Other."), overwrite=overwrite)
        except StoreError as error:
            refused.append(error)

    replace = os.replace

    def replace_late(*names: Any) -> None:
        monkeypatch.setattr(os, "replace", replace)
        thread = threading.Thread(target=save_other)
        thread.start()
        thread.join()
        replace(*names)

    monkeypatch.setattr(os, "replace", replace_late)
    one.save(STUDY, report_of("One."))
    assert text_on_disk(tmp_path) == "One."
    assert [error.reason for error in refused] == ["another window is saving it"]
    with pytest.raises(StoreConflict):
        other.save(STUDY, report_of("Other."))
    assert [path.name for path in tmp_path.rglob("*.lock")] == []


def test_windows_that_save_at_once_lose_nothing(tmp_path: Path) -> None:
    """Each has read what was there: one is first, and all others are told."""
    ReportStore(tmp_path).save(STUDY, report_of("Old."))
    start = threading.Barrier(6)
    endings: list[str] = []

    def window(number: int) -> None:
        store = ReportStore(tmp_path)
        store.load(STUDY)
        start.wait()
        try:
            store.save(STUDY, report_of(f"Window {number}."))
        except StoreConflict:
            endings.append("told")
        else:
            endings.append(f"Window {number}.")

    windows = [threading.Thread(target=window, args=(number,)) for number in range(6)]
    for each in windows:
        each.start()
    for each in windows:
        each.join()
    saved = [ending for ending in endings if ending != "told"]
    assert saved == [text_on_disk(tmp_path)]


def test_a_killed_window_holds_no_other_up(tmp_path: Path) -> None:
    store = ReportStore(tmp_path)
    path = store.save(STUDY, report_of("Old."))
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
    assert list(tmp_path.rglob("*.lock")), "its file is left"
    store.save(STUDY, report_of("New."))
    assert text_on_disk(tmp_path) == "New."
    assert list(tmp_path.rglob("*.lock")) == []


def test_a_lock_whose_file_was_removed_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits on a file that its holder removes would hold what nobody else looks at."""
    path = tmp_path / "report.json"
    flock = fcntl.flock
    locked: list[int] = []

    def flock_late(descriptor: int, how: int) -> None:
        if not locked:
            next(tmp_path.glob("*.lock")).unlink()
        locked.append(descriptor)
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", flock_late)
    with save_lock(path):
        assert len(locked) == 2
        (file,) = tmp_path.glob("*.lock")
        assert os.path.samestat(file.stat(), os.fstat(locked[-1]))


@pytest.mark.parametrize("lacking", ["locks", "files"])
def test_where_there_are_no_locks_a_report_is_saved_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    opened = os.open

    def flock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    def refuse(path: Any, *arguments: Any, **options: Any) -> int:
        if str(path).endswith(".lock"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path, *arguments, **options)

    if lacking == "locks":
        monkeypatch.setattr(fcntl, "flock", flock)
    else:
        monkeypatch.setattr(os, "open", refuse)
    ReportStore(tmp_path).save(STUDY, report_of("Words."))
    assert text_on_disk(tmp_path) == "Words."
    assert list(tmp_path.rglob("*.lock")) == []


def test_a_sound_report_that_replaces_a_damaged_one_is_not_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ReportStore(tmp_path)
    path = store.save(STUDY, report_of("Sound."))
    sound = path.read_bytes()
    path.write_bytes(b"{")
    decode = store_module.decode

    def decode_late(data: bytes, identity: StudyIdentity) -> Report:
        path.write_bytes(sound)
        return decode(data, identity)

    monkeypatch.setattr(store_module, "decode", decode_late)
    loaded = store.load(STUDY)
    assert loaded is not None
    assert loaded.text == "Sound."
    assert [each.name for each in path.parent.iterdir()] == [path.name]
