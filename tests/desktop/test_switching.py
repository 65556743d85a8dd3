"""Another study goes on screen whole or not at all, and nothing typed goes astray meanwhile."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from desktop import session as session_module
from desktop.main_window import MainWindow
from desktop.report import shelf as shelf_module
from desktop.report.model import Report
from desktop.report.recovery import RecoveryCopies
from desktop.report.store import ReportStore, StoreError
from desktop.studies.reading import Study, StudyError, read_study
from inference.protocol import Gap
from tests.desktop.bench import REPORT, Bench, press, shown
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save

NAMES = ("Ash^Ann", "Birch^Bo", "Cedar^Cy", "Dogwood^Di", "Elm^Ed")


def patients(folder: Path, **changes: Any) -> Path:
    """Files of five patients, one study each."""
    for number, name in enumerate(NAMES):
        save(
            folder / f"{number}.dcm",
            make_dataset(PatientName=name, PatientID=f"P{number}", **changes),
        )
    return folder


def assert_is_one_study(window: MainWindow) -> None:
    """Title, header, image and report are of the study that the session names."""
    study = window.session.study
    assert study is not None
    assert window.windowTitle().startswith(study.patient_name)
    assert window.report_pane._patient.full_text == study.patient_name
    assert window.viewport.study is study
    assert window.editor.report is window.session.report


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Files are read in the window's own process, and only while this is set."""
    go = threading.Event()
    go.set()

    def read(path: Path, _stop: threading.Event) -> Study:
        go.wait(20)
        return read_study(path)

    monkeypatch.setattr(session_module, "read_study", read)
    yield go
    go.set()


@on_qt_loop
async def test_steps_that_are_pressed_quickly_are_all_made(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        for _ in range(3):
            press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert window.session.index == 3
        assert_is_one_study(window)
        for keys in ("Alt+Left", "Alt+Left", "Alt+Right", "Alt+Right", "Alt+Right", "Alt+Right"):
            press(window.editor, keys)
        await until(lambda: not window.switching.moving)
        assert window.session.index == 4


@on_qt_loop
async def test_what_is_typed_or_pasted_on_the_way_is_refused_aloud(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window, editor = bench.window, bench.window.editor
        await bench.open(patients(tmp_path / "list"))
        QTest.keyClicks(editor, "Ann. ")
        QGuiApplication.clipboard().setText("of Birch")
        reading.clear()
        press(editor, "Alt+Right")
        for keys in ("x", "Ctrl+V", "Ctrl+Z", "Del", "Ctrl+G"):
            window.status.show_text("")
            press(editor, keys)
            told = ("another study is on its way", "Wait for the study to open")
            assert any(reason in window.status.text for reason in told), keys
        editor.paste()
        editor.undo()
        assert bench.report.text == "Ann. "
        reading.set()
        await until(lambda: not window.switching.moving)
        assert bench.report.text == ""
        press(editor, "Ctrl+V")
        assert bench.report.text == "of Birch"
        assert_is_one_study(window)


@on_qt_loop
async def test_a_step_while_others_are_opened_is_refused_aloud(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        reading.clear()
        window.open_paths([bench.study])
        press(window.editor, "Alt+Right")
        assert "Wait until the other studies are open" in window.status.text
        reading.set()
        await until(lambda: not window.switching.moving)
        assert window.session.paths == [bench.study]
        assert_is_one_study(window)


@on_qt_loop
async def test_escape_gives_a_move_up(tmp_path: Path, reading: threading.Event) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        reading.clear()
        press(window.editor, "Alt+Right")
        press(window.editor, "Alt+Right")
        await asyncio.sleep(0)
        press(window.editor, "Esc")
        await until(lambda: not window.switching.moving)
        assert window.session.index == 0
        QTest.keyClicks(window.editor, "Ann.")
        assert bench.report.text == "Ann."
        assert_is_one_study(window)
        reading.set()


@on_qt_loop
async def test_escape_ends_the_reading_that_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stops: list[threading.Event] = []

    def read(path: Path, stop: threading.Event) -> Study:
        if path.name == "1.dcm":
            stops.append(stop)
            stop.wait(8)
            raise StudyError("Reading was stopped.")
        return read_study(path)

    monkeypatch.setattr(session_module, "read_study", read)
    async with shown(tmp_path) as bench:
        await bench.open(patients(tmp_path / "list"))
        press(bench.window.editor, "Alt+Right")
        await until(lambda: stops)
        press(bench.window.editor, "Esc")
        await until(stops[0].is_set, seconds=5)
        assert_is_one_study(bench.window)


@on_qt_loop
async def test_undo_is_there_again_when_one_comes_back(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        bench.report.insert(0, "One.")
        bench.report.insert(4, " Two.")
        for keys in ("Alt+Right", "Alt+Left"):
            press(window.editor, keys)
            await until(lambda: not window.switching.moving)
        assert bench.report.text == "One. Two."
        press(window.editor, "Ctrl+Z")
        assert bench.report.text == "One."
        press(window.editor, "Ctrl+Shift+Z")
        assert bench.report.text == "One. Two."


@on_qt_loop
async def test_a_report_changed_elsewhere_meanwhile_is_read_anew(
    tmp_path: Path, fresh_settings: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        bench.report.insert(0, "One.")
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        (file,) = (fresh_settings / "reports").glob("*.json")
        file.write_bytes(file.read_bytes().replace(b"One.", b"Two."))
        press(window.editor, "Alt+Left")
        await until(lambda: not window.switching.moving)
        assert bench.report.text == "Two."


def nan_spacing(study: Study) -> Study:
    return replace(study, image=replace(study.image, pixel_spacing=(math.nan, 1.0)))


def no_pixel_size(study: Study) -> Study:
    return replace(study, image=replace(study.image, pixel_aspect=0.0))


def endless_values(study: Study) -> Study:
    return replace(study, image=replace(study.image, slope=math.inf, presets=()))


def impossible_age(study: Study) -> Study:
    return replace(study, age="oldY")


@on_qt_loop
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
async def test_a_study_that_cannot_be_shown_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: list[Callable[[Study], Study]] = []

    def read(path: Path, _stop: threading.Event) -> Study:
        study = read_study(path)
        return faults[-1](study) if path.name == "1.dcm" else study

    monkeypatch.setattr(session_module, "read_study", read)
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        QTest.keyClicks(window.editor, "Ann.")
        for fault in (nan_spacing, no_pixel_size, endless_values, impossible_age):
            faults.append(fault)
            window.banner.dismiss()
            window.switching.choose(1)
            await until(lambda: not window.switching.moving)
            assert "1.dcm cannot be shown" in bench.notice, fault
            assert window.session.index == 0
            assert bench.report.text == "Ann."
            assert_is_one_study(window)
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert window.session.index == 2
        assert_is_one_study(window)


def failing(real: Callable[[Any], None], goes_well: Callable[[object], bool]) -> Any:
    def show(what: object) -> None:
        if not goes_well(what):
            raise RuntimeError("it cannot be drawn")
        real(what)

    return show


@on_qt_loop
async def test_a_view_that_raises_has_everything_changed_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        QTest.keyClicks(window.editor, "Ann.")
        before = window.session.study, window.session.report
        for view, name in (
            (window.viewport, "set_study"),
            (window.editor, "set_report"),
            (window.report_pane, "show_study"),
        ):
            window.banner.dismiss()
            with monkeypatch.context() as patch:
                patch.setattr(view, name, failing(getattr(view, name), lambda what: what in before))
                window.switching.choose(1)
                await until(lambda: not window.switching.moving)
            assert "it cannot be drawn" in bench.notice, name
            assert bench.report.text == "Ann."
            assert_is_one_study(window)


@on_qt_loop
async def test_a_view_that_can_show_nothing_any_more_leaves_the_window_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        QTest.keyClicks(window.editor, "Ann.")
        pane = window.report_pane
        monkeypatch.setattr(pane, "show_study", failing(pane.show_study, lambda what: what is None))
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert window.session.study is None
        assert window.viewport.study is None
        assert window.windowTitle() == "Pinfill"
        assert bench.report.text == ""
        assert window.editor.report is window.session.report


@on_qt_loop
async def test_a_report_that_cannot_even_be_looked_for_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        QTest.keyClicks(window.editor, "Ann.")

        def fail(*_: object) -> None:
            raise RecursionError("too deep")

        monkeypatch.setattr(ReportStore, "load", fail)
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert "1.dcm was not opened" in bench.notice
        assert window.session.index == 0
        assert_is_one_study(window)


@on_qt_loop
async def test_saving_over_writes_only_the_study_s_own_file(
    tmp_path: Path, fresh_settings: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(patients(tmp_path / "list"))
        QTest.keyClicks(window.editor, "Ann.")
        bo = read_study(tmp_path / "list" / "1.dcm").identity
        file = ReportStore().path(bo)
        nested = b'{"format": "pinfill-report", "version": 2, "x": ' + b"[" * 5_000
        nested += b"]" * 5_000 + b"}"
        assert window.session.save()
        file.write_bytes(nested)
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert_is_one_study(window)
        QTest.keyClicks(window.editor, "Bo.")
        assert window.session.save(overwrite=True)
        assert b"Bo." in file.read_bytes()
        assert b"Ann." not in file.read_bytes()
        (aside,) = file.parent.glob("*.damaged-*")
        assert aside.read_bytes() == nested


@on_qt_loop
async def test_patients_of_one_study_number_keep_their_own_words(
    tmp_path: Path, reading: threading.Event
) -> None:
    folder = patients(tmp_path / "list", StudyInstanceUID="1.2.3")

    async def walk(bench: Bench, each: Callable[[int], None]) -> None:
        await bench.open(folder)
        for number in range(len(NAMES)):
            each(number)
            assert_is_one_study(bench.window)
            press(bench.window.editor, "Alt+Right")
            await until(lambda: not bench.window.switching.moving)

    async with shown(tmp_path) as bench:

        def write(number: int) -> None:
            assert bench.report.text == ""
            assert ("Another patient" in bench.notice) == (number > 0)
            QTest.keyClicks(bench.window.editor, NAMES[number])

        await walk(bench, write)
    async with shown(tmp_path) as bench:

        def read(number: int) -> None:
            assert bench.report.text == NAMES[number]
            assert bench.notice == ""

        await walk(bench, read)


@on_qt_loop
async def test_a_report_of_who_may_be_the_same_patient_is_taken_when_asked(
    tmp_path: Path, reading: threading.Event
) -> None:
    folder = tmp_path / "list"
    for number, name in enumerate(("Ash^Ann", "Birch^Ann")):
        save(
            folder / f"{number}.dcm",
            make_dataset(PatientName=name, PatientID="P1", StudyInstanceUID="1.2.3"),
        )
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(folder)
        QTest.keyClicks(window.editor, "Ann.")
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert bench.report.text == ""
        assert "kept for Ash, Ann (P1)" in bench.notice
        button = window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        button.click()
        assert bench.report.text == "Ann."
        assert_is_one_study(window)
        press(window.editor, "Ctrl+Z")
        assert bench.report.text == ""
    assert len(list(ReportStore().folder.glob("*.json"))) == 2


@on_qt_loop
async def test_files_without_a_patient_id_share_a_report_only_with_a_word(
    tmp_path: Path, reading: threading.Event
) -> None:
    folder = tmp_path / "list"
    for number in range(2):
        blank = make_dataset(PatientName="", PatientID="", StudyInstanceUID="1.2.3")
        save(folder / f"{number}.dcm", blank)
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(folder)
        assert bench.notice == ""
        QTest.keyClicks(window.editor, "Nobody.")
        press(window.editor, "Alt+Right")
        await until(lambda: not window.switching.moving)
        assert bench.report.text == "Nobody."
        assert "no patient ID" in bench.notice


@on_qt_loop
async def test_a_draft_goes_on_behind_another_study_and_is_offered_there_alone(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        client = await bench.worker()
        await bench.open(patients(tmp_path / "list"))
        await bench.ask("draft", client)
        await step(bench, "Alt+Right")
        assert window.commands["gap"].isEnabled()
        assert not window.commands["draft"].isEnabled()
        assert "still writes another report" in window.commands["draft"].toolTip()
        QTest.keyClicks(window.editor, "Bo.")
        client.draw(3, "Of Ann")
        client.fill(REPORT)
        await until(lambda: not window.drafting.busy)
        assert "Ash, Ann is ready" in window.status.text
        assert bench.report.text == "Bo."
        assert bench.notice == ""
        await step(bench, "Alt+Left")
        assert bench.report.text == ""
        assert "written for Ash, Ann" in bench.notice
        button = window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        button.click()
        assert bench.report.text == REPORT
        press(window.editor, "Ctrl+Z")
        assert bench.report.text == ""
        await step(bench, "Alt+Right")
        await step(bench, "Alt+Left")
        assert bench.notice == ""


@on_qt_loop
async def test_a_draft_plays_on_when_one_comes_back_before_its_end(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        client = await bench.worker()
        await bench.open(patients(tmp_path / "list"))
        await bench.ask("draft", client)
        await step(bench, "Alt+Right")
        await step(bench, "Alt+Left")
        assert window.editor.previewing
        client.fill(REPORT)
        await until(lambda: not window.drafting.busy)
        assert bench.report.text == REPORT
        await bench.ask("infill", client)
        await step(bench, "Alt+Right")
        press(window.editor, "Esc")
        await until(lambda: not window.drafting.busy)
        assert client.cancelled == 1
        await step(bench, "Alt+Left")
        assert bench.report.text == REPORT
        assert bench.notice == ""


@on_qt_loop
async def test_a_draft_that_came_too_late_for_its_report_is_told(
    tmp_path: Path, reading: threading.Event
) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        client = await bench.worker()
        await bench.open(patients(tmp_path / "list"))
        await bench.ask("draft", client)
        await step(bench, "Alt+Right")
        client.fill(REPORT)
        await until(lambda: not window.drafting.busy)
        await step(bench, "Alt+Left")
        QTest.keyClicks(window.editor, "Ann.")
        button = window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        button.click()
        assert bench.report.text == "Ann."
        assert "has changed since" in bench.notice


async def drafted_behind(bench: Bench) -> None:
    """A draft for the study on screen that ends behind the next one."""
    client = await bench.worker()
    await bench.ask("draft", client)
    await step(bench, "Alt+Right")
    gaps = sum(isinstance(piece, Gap) for piece in client.asked)
    client.fill(*[REPORT] * gaps)
    await until(lambda: not bench.window.drafting.busy)


@on_qt_loop
async def test_a_draft_waits_however_many_reports_are_left_behind_it(
    tmp_path: Path, reading: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf_module, "MOST_REPORTS", 1)
    async with shown(tmp_path) as bench:
        await bench.open(patients(tmp_path / "list"))
        await drafted_behind(bench)
        for keys in ("Alt+Right", "Alt+Right", "Alt+Left", "Alt+Left"):
            await step(bench, keys)
        assert bench.notice == ""
        await step(bench, "Alt+Left")
        assert "written for Ash, Ann" in bench.notice


@on_qt_loop
async def test_a_draft_for_a_report_that_another_window_has_changed_is_told(
    tmp_path: Path, reading: threading.Event
) -> None:
    store = ReportStore()
    async with shown(tmp_path, store=store) as bench:
        await bench.open(patients(tmp_path / "list"))
        assert bench.window.session.study is not None
        identity = bench.window.session.study.identity
        await drafted_behind(bench)
        other = Report()
        other.insert(0, "Another window's.")
        ReportStore().save(identity, other)
        await step(bench, "Alt+Left")
        assert bench.report.text == "Another window's."
        assert "What the model wrote for Ash, Ann cannot be taken" in bench.notice
        await step(bench, "Alt+Right")
        await step(bench, "Alt+Left")
        assert bench.notice == "", "once is enough"


@on_qt_loop
@pytest.mark.parametrize("close", ["closed", "ended"])
async def test_a_draft_that_nobody_took_outlives_the_window(
    tmp_path: Path, reading: threading.Event, close: str
) -> None:
    folder = patients(tmp_path / "list")
    async with shown(tmp_path) as bench:
        await bench.open(folder)
        QTest.keyClicks(bench.window.editor, "Typed.")
        await drafted_behind(bench)
        {"closed": bench.window.close, "ended": bench.window.end}[close]()
        assert not bench.window.isVisible()
    async with shown(tmp_path) as bench:
        await bench.open(folder)
        assert bench.report.text == "Typed."
        assert "were found" in bench.window.unsaved_mark.text
        bench.window.session.saving.restore()
        assert "Typed." in bench.report.text
        assert "The heart is large." in bench.report.text
        press(bench.window.editor, "Ctrl+Z")
        assert bench.report.text == "Typed."


@on_qt_loop
async def test_closing_is_held_once_where_a_draft_cannot_be_kept(
    tmp_path: Path, reading: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_: object) -> None:
        raise StoreError("No recovery copy could be written.", "the disk is full")

    monkeypatch.setattr(RecoveryCopies, "keep", keep)
    async with shown(tmp_path) as bench:
        await bench.open(patients(tmp_path / "list"))
        await drafted_behind(bench)
        bench.window.close()
        assert bench.window.isVisible()
        assert "Ash, Ann waits to be taken and cannot be kept (the disk is full)" in bench.notice
        bench.window.close()
        assert not bench.window.isVisible()


async def step(bench: Bench, keys: str) -> None:
    press(bench.window.editor, keys)
    await until(lambda: not bench.window.switching.moving)
