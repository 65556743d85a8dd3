"""Diffusion beside autoregression: both bundled checkpoints, real workers, keys and mouse."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QRadioButton, QToolButton, QWidget

import resources
from desktop.app import build_window
from desktop.compare import blind
from desktop.compare.comparing import Comparing
from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.report.model import Origin
from tests.desktop.qt_loop import on_qt_loop, until

LOADING_SECONDS = 90
WRITING_SECONDS = 90


def press(widget: QWidget, keys: str) -> None:
    QTest.keySequence(widget, QKeySequence(keys))


def click(comparing: Comparing, name: str) -> None:
    button = comparing.window.findChild(QToolButton, f"{name}Button")
    assert isinstance(button, QToolButton)
    assert button.isEnabled(), button.toolTip()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def told(comparing: Comparing) -> str:
    notice = comparing.window.banner.notice
    return f"{comparing.window.hint.full_text}; {notice.text if notice else ''}"


async def compared(comparing: Comparing) -> None:
    """Wait for the end of the run that was just asked for."""
    assert comparing.busy, told(comparing)
    await until(
        lambda: not comparing.busy,
        seconds=LOADING_SECONDS + WRITING_SECONDS,
        what=lambda: told(comparing),
    )


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[MainWindow, Comparing]]:
    """The main window on a bundled study with a typed, pinned beginning; the other one open."""
    window = build_window(ModelChoice(resources.demo_checkpoint()))
    window.link.start()
    window.show()
    try:
        window.open_paths([resources.demo_studies()[0]])
        await until(lambda: window.session.study is not None, what=lambda: window.status.text)
        await until(lambda: window.link.state.value == "ready", seconds=LOADING_SECONDS)
        QTest.keyClicks(window.editor, "FINDINGS:")
        press(window.editor, "Return")
        QTest.keyClicks(window.editor, "The heart is normal in size. ")
        press(window.editor, "Ctrl+G")
        QTest.keyClicks(window.editor, " No rib fracture.")
        press(window.editor, "Ctrl+Shift+D")
        await until(window.comparing.window.isActiveWindow)
        window.comparing.runner._randbelow = lambda _: 7  # what is written is the same each time
        yield window, window.comparing
    finally:
        window.close()
        await window.shut_down()
        window.deleteLater()


@on_qt_loop
async def test_run_replay_take_and_answer_blind() -> None:
    async with opened() as (main, comparing):
        window, report = comparing.window, main.editor.report
        typed = report.content
        press(window.left.view, "Ctrl+Return")
        await compared(comparing)
        assert window.banner.notice is None
        assert [column.name for column in window.columns] == ["Diffusion", "Autoregression"]
        shown = comparing.board.shown
        assert shown is not None
        left, right = (side.recording for side in shown.sides)
        assert left.model.paradigm == "diffusion"
        assert right.model.paradigm == "autoregressive"
        assert left.filled.seed == right.filled.seed
        assert left.pieces == right.pieces
        assert left.filled.prefix_encodings == right.filled.prefix_encodings == 0
        # Every canvas is there: one a step, one a token.
        assert len(left.canvases) >= left.canvases[-1].step
        assert [canvas.step for canvas in right.canvases] == list(range(1, right.filled.tokens + 1))
        for column in window.columns:
            assert column.view.text.startswith("FINDINGS:\nThe heart is normal in size. ")
            assert " No rib fracture." in column.view.text
            assert column.figures.values["Pin fidelity"].startswith("100 %")
        assert report.content == typed

        # Back to the start, through every frame by key, to the end.
        final = [column.view.text for column in window.columns]
        press(window.left.view, "Home")
        assert [column.view.text for column in window.columns] != final
        timeline = window.player.timeline
        assert timeline is not None
        for _ in range(timeline.last):
            press(window.left.view, ".")
        assert [column.view.text for column in window.columns] == final
        finished: list[bool] = []
        window.player.playing_changed.connect(finished.append)
        press(window.left.view, "Space")
        await until(lambda: finished == [True, False], seconds=WRITING_SECONDS)
        assert [column.view.text for column in window.columns] == final

        # A sentence of either side goes into the report, where the gap is.
        view = window.right.view if right.filled.fills[0].strip() else window.left.view
        fill = (right if view is window.right.view else left).filled.fills[0]
        assert fill.strip()
        view.setFocus()
        view.put_cursor(len("FINDINGS:\nThe heart is normal in size. ") + 1)
        start, end = view.sentence()
        sentence = view.text[start:end]
        press(view, "Return")
        assert sentence in report.text, told(comparing)
        assert not report.gaps
        assert Origin.GENERATED in {span.origin for span in report.spans}
        press(view, "Ctrl+Z")
        assert report.content == typed

        # Blind, with the whole report written anew by the sibling; answered with the mouse.
        window.way.setFocus()
        press(window.way, "End")
        click(comparing, "blind")
        click(comparing, "run")
        await compared(comparing)
        assert [column.name for column in window.columns] == ["Left", "Right"]
        for name in ("accuracy-left", "style-same", "edits-right"):
            choice = window.findChild(QRadioButton, name)
            assert isinstance(choice, QRadioButton)
            QTest.mouseClick(choice, Qt.MouseButton.LeftButton)
        click(comparing, "save")
        assert sorted(column.name for column in window.columns) == ["Autoregression", "Diffusion"]
        (line,) = blind.read(comparing.answers_file)
        assert (line.accuracy, line.style, line.edits) == ("left", "same", "right")
        assert line.sibling_mode == "whole"
        assert {line.left_checkpoint, line.right_checkpoint} == {
            "demo-diffusion",
            "demo-autoregressive",
        }
        assert report.content == typed


@on_qt_loop
async def test_one_at_a_time_there_is_never_more_than_one_worker() -> None:
    async with opened() as (main, comparing):
        workers: list[int] = []

        def count(_seen: object = None) -> None:
            links = (main.link, comparing.runner.other)
            gone = ("stopped", "died")
            workers.append(sum(link is not None and link.state.value not in gone for link in links))

        comparing.runner.drew.connect(count)
        comparing.runner.stage.connect(count)
        main.link.state_changed.connect(count)
        click(comparing, "alone")
        click(comparing, "run")
        await compared(comparing)
        assert comparing.board.shown is not None, told(comparing)
        assert set(workers) <= {0, 1}
        assert workers.count(1) > 2
        await until(lambda: main.link.state.value == "ready")


@on_qt_loop
async def test_the_other_worker_killed_in_mid_word_is_told_and_the_next_run_has_another() -> None:
    async with opened() as (main, comparing):
        window = comparing.window
        killed: list[int] = []

        def kill(frame: object) -> None:
            other = comparing.runner.other
            client = other.client if other is not None else None
            if frame.paradigm == "autoregressive" and client and not killed:  # type: ignore[attr-defined]
                assert client.pid is not None
                killed.append(client.pid)
                os.kill(client.pid, signal.SIGKILL)

        comparing.runner.drew.connect(kill)
        press(window.left.view, "Ctrl+Return")
        await compared(comparing)
        assert killed
        assert "killed" in told(comparing)
        assert main.link.state.value == "ready"
        assert comparing.board.shown is None
        click(comparing, "run")
        await compared(comparing)
        assert comparing.board.shown is not None, told(comparing)
