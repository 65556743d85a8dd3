"""The window with a worker that the tests play."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydicom.dataset import Dataset
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDialog,
    QFileDialog,
    QInputDialog,
    QMenu,
    QPushButton,
    QSpinBox,
    QToolButton,
    QWidget,
)

from desktop import actions
from desktop import saving as saving_module
from desktop import session as session_module
from desktop.report.model import Origin
from desktop.report.store import ReportStore
from desktop.settings import Settings
from desktop.studies import folders, isolation
from desktop.studies.datasets import open_header as open_real_header
from desktop.studies.listing import Listed
from desktop.studies.reading import find_studies as find_real_studies
from desktop.widgets.banner import Notice, NoticeKind
from desktop.widgets.status_line import DISCLAIMER
from desktop.widgets.wrapped_text import WrappedText
from desktop.worker_link import WorkerState
from inference.client import RequestFailed
from inference.protocol import Canvas, Fixed, Gap
from tests.desktop.bench import REPORT, press, shown
from tests.desktop.fake_worker import MODEL
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save
from tests.desktop.studies.faulty import faulty_reader


@on_qt_loop
async def test_without_a_study_the_window_says_what_to_do(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        for name in ("draft", "infill", "refill", "pin", "gap", "undo", "cancel", "copy", "fit"):
            assert not window.commands[name].isEnabled(), name
        assert "Open a study first" in window.commands["draft"].toolTip()
        assert window.commands["open"].isEnabled()
        assert window.status.text.startswith("Starting…")
        assert DISCLAIMER in window.status.text
        await until(lambda: bench.launcher.on_loading is not None)
        assert bench.launcher.on_loading is not None
        bench.launcher.on_loading("Starting PyTorch")
        assert window.status.text.startswith("Starting PyTorch…")


@on_qt_loop
async def test_opening_a_study_shows_its_image_and_names_its_patient(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        assert bench.window.viewport.study is bench.window.session.study
        assert "Morgan" in bench.window.windowTitle()
        assert bench.window.commands["draft"].isEnabled()
        assert not bench.window.study_bar.isVisible()
        assert Settings().recent == [bench.study]


@on_qt_loop
async def test_the_status_line_says_how_the_model_writes(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        status = bench.window.status
        assert "Canvas of 128 tokens, at most 48 steps" in status._model.toolTip()
        status.show_model(msgspec.structs.replace(MODEL, paradigm="autoregressive"))
        assert "from left to right, at most 48 tokens" in status._model.toolTip()
        status.show_canvas(Canvas("a", 1, 48, 1, 0.5, ()))
        assert "step 1 of 48 · 1 token · 0.5 s" in status.text


@on_qt_loop
async def test_a_draft_plays_as_a_preview_and_ends_as_one_edit(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        window = bench.window
        assert "fake-diffusion on cpu" in window.status.text
        await bench.ask("draft", client)
        assert client.asked == (Gap(),)
        assert client.image is not None
        assert client.context == "Chest radiograph, PA view. 63-year-old woman."
        shown_steps: list[int] = []
        window.drafting.progressed.connect(lambda canvas: shown_steps.append(canvas.step))
        client.draw(1, "FINDINGS:\nThe")
        await until(lambda: shown_steps)
        assert bench.report.text == ""
        assert "step 1 of 48 · 96 tokens" in window.status.text
        assert not window.commands["draft"].isEnabled()
        assert window.commands["cancel"].isEnabled()

        client.fill(REPORT)
        await until(lambda: not window.drafting.busy)
        assert bench.report.text == REPORT
        assert "9 steps · 96 tokens · 1.2 s" in window.status.text
        window.commands["undo"].trigger()
        assert bench.report.text == ""
        window.commands["redo"].trigger()
        assert bench.report.text == REPORT


@on_qt_loop
async def test_a_draft_asked_for_early_waits_for_the_worker(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.window.commands["draft"].trigger()
        await until(lambda: "Waits until the model is loaded" in bench.window.status.text)
        client = await bench.worker()
        await until(lambda: client.busy)
        assert "Asking the model" in bench.window.status.text
        client.fill(REPORT)
        await until(lambda: bench.report.text == REPORT)


@on_qt_loop
async def test_each_study_is_prepared_once_by_each_worker(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    save(folder / "1.dcm", make_dataset(ViewPosition="PA"))
    save(folder / "2.dcm", make_dataset(ViewPosition="AP"))
    async with shown(tmp_path) as bench:
        await bench.open(folder)
        first = await bench.worker()
        front = "Chest radiograph, PA view. 63-year-old woman."
        await until(lambda: first.prepared == [front])
        await bench.drafted(first)
        bench.window.commands["next"].trigger()
        await until(lambda: len(first.prepared) == 2)
        assert "AP view" in first.prepared[1]
        first.die()
        await until(lambda: bench.notice)
        bench.window.worker.restart()
        second = await bench.worker()
        await until(lambda: second.prepared == first.prepared[1:])


@on_qt_loop
async def test_pinned_words_stand_and_every_run_has_its_own_seed(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        start = REPORT.index("No pneumothorax.")
        end = start + len("No pneumothorax.")
        bench.window.editor.select(start, end)
        bench.window.commands["pin"].trigger()
        for heart in ("The heart is normal.", "The heart is enlarged."):
            await bench.ask("infill", client)
            pinned = [piece.text for piece in client.asked if isinstance(piece, Fixed)]
            assert any("No pneumothorax." in text for text in pinned)
            client.fill(heart, "As above.")
            await until(lambda: not bench.window.drafting.busy)
            assert f"{heart} No pneumothorax.\n\nIMPRESSION:\nAs above." in bench.report.text
        assert None not in client.seeds
        assert len(set(client.seeds)) == 3


@on_qt_loop
async def test_escape_cancels_and_leaves_the_report(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        before = bench.report.content
        await bench.ask("infill", client)
        client.draw(1, "Something else")
        press(bench.window.editor, "Esc")
        await until(lambda: not bench.window.drafting.busy)
        assert client.cancelled == 1
        assert bench.report.content == before
        assert "Cancelled" in bench.window.status.text
        assert bench.window.commands["infill"].isEnabled()


@on_qt_loop
async def test_escape_before_the_worker_is_ready_cancels_as_well(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.window.commands["draft"].trigger()
        bench.window.commands["cancel"].trigger()
        await until(lambda: not bench.window.drafting.busy)
        client = await bench.worker()
        assert not client.busy
        assert bench.report.text == ""


@on_qt_loop
async def test_no_notice_moves_the_image(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        window, viewport = bench.window, bench.window.viewport
        window.resize(1024, 700)
        for zoom in (1.0, 2.0):
            viewport.zoom_by(zoom)
            place, framing = viewport.geometry(), viewport.framing
            for text in ("Short.", "A notice of many words. " * 12):
                window.banner.show_notice(Notice(NoticeKind.ERROR, text, action=("Go", print)))
                QApplication.processEvents()
                banner = window.banner
                assert (viewport.geometry(), viewport.framing) == (place, framing)
                assert banner.width() == viewport.width()
                assert banner.mapTo(window, QPoint()) == viewport.mapTo(window, QPoint())
                assert banner.height() >= banner.heightForWidth(banner.width())
                window.resize(window.width() + 10, 700)
                QApplication.processEvents()
                assert banner.width() == viewport.width()
                place, framing = viewport.geometry(), viewport.framing
            window.banner.dismiss()
            QApplication.processEvents()
            assert (viewport.geometry(), viewport.framing) == (place, framing)


@on_qt_loop
async def test_the_key_of_a_refused_command_says_why(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        window = bench.window
        await until(window.isActiveWindow)
        window.editor.setFocus()
        press(window.editor, "Alt+Down")
        assert "No candidates here" in window.status.text
        press(window.editor, "Ctrl+R")
        assert "Select some of the report first" in window.status.text
        await bench.ask("draft", client)
        press(window.editor, "Ctrl+D")
        assert "Wait for the model" in window.status.text
        press(window.editor, "Ctrl+K")
        field = window.ask_bar.field
        assert field.hasFocus()
        QTest.keyClicks(field, "Is it large?")
        press(field, "Return")
        assert "Wait for the model" in window.status.text
        assert field.text() == "Is it large?"
        press(field, "Esc")
        window.commands["cancel"].trigger()
        assert "Cancelling" in window.status.text


@on_qt_loop
async def test_what_was_said_of_a_text_goes_with_it(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        window = bench.window
        await bench.drafted(client)
        assert "9 steps" in window.status.text
        bench.report.pin(0, 5)
        assert "9 steps" in window.status.text
        QTest.keyClicks(window.editor, "x")
        assert "9 steps" not in window.status.text
        await bench.ask("infill", client)
        gaps = sum(isinstance(piece, Gap) for piece in client.asked)
        client.fill(*["small small small heart"] * gaps, faults=("stutter",))
        await until(lambda: not window.drafting.busy)
        assert "clashes" in bench.notice
        window.commands["copy"].trigger()
        assert window.leaving.dialog is not None
        window.leaving.dialog.go_on.click()
        assert "copied" in window.status.text
        window.commands["undo"].trigger()
        assert bench.notice == ""
        assert "copied" not in window.status.text
        window.commands["redo"].trigger()
        assert bench.notice == ""


@on_qt_loop
async def test_a_refusal_is_told_in_the_banner(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        await bench.ask("infill", client)
        client.refuse("The pinned text is longer than the canvas: unpin some of it.")
        await until(lambda: not bench.window.drafting.busy)
        assert bench.notice == "The pinned text is longer than the canvas: unpin some of it."
        assert bench.window.banner.isVisible()
        assert bench.report.text == REPORT
        await bench.ask("infill", client)
        assert bench.notice == ""


@on_qt_loop
async def test_what_was_said_of_one_report_is_not_said_of_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    for number in range(2):
        save(folder / f"{number}.dcm")
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open(folder)
        await bench.ask("draft", client)
        client.refuse("The pinned text is longer than the canvas: unpin some of it.")
        await until(lambda: bench.notice)
        bench.window.commands["next"].trigger()
        await until(lambda: bench.window.session.index == 1)
        assert bench.notice == ""


@on_qt_loop
async def test_death_in_mid_canvas_is_told_and_a_click_restarts(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        before = bench.report.content
        await bench.ask("infill", client)
        client.draw(5, "Half a sent")
        client.die("The worker was killed by SIGKILL.")
        await until(lambda: bench.notice)
        await until(lambda: not bench.window.drafting.busy)
        assert "The worker was killed by SIGKILL." in bench.notice
        assert "report is untouched" in bench.notice
        assert bench.report.content == before
        assert "Worker stopped" in bench.window.status.text
        assert not bench.window.commands["infill"].isEnabled()
        assert "restart" in bench.window.commands["infill"].toolTip()

        button = bench.window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        second = await bench.worker()
        assert bench.notice == ""
        await bench.infilled(second)


@on_qt_loop
async def test_silence_in_mid_canvas_is_told_until_the_worker_answers(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        before = bench.report.content
        await bench.ask("infill", client)
        client.draw(5, "Half a sent")
        client.answer(False)
        assert "The worker does not answer" in bench.notice
        assert "report is untouched" in bench.notice
        assert "Does not answer" in bench.window.status.text
        client.answer(True)
        assert bench.notice == ""

        client.answer(False)
        bench.window.commands["cancel"].trigger()
        await until(lambda: not bench.window.drafting.busy)
        assert bench.report.content == before
        assert "does not answer" in bench.window.commands["infill"].toolTip()
        assert not bench.window.commands["infill"].isEnabled()

        button = bench.window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        second = await bench.worker()
        assert bench.notice == ""
        await bench.infilled(second)


@on_qt_loop
async def test_a_worker_that_hangs_in_a_job_can_be_restarted(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        before = bench.report.content
        await bench.ask("infill", client)
        bench.window.commands["restart"].trigger()
        second = await bench.worker()
        assert client.closed
        assert not bench.window.drafting.busy
        assert bench.report.content == before
        assert bench.notice == ""
        await bench.infilled(second)


@on_qt_loop
async def test_a_worker_that_hangs_while_it_loads_can_be_restarted(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        await until(lambda: bench.launcher.starts)
        bench.window.commands["restart"].trigger()
        await until(lambda: len(bench.launcher.starts) == 2)
        assert bench.launcher.starts[0].cancelled()
        client = await bench.worker()
        await bench.drafted(client)
        assert bench.report.text == REPORT


@on_qt_loop
async def test_until_a_worker_has_stopped_there_is_no_job_and_no_second_one(
    tmp_path: Path,
) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        window = bench.window
        await bench.open()
        await bench.drafted(client)
        client.closing.clear()  # as a process that does not react
        for _ in range(2):
            window.worker.restart()
        await until(lambda: window.link.state is not WorkerState.READY)
        assert "Stopping the worker" in window.status.text
        press(window.editor, "Ctrl+Return")
        window.commands["restart"].trigger()
        window.worker.restart()
        for _ in range(20):
            await asyncio.sleep(0)
        assert not window.commands["infill"].isEnabled()
        assert not window.drafting.busy
        assert bench.notice == ""
        client.closing.set()
        second = await bench.worker()
        assert client.closed
        await bench.infilled(second)
        assert len(bench.launcher.starts) == 2
        window.commands["restart"].trigger()  # a third may still follow
        await until(lambda: second.closed)
        await bench.worker()


@on_qt_loop
async def test_a_window_closed_during_a_restart_waits_for_the_worker_to_go(
    tmp_path: Path,
) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        client.closing.clear()
        bench.window.commands["restart"].trigger()
        await until(lambda: bench.window.link.state is not WorkerState.READY)
        bench.window.close()
        ending = asyncio.create_task(bench.window.shut_down())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not ending.done()
        client.closing.set()
        await ending
        assert client.closed
        assert len(bench.launcher.starts) == 1


@on_qt_loop
async def test_a_checkpoint_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.window.commands["draft"].trigger()
        await until(lambda: bench.launcher.starts)
        bench.launcher.fail(RequestFailed("checkpoint", "There is no checkpoint in /x."))
        await until(lambda: bench.notice)
        await until(lambda: not bench.window.drafting.busy)
        assert bench.notice.startswith("There is no checkpoint in /x.")
        assert bench.window.commands["restart"].isEnabled()


@on_qt_loop
async def test_what_a_folder_search_passed_over_is_said_and_no_fault(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        (bench.study.parent / "notes.txt").write_text("no image")
        await bench.open(bench.study.parent)
        assert "1 file was passed over: 1 file that is no DICOM." in bench.window.status.text
        assert bench.notice == ""


@on_qt_loop
async def test_nothing_to_fill_is_a_note_and_not_an_error(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        bench.window.commands["infill"].trigger()
        await until(lambda: bench.notice)
        assert "press Draft" in bench.notice
        assert bench.window.banner.notice is not None
        assert bench.window.banner.notice.kind is NoticeKind.INFO
        assert not client.busy


@on_qt_loop
async def test_a_bad_file_is_told_and_the_open_study_stays(tmp_path: Path) -> None:
    bad = tmp_path / "letter.txt"
    bad.write_text("Dear colleague")
    async with shown(tmp_path) as bench:
        await bench.open()
        study = bench.window.session.study
        bench.window.open_paths([bad])
        await until(lambda: bench.notice)
        assert "letter.txt" in bench.notice
        assert bench.window.session.study is study
        assert bench.window.commands["draft"].isEnabled()
        press(bench.window.editor, "Esc")
        assert not bench.window.banner.isVisible()
        bench.window.open_paths([bad])
        await until(lambda: bench.notice)
        press(bench.window.viewport, "Esc")
        assert not bench.window.banner.isVisible()
        bench.window.open_paths([bad])
        await until(lambda: bench.notice)
        dismiss = bench.window.banner.findChild(QToolButton, "bannerDismiss")
        assert isinstance(dismiss, QToolButton)
        QTest.mouseClick(dismiss, Qt.MouseButton.LeftButton)
        assert not bench.window.banner.isVisible()


@on_qt_loop
async def test_a_file_that_crashes_its_decoder_is_told_and_the_next_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = faulty_reader(seconds=20)
    monkeypatch.setattr(isolation, "_shared", reader)
    for name in ("crash", "good"):
        save(tmp_path / "disc" / f"{name}.dcm", make_dataset(PatientName=name))
    try:
        async with shown(tmp_path) as bench:
            await bench.open(tmp_path / "disc")
            assert bench.window.windowTitle().startswith("good")
            assert [path.stem for path in bench.window.session.paths] == ["good"]
            assert "crash.dcm made the process that decodes it crash" in bench.notice
    finally:
        reader.close()


@on_qt_loop
async def test_the_report_is_kept_and_comes_back_as_it_was(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        bench.window.editor.select(10, 19)
        bench.window.commands["pin"].trigger()
        bench.report.insert_gap(len(REPORT), 12)
        bench.report.insert(len(REPORT), " Typed.")
        content = bench.report.content
        saved: list[bool] = []
        bench.window.session.saved.connect(lambda: saved.append(True))
        await until(lambda: saved)
    async with shown(tmp_path) as bench:
        await bench.open()
        assert bench.report.content == content
        assert {span.origin for span in bench.report.spans} >= {
            Origin.TEMPLATE,
            Origin.GENERATED,
            Origin.TYPED,
        }


@on_qt_loop
async def test_closing_saves_what_the_timer_has_not(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.report.insert(0, "FINDINGS:\nTyped a moment ago.")
        bench.window.close()
    async with shown(tmp_path) as bench:
        await bench.open()
        assert bench.report.text == "FINDINGS:\nTyped a moment ago."


@on_qt_loop
async def test_a_damaged_report_is_told_and_kept_aside(
    tmp_path: Path, fresh_settings: Path
) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.report.insert(0, "Typed.")
    (file,) = (fresh_settings / "reports").glob("*.json")
    file.write_bytes(file.read_bytes()[:-20])
    async with shown(tmp_path) as bench:
        await bench.open()
        await until(lambda: bench.notice)
        assert "damaged" in bench.notice
        assert bench.report.text == ""
    assert list(file.parent.glob("*.damaged-*"))


@on_qt_loop
async def test_a_report_changed_elsewhere_is_saved_over_only_when_asked(
    tmp_path: Path, fresh_settings: Path
) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.report.insert(0, "One.")
        assert bench.window.session.save()
        (file,) = (fresh_settings / "reports").glob("*.json")
        theirs = file.read_bytes().replace(b"One.", b"Two.")
        file.write_bytes(theirs)
        bench.report.insert(0, "Mine. ")
        assert not bench.window.session.save()
        assert file.read_bytes() == theirs
        button = bench.window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        assert button.text() == "Save over it"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert b"Mine. One." in file.read_bytes()
        assert [kept.read_bytes() for kept in file.parent.glob("*.replaced-*")] == [theirs]


@on_qt_loop
async def test_a_report_that_cannot_be_saved_holds_the_window_once(tmp_path: Path) -> None:
    blocked = tmp_path / "reports"
    blocked.write_text("a file where the folder should be")
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        bench.window.open_paths([bench.study])
        await until(lambda: bench.window.session.study is not None)
        bench.report.insert(0, "Typed.")
        bench.window.close()
        assert bench.window.isVisible()
        assert "could not be" in bench.notice
        assert "Closing once more leaves" in bench.notice
        bench.window.close()
        assert not bench.window.isVisible()


@on_qt_loop
async def test_the_window_is_held_anew_after_a_save_that_went_well(tmp_path: Path) -> None:
    folder = tmp_path / "reports"
    folder.write_text("a file where the folder should be")
    async with shown(tmp_path, store=ReportStore(folder)) as bench:
        await bench.open()
        bench.report.insert(0, "Typed.")
        bench.window.close()
        folder.unlink()
        assert bench.window.session.save()
        shutil.rmtree(folder)
        folder.write_text("once more")
        bench.report.insert(0, "More. ")
        bench.window.close()
        assert bench.window.isVisible()


@on_qt_loop
async def test_a_conflict_is_told_at_each_move_and_each_close_until_it_is_settled(
    tmp_path: Path, fresh_settings: Path
) -> None:
    folder = tmp_path / "list"
    for number in range(2):
        save(folder / f"{number}.dcm")
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(folder)
        bench.report.insert(0, "One.")
        assert window.session.save()
        (file,) = (fresh_settings / "reports").glob("*.json")
        file.write_bytes(file.read_bytes().replace(b"One.", b"Two."))
        QTest.keyClicks(window.editor, "Mine. ")
        await until(lambda: window.unsaved_mark.text)
        assert bench.notice == ""  # nothing was asked for, and the mark says it
        conflict = str(window.session.unsaved)
        assert "Save over it" in conflict

        for leave in ("next", "open"):
            window.banner.dismiss()
            if leave == "next":
                press(window.editor, "Alt+Right")
            else:
                window.open_paths([bench.study])
            await until(lambda: bench.notice == conflict)
            await until(lambda: not window.switching.moving)
            assert window.session.index == 0

        bad = tmp_path / "letter.txt"
        bad.write_text("Dear colleague")
        window.open_paths([bad])
        await until(lambda: "letter.txt" in bench.notice)
        window.close()
        assert window.isVisible()
        assert (
            bench.notice
            == f"{conflict} Closing once more leaves what is not saved in the recovery copy."
        )
        button = window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        assert b"Mine. " in file.read_bytes()
        assert bench.notice == ""
        press(window.editor, "Alt+Right")
        await until(lambda: window.session.index == 1)


@on_qt_loop
async def test_a_warning_of_loss_counts_only_while_it_is_there(tmp_path: Path) -> None:
    blocked = tmp_path / "reports"
    blocked.write_text("a file where the folder should be")
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        window = bench.window
        await bench.open()
        await until(lambda: bench.notice)  # the report could not be read either
        bench.report.insert(0, "Typed.")
        for _ in range(2):
            window.close()
            assert window.isVisible()
            assert "Closing once more leaves" in bench.notice
            window.banner.dismiss()
        window.close()
        window.notices.show_fault(RuntimeError("something else"))
        window.close()
        assert window.isVisible()
        assert "something else" not in bench.notice
        assert bench.notice.count("Closing once more leaves") == 1
        window.close()
        assert not window.isVisible()


@on_qt_loop
async def test_a_save_that_fails_unasked_is_told_by_the_mark_alone_until_it_goes_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving_module, "RETRY_DELAY_MS", 30)
    blocked = tmp_path / "reports"
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        blocked.write_text("a file where the folder should be")
        told: list[object] = []
        bench.window.session.failed.connect(told.append)
        tries: list[None] = []
        bench.window.session.saving.changed.connect(lambda: tries.append(None))
        QTest.keyClicks(bench.window.editor, "Typed.")
        await until(lambda: "Not saved" in bench.window.unsaved_mark.text)
        await until(lambda: len(tries) > 2)
        assert (told, bench.notice) == ([], "")
        assert not bench.window.session.save()
        assert "could not be" in bench.notice  # who asks is told
        blocked.unlink()
        await until(lambda: bench.notice == "")
        assert bench.window.unsaved_mark.text == ""
        assert [b"Typed." in file.read_bytes() for file in blocked.iterdir()] == [True]


@dataclass
class Archive:
    """A folder of 20 studies, whose search stands still at the first until it is let go."""

    folder: Path
    looked_at: list[Path]
    let_go: threading.Event
    ended: threading.Event


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    archive = Archive(tmp_path / "archive", [], threading.Event(), threading.Event())
    for number in range(20):
        save(archive.folder / f"{number}.dcm")

    def open_header(path: Path) -> Dataset:
        if path.parent == archive.folder:
            archive.looked_at.append(path)
            archive.let_go.wait(20)
        return open_real_header(path)

    def find_studies(*arguments: Any) -> object:
        try:
            return find_real_studies(*arguments[:2])
        finally:
            if archive.looked_at:
                archive.ended.set()

    monkeypatch.setattr(folders, "open_header", open_header)
    monkeypatch.setattr(session_module, "find_studies", find_studies)
    yield archive
    archive.let_go.set()


@on_qt_loop
async def test_a_long_listing_is_told_and_escape_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = threading.Event()

    def find_studies(_: object, stop: threading.Event, listed: Listed) -> object:
        listed(Path("scans"), 1200)
        stop.wait(20)
        ended.set()
        return [], []

    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open()
        monkeypatch.setattr(session_module, "find_studies", find_studies)
        window.open_paths([tmp_path])
        await until(lambda: "Listing scans: 1,200 so far… · Esc cancels" in window.status.text)
        press(window.editor, "Esc")
        await until(window.commands["gap"].isEnabled)
        assert "nothing was opened" in window.status.text
        await until(ended.is_set)


@on_qt_loop
async def test_escape_stops_the_search_of_a_large_folder(tmp_path: Path, archive: Archive) -> None:
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open()
        study = window.session.study
        window.open_paths([archive.folder])
        await until(lambda: archive.looked_at)
        assert "Looking for studies… · Esc cancels" in window.status.text
        press(window.editor, "Esc")
        await until(window.commands["gap"].isEnabled)
        assert "Looking" not in window.status.text
        assert "nothing was opened" in window.status.text
        archive.let_go.set()
        await until(archive.ended.is_set)
        assert len(archive.looked_at) == 1
        assert window.session.study is study
        assert window.session.paths == [bench.study]
        assert Settings().recent == [bench.study]
        assert bench.notice == ""

        window.open_paths([archive.folder])
        await until(lambda: len(window.session.paths) == 20)
        await until(lambda: "Looking" not in window.status.text)
        assert not window.commands["cancel"].isEnabled()


@on_qt_loop
async def test_closing_the_window_stops_the_search(tmp_path: Path, archive: Archive) -> None:
    async with shown(tmp_path) as bench:
        bench.window.open_paths([archive.folder])
        await until(lambda: archive.looked_at)
        bench.window.close()
        await bench.window.shut_down()
        archive.let_go.set()
        await until(archive.ended.is_set)
        assert len(archive.looked_at) == 1


@on_qt_loop
async def test_a_place_in_the_list_chosen_while_another_list_opens_is_passed_over(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "list"
    for number in range(3):
        save(folder / f"{number}.dcm")
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(folder)
        await until(lambda: not window.switching.moving)
        window.open_paths([bench.study])
        await until(lambda: window.switching.moving)
        choice = window.study_bar.findChild(QComboBox)
        assert isinstance(choice, QComboBox)
        choice.setCurrentIndex(2)
        choice.activated.emit(2)
        assert choice.currentIndex() == 0
        await until(lambda: not window.switching.moving)
        assert window.session.paths == [bench.study]
        assert bench.notice == ""


@on_qt_loop
async def test_a_wheel_or_a_stray_key_changes_no_patient(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    for number in range(3):
        save(folder / f"{number}.dcm")
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(folder)
        await until(lambda: not window.switching.moving)
        choice = window.study_bar.findChild(QComboBox)
        assert isinstance(choice, QComboBox)
        notch = QWheelEvent(
            QPointF(choice.rect().center()),
            QPointF(choice.mapToGlobal(choice.rect().center())),
            QPoint(),
            QPoint(0, -120),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QGuiApplication.sendEvent(choice, notch)
        assert choice.currentIndex() == 0
        window.viewport.setFocus()
        QTest.mouseClick(choice, Qt.MouseButton.LeftButton)
        choice.hidePopup()
        assert not choice.hasFocus()
        assert window.session.index == 0


@on_qt_loop
async def test_a_patient_without_a_name_is_called_by_the_number(tmp_path: Path) -> None:
    save(tmp_path / "chest.dcm", make_dataset(PatientName="", PatientID="P-7"))
    async with shown(tmp_path) as bench:
        await bench.open()
        assert bench.window.windowTitle() == "P-7 — Pinfill"


@on_qt_loop
async def test_a_long_name_gives_way_and_is_told_whole(tmp_path: Path) -> None:
    name = " ".join(["Wilhelmina"] * 12)
    save(tmp_path / "chest.dcm", make_dataset(PatientName=f"Oak^{name}"))
    async with shown(tmp_path) as bench:
        await bench.open()
        label = bench.window.findChild(WrappedText, "patientLine")
        assert isinstance(label, WrappedText)
        await until(lambda: label.toPlainText().endswith("…"))
        assert label.accessibleName() == f"Oak, {name}"


@on_qt_loop
async def test_moving_among_studies_keeps_each_report(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    for number, name in enumerate(("Ash^Ann", "Birch^Bo", "Cedar^Cy")):
        save(folder / f"{number}.dcm", make_dataset(PatientName=name))
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        window = bench.window
        await bench.open(folder)
        assert window.study_bar.isVisible()
        assert window.focusWidget() is window.viewport
        assert not window.commands["previous"].isEnabled()
        await bench.drafted(client)
        await bench.ask("infill", client)
        press(window.editor, "Alt+Right")
        await until(lambda: window.session.index == 1)
        assert bench.report.text == ""
        assert "Birch, Bo" in window.windowTitle()
        bench.report.insert(0, "Second.")

        choice = window.study_bar.findChild(QComboBox)
        assert isinstance(choice, QComboBox)
        assert [choice.itemText(i).split(" · ")[0] for i in range(3)] == [
            "Ash, Ann",
            "Birch, Bo",
            "2.dcm",
        ]
        window.commands["next"].trigger()
        await until(lambda: window.session.index == 2)
        assert not window.commands["next"].isEnabled()
        choice.activated.emit(0)
        await until(lambda: window.session.index == 0)
        assert bench.report.text == REPORT
        window.commands["next"].trigger()
        await until(lambda: window.session.index == 1)
        assert bench.report.text == "Second."


@on_qt_loop
async def test_an_unreadable_study_is_told_once_and_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    for number in range(3):
        save(folder / f"{number}.dcm")
    broken = folder / "1.dcm"
    broken.write_bytes(broken.read_bytes()[:-2000])
    async with shown(tmp_path) as bench:
        window = bench.window
        await bench.open(folder)
        window.commands["next"].trigger()
        await until(lambda: bench.notice)
        assert "1.dcm" in bench.notice
        assert window.session.index == 0
        await until(window.commands["next"].isEnabled)
        window.commands["next"].trigger()
        await until(lambda: window.session.index == 2)
        window.commands["previous"].trigger()
        await until(lambda: window.session.index == 0)


@on_qt_loop
async def test_the_presets_of_the_file_are_in_a_menu(tmp_path: Path) -> None:
    save(tmp_path / "chest.dcm", make_dataset(WindowCenter=[2048, 600], WindowWidth=[4096, 800]))
    async with shown(tmp_path) as bench:
        await bench.open()
        viewport = bench.window.viewport
        menu = next(m for m in bench.window.findChildren(QMenu) if "Presets" in m.title())
        menu.aboutToShow.emit()
        menu.actions()[1].trigger()
        assert viewport.window_level is not None
        assert (viewport.window_level.center, viewport.window_level.width) == (600, 800)
        bench.window.commands["reset_window"].trigger()
        assert (viewport.window_level.center, viewport.window_level.width) == (2048, 4096)


@on_qt_loop
async def test_two_images_of_one_study_share_the_report_and_its_history(tmp_path: Path) -> None:
    folder = tmp_path / "two"
    save(folder / "1.dcm", make_dataset(StudyInstanceUID="1.2.3", ViewPosition="PA"))
    save(folder / "2.dcm", make_dataset(StudyInstanceUID="1.2.3", ViewPosition="LL"))
    async with shown(tmp_path) as bench:
        await bench.open(folder)
        bench.report.insert(0, "One report.")
        bench.window.commands["next"].trigger()
        await until(lambda: bench.window.session.index == 1)
        assert bench.report.text == "One report."
        bench.window.commands["undo"].trigger()
        assert bench.report.text == ""


@on_qt_loop
async def test_the_theme_is_changed_and_remembered(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        assert bench.window.commands["dark"].isChecked()
        dark = bench.window.grab().toImage().pixelColor(4, 4).lightness()
        bench.window.commands["light"].trigger()
        light = bench.window.grab().toImage().pixelColor(4, 4).lightness()
        assert dark < 40 < 200 < light
    assert Settings().theme == "light"
    async with shown(tmp_path) as bench:
        assert bench.window.commands["light"].isChecked()
        bench.window.commands["dark"].trigger()


@on_qt_loop
async def test_keys_move_the_focus_between_image_and_report(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.window.activateWindow()
        window = bench.window
        press(window, "Ctrl+1")
        await until(window.viewport.hasFocus)
        press(window.viewport, "F6")
        await until(window.editor.hasFocus)
        press(window.editor, "F6")
        await until(window.viewport.hasFocus)
        press(window.viewport, "Ctrl+2")
        await until(window.editor.hasFocus)


@on_qt_loop
async def test_tab_leads_from_the_image_by_badge_and_question_to_the_report(
    tmp_path: Path,
) -> None:
    save(tmp_path / "chest.dcm", make_dataset(BurnedInAnnotation="YES"))
    async with shown(tmp_path) as bench:
        await bench.open()
        window = bench.window
        window.activateWindow()
        window.viewport.setFocus()
        await until(window.viewport.hasFocus)
        QTest.keyClick(window.viewport, Qt.Key.Key_Tab)
        assert window.viewport.badge.hasFocus()
        QTest.keyClick(window.viewport.badge, Qt.Key.Key_Space)
        assert window.viewport.badge.panel.isVisible()
        QTest.keyClick(window.viewport.badge, Qt.Key.Key_Tab)
        assert window.ask_bar.field.hasFocus()
        QTest.keyClicks(window.ask_bar.field, "Is it?")
        QTest.keyClick(window.ask_bar.field, Qt.Key.Key_Tab)
        QTest.keyClick(window.ask_bar.button, Qt.Key.Key_Tab)
        assert window.editor.hasFocus()


@on_qt_loop
async def test_the_report_is_copied_as_plain_text(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.report.insert(0, "The heart is ")
        bench.report.insert_gap(len("The heart is "))
        bench.window.commands["copy"].trigger()
        assert bench.window.leaving.dialog is not None, "the gap is told first"
        bench.window.leaving.dialog.go_on.click()
        assert QGuiApplication.clipboard().text() == "The heart is "


@on_qt_loop
async def test_help_pages_do_not_block(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        for name in ("shortcuts", "about"):
            bench.window.commands[name].trigger()
            dialog = bench.window.findChild(QDialog)
            assert isinstance(dialog, QDialog)
            assert dialog.isVisible()
            dialog.close()
            await until(lambda: bench.window.findChild(QDialog) is None)


@on_qt_loop
async def test_the_recent_menu_opens_what_was_opened(tmp_path: Path) -> None:
    other = save(tmp_path / "other.dcm", make_dataset(PatientName="Elm^Eve"))
    async with shown(tmp_path) as bench:
        menu = next(m for m in bench.window.findChildren(QMenu) if "Recent" in m.title())
        menu.aboutToShow.emit()
        assert [action.isEnabled() for action in menu.actions()] == [False]
        await bench.open(other)
        await bench.open(bench.study)
        await until(lambda: "Morgan" in bench.window.windowTitle())
        menu.aboutToShow.emit()
        assert [action.text() for action in menu.actions()[:2]] == [str(bench.study), str(other)]
        menu.actions()[1].trigger()
        await until(lambda: "Elm" in bench.window.windowTitle())
        menu.actions()[-1].trigger()
        assert Settings().recent == []


@on_qt_loop
async def test_a_gap_of_given_length_is_asked_for_and_sent(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        QTest.keyClicks(bench.window.editor, "Heart ")
        bench.window.commands["gap_of_length"].trigger()
        dialog = bench.window.findChild(QInputDialog)
        assert isinstance(dialog, QInputDialog)
        field = dialog.findChild(QSpinBox)
        assert isinstance(field, QSpinBox)
        field.selectAll()
        QTest.keyClicks(field, "7")
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert [gap.tokens for gap in bench.report.gaps] == [7]
        await bench.ask("infill", client)
        assert client.asked == (Fixed("Heart "), Gap(7))
        client.fill("of normal size.")
        await until(lambda: bench.report.text == "Heart of normal size.")


@on_qt_loop
async def test_a_chosen_file_is_opened_without_blocking(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        bench.window.commands["open"].trigger()
        dialog = bench.window.findChild(QFileDialog)
        assert isinstance(dialog, QFileDialog)
        dialog.filesSelected.emit([str(bench.study)])
        dialog.reject()
        await until(lambda: bench.window.session.study is not None)


@on_qt_loop
async def test_a_dropped_file_is_opened(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(bench.study))])
        where, buttons = QPointF(700, 300), Qt.MouseButton.LeftButton
        bench.window.dropEvent(
            QDropEvent(
                where,
                Qt.DropAction.CopyAction,
                data,
                buttons,
                Qt.KeyboardModifier.NoModifier,
            )
        )
        await until(lambda: bench.window.session.study is not None)


@on_qt_loop
async def test_everything_that_takes_the_focus_has_a_name(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        for widget in bench.window.findChildren(QWidget):
            if widget.focusPolicy() == Qt.FocusPolicy.NoFocus or not widget.isVisible():
                continue
            named = widget.accessibleName() or (
                isinstance(widget, QAbstractButton) and widget.text()
            )
            assert named, (type(widget).__name__, widget.objectName())


@on_qt_loop
async def test_every_command_is_in_a_menu_and_says_what_it_does(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        listed = {
            action.objectName()
            for menu in bench.window.menuBar().actions()
            for action in menu.menu().actions()  # type: ignore[attr-defined]
        }
        for command in actions.commands():
            assert command.name in listed
            assert command.tip


def test_settings_keep_the_latest_paths_first(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.ini")
    for number in range(10):
        settings.remember(tmp_path / str(number))
    settings.remember(tmp_path / "5")
    assert [path.name for path in settings.recent] == ["5", "9", "8", "7", "6", "4", "3", "2"]
    settings.forget_recent()
    assert settings.recent == []


@pytest.mark.parametrize("kept", ["purple", "", "dark"])
def test_an_unknown_theme_is_the_dark_one(tmp_path: Path, kept: str) -> None:
    file = tmp_path / "settings.ini"
    file.write_text(f"[window]\ntheme={kept}\n")
    assert Settings(file).theme == "dark"


@on_qt_loop
async def test_one_key_writes_the_impression_from_the_findings(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        before = bench.report.content
        press(bench.window.editor, "Ctrl+I")
        await until(lambda: client.busy)
        held = REPORT.removesuffix("Cardiomegaly.")
        assert client.asked == (Fixed(held), Gap(hint="Cardiomegaly."))
        client.fill("Large heart.")
        await until(lambda: not bench.window.drafting.busy)
        assert bench.report.text == f"{held}Large heart."
        press(bench.window.editor, "Ctrl+Z")
        assert bench.report.content == before
