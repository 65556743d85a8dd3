"""What may lie in a report's place, and what is left behind."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from desktop.report import store as store_module
from desktop.report.files import LARGEST_BYTES
from desktop.report.model import Report
from desktop.report.picture import Style, picture
from desktop.report.spans import GAP_CHAR
from desktop.report.store import (
    DamagedReport,
    ReportStore,
    StoreConflict,
    StoreError,
    decode,
    encode,
)
from desktop.studies.identity import StudyIdentity

UID = "1.2.826.0.1.3680043.8.498.1"
MORGAN = StudyIdentity(UID, "PF-0042", "", "Morgan^Alex", "19610203")

posix = pytest.mark.skipif(os.name != "posix", reason="pipes, devices and modes of POSIX")


@pytest.fixture
def store(tmp_path: Path) -> ReportStore:
    return ReportStore(tmp_path / "reports")


def report_of(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def stopped_pid() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@posix
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "huge"])
def test_what_is_no_report_file_never_blocks_and_is_kept_aside(
    store: ReportStore, kind: str
) -> None:
    store.prepare()
    path = store.path(MORGAN)
    writer = threading.Timer(5, lambda: os.open(path, os.O_WRONLY | os.O_NONBLOCK))
    match kind:
        case "pipe":
            os.mkfifo(path)
            writer.start()  # lets go of who waits for one
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case _:
            with path.open("wb") as file:
                file.truncate(LARGEST_BYTES + 1)
    began = time.monotonic()
    with pytest.raises(StoreError, match="could not be read"):
        store.load(MORGAN)
    with pytest.raises(StoreConflict, match="cannot be read"):
        store.save(MORGAN, report_of("mine"))
    assert time.monotonic() - began < 5
    writer.cancel()
    store.save(MORGAN, report_of("mine"), overwrite=True)
    again = store.load(MORGAN)
    assert again is not None
    assert again.text == "mine"
    assert len(list(store.folder.glob("*.replaced-*"))) == 1


def with_fields(**fields: object) -> bytes:
    saved = json.loads(encode(report_of("abc"), MORGAN))
    return json.dumps(saved | fields).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 5_000 + b"]" * 5_000,
        b'{"format": ' * 5_000 + b"1" + b"}" * 5_000,
        b'{"format": "pinfill-report", "version": 1, "x": ' + b"[" * 5_000 + b"]" * 5_000 + b"}",
        with_fields(version=0),
        with_fields(version=-1),
        with_fields(revision=-1),
        with_fields(text="a\rc"),
        with_fields(text="a\u2029c"),
        with_fields(text="a\ufdd0c"),
        with_fields(text="a\ud800c"),
    ],
)
def test_a_hostile_file_is_a_damaged_report(store: ReportStore, data: bytes) -> None:
    store.prepare()
    store.path(MORGAN).write_bytes(data)
    with pytest.raises(DamagedReport):
        store.load(MORGAN)
    assert store.load(MORGAN) is None


def test_a_path_that_is_no_unicode_is_saved_under(store: ReportStore) -> None:
    key = StudyIdentity.of(Dataset(), Path("/images/chest-\udcff.dcm"))
    store.save(key, report_of("Typed."))
    again = ReportStore(store.folder).load(key)
    assert again is not None
    assert again.text == "Typed."
    with pytest.raises(ValueError, match="belongs to"):
        decode(encode(report_of("a"), key), MORGAN)


@pytest.mark.parametrize(
    "fault", [ValueError("odd"), UnicodeError("odd"), TypeError("odd"), MemoryError()]
)
def test_whatever_a_save_runs_into_is_told(
    store: ReportStore, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def failing(*_: object) -> bytes:
        raise fault

    monkeypatch.setattr(store_module, "encode", failing)
    with pytest.raises(StoreError, match="could not be saved"):
        store.save(MORGAN, report_of("a"))
    assert list(store.folder.iterdir()) == []


def test_a_report_larger_than_is_read_again_is_not_written(
    store: ReportStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LARGEST_BYTES", 1_000)
    path = store.save(MORGAN, report_of("short"))
    before = path.read_bytes()
    with pytest.raises(StoreError, match="Shorten it"):
        store.save(MORGAN, report_of("long " * 300))
    assert path.read_bytes() == before


@posix
def test_what_a_killed_process_left_goes_and_what_is_being_written_stays(
    store: ReportStore,
) -> None:
    store.prepare()
    left = store.folder / f".{UID}-{stopped_pid()}-abcdefgh.tmp"
    being_written = store.folder / f".{UID}-{os.getpid()}-abcdefgh.tmp"
    older_pinfill = store.folder / f".{UID}-abc_ef12.tmp"
    foreign = store.folder / "letter.tmp"
    for path, age in ((left, 10), (being_written, 10), (older_pinfill, 1_000), (foreign, 1_000)):
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
    ReportStore(store.folder).load(MORGAN)
    assert set(store.folder.iterdir()) == {being_written, foreign}


@posix
def test_a_folder_open_to_others_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINFILL_DATA_DIR", str(tmp_path / "data"))
    reports = tmp_path / "data" / "reports"
    reports.mkdir(parents=True)
    for folder in (reports.parent, reports):
        folder.chmod(0o777)
    store = ReportStore()
    store.load(MORGAN)
    assert stat.S_IMODE(reports.stat().st_mode) == 0o700
    assert stat.S_IMODE(reports.parent.stat().st_mode) == 0o700
    assert store.open_to_others == ""


@posix
def test_a_folder_that_stays_open_to_others_is_told(
    store: ReportStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.prepare()
    store.folder.chmod(0o755)

    def refused(path: Path, mode: int) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)
    store.save(MORGAN, report_of("a"))
    assert store.open_to_others == "Operation not permitted"


def test_a_report_of_many_spans_is_read_and_drawn_in_one_pass() -> None:
    count = 16_000
    saved = {
        "format": "pinfill-report",
        "version": 2,
        "study_uid": UID,
        "patient": {"id": "PF-0042", "issuer": "", "name": "Morgan^Alex", "birth_date": "19610203"},
        "saved": "",
        "revision": 1,
        "text": f"a{GAP_CHAR}" * (count // 2),
        "spans": [
            {"length": 1, "origin": "typed", "pinned": True},
            {"length": 1, "origin": "generated", "pinned": False},
        ]
        * (count // 2),
        "gaps": [{"position": place, "tokens": None} for place in range(1, count, 2)],
    }
    data = json.dumps(saved).encode()
    began = time.process_time()
    report = decode(data, MORGAN)
    stretches = picture(report).stretches
    report.pin(0, count)
    report.insert(1, "b")
    assert time.process_time() - began < 2  # by spans times gaps it took half a minute
    assert [stretch.style for stretch in stretches[:2]] == [Style.TYPED, Style.GAP]
    assert len(stretches) == count
    assert len(report.gaps) == count // 2
