"""The real window, the real worker process and the bundled checkpoint, by keys and mouse."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

import resources
from desktop.app import build_window
from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.report.model import Origin, Report
from inference.protocol import Filled
from tests.desktop.qt_loop import on_qt_loop, until

LOADING_SECONDS = 90
WRITING_SECONDS = 60


@asynccontextmanager
async def opened() -> AsyncIterator[MainWindow]:
    """The window as ``pinfill open`` shows it, on a bundled study, with its worker ready."""
    window = build_window(ModelChoice(resources.demo_checkpoint()))
    window.link.start()
    window.show()
    try:
        window.open_paths([resources.demo_studies()[-1]])
        await until(lambda: window.session.study is not None, what=lambda: window.status.text)
        await ready(window)
        yield window
    finally:
        window.close()
        await window.shut_down()
        window.deleteLater()


async def ready(window: MainWindow) -> None:
    await until(
        lambda: window.link.state.value == "ready",
        seconds=LOADING_SECONDS,
        what=lambda: f"{window.status.text}; {notice(window)}",
    )


def notice(window: MainWindow) -> str:
    return window.banner.notice.text if window.banner.notice else ""


def press(widget: QWidget, keys: str) -> None:
    QTest.keySequence(widget, QKeySequence(keys))


def click(window: MainWindow, name: str) -> None:
    button = window.findChild(QToolButton, f"{name}Button")
    assert isinstance(button, QToolButton)
    assert button.isEnabled(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def written(window: MainWindow) -> None:
    """Wait until the job that was just asked for has ended."""
    await until(
        lambda: not window.drafting.busy,
        seconds=WRITING_SECONDS,
        what=lambda: f"{window.status.text}; {notice(window)}",
    )


def select_by_mouse(window: MainWindow, phrase: str) -> None:
    """Drag over the first place where ``phrase`` stands."""
    editor = window.editor
    found = editor.document().find(phrase)
    assert not found.isNull(), phrase
    start, end = (point_of(window, at) for at in (found.selectionStart(), found.selectionEnd()))
    left, view = Qt.MouseButton.LeftButton, editor.viewport()
    QTest.mousePress(view, left, pos=start)
    QTest.mouseMove(view, end)
    QTest.mouseRelease(view, left, pos=end)
    low, high = editor.selection()
    assert editor.report.text[low:high] == phrase


def point_of(window: MainWindow, position: int) -> QPoint:
    cursor = QTextCursor(window.editor.document())
    cursor.setPosition(position)
    return window.editor.cursorRect(cursor).center()


def pinned_text(report: Report) -> list[str]:
    return [report.text[span.start : span.end] for span in report.spans if span.pinned]


def typed_text(report: Report) -> str:
    spans = [span for span in report.spans if span.origin is Origin.TYPED]
    return "".join(report.text[span.start : span.end] for span in spans)


def generated_phrase(report: Report) -> str:
    """The first three words of the longest stretch that the model wrote, on one line."""
    spans = [span for span in report.spans if span.origin is Origin.GENERATED and not span.pinned]
    longest = max(spans, key=lambda span: span.end - span.start)
    words = report.text[longest.start : longest.end].strip().split("\n")[0].split(" ")
    return " ".join(words[:3])


def on_first_canvas(window: MainWindow, act: Callable[[], None]) -> asyncio.Future[int]:
    """Do ``act`` while the first canvas of the next job is being shown; gives its step."""
    seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def once(canvas: object) -> None:
        if not seen.done():
            seen.set_result(canvas.step)  # type: ignore[attr-defined]
            act()

    window.drafting.progressed.connect(once)
    seen.add_done_callback(lambda _: window.drafting.progressed.disconnect(once))
    return seen


@on_qt_loop
async def test_draft_pin_infill_cancel_undo_and_reopen() -> None:
    async with opened() as window:
        editor, report = window.editor, window.editor.report
        fills: list[Filled] = []
        window.drafting.finished.connect(fills.append)

        # Draft, by its shortcut: a report with a heading, each character the model's.
        press(editor, "Ctrl+D")
        await written(window)
        drafted = report.content
        assert "FINDINGS:\n" in drafted.text
        assert {span.origin for span in drafted.spans} == {Origin.TEMPLATE, Origin.GENERATED}
        assert window.viewport.study is window.session.study

        # Pin a phrase: selected by mouse, pinned by key. Infill by its button.
        phrase = generated_phrase(report)
        select_by_mouse(window, phrase)
        press(editor, "Ctrl+P")
        assert any(phrase in text for text in pinned_text(report))
        pinned = report.content
        fixed = pinned_text(report)
        click(window, "infill")
        await written(window)
        infilled = report.content
        assert pinned_text(report) == fixed
        assert len(fills) == 2
        assert fills[1].prefix_encodings == 0
        assert fills[1].seed != fills[0].seed

        # Cancel in mid-canvas by Esc: the report is as it was, and the worker takes the next job.
        seen = on_first_canvas(window, lambda: press(editor, "Esc"))
        press(editor, "Ctrl+Return")
        await written(window)
        assert seen.done()
        assert report.content == infilled
        assert len(fills) == 2
        assert "Cancelled" in window.status.text

        # Undo and redo: each command was one step.
        press(editor, "Ctrl+Z")
        assert report.content == pinned
        press(editor, "Ctrl+Z")
        assert report.content == drafted
        click(window, "redo")
        press(editor, "Ctrl+Shift+Z")
        assert report.content == infilled

        # Typing and a gap at the end, then the gap alone is filled.
        press(editor, "Ctrl+End")
        QTest.keyClicks(editor, " No rib fracture.")
        press(editor, "Ctrl+G")
        assert len(report.gaps) == 1
        assert " No rib fracture." in "".join(pinned_text(report))
        kept = report.content

    async with opened() as window:
        assert window.editor.report.content == kept
        press(window.editor, "Ctrl+Return")
        await written(window)
        text = window.editor.report.text
        assert all(part in text for part in fixed)
        assert " No rib fracture." in text
        assert not window.editor.report.gaps


@on_qt_loop
async def test_refill_changes_the_selection_alone() -> None:
    async with opened() as window:
        report = window.editor.report
        press(window.editor, "Ctrl+D")
        await written(window)
        phrase = generated_phrase(report)
        start = report.text.index(phrase)
        before, after = report.text[:start], report.text[start + len(phrase) :]
        select_by_mouse(window, phrase)
        press(window.editor, "Ctrl+R")
        await written(window)
        assert report.text.startswith(before)
        assert report.text.endswith(after)


@on_qt_loop
async def test_candidates_of_the_model_are_switched_and_taken_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("desktop.drafting.secrets.randbelow", lambda _: 7)
    async with opened() as window:
        editor, report = window.editor, window.editor.report
        fills: list[Filled] = []
        window.drafting.finished.connect(fills.append)
        QTest.keyClicks(editor, "FINDINGS:")
        press(editor, "Return")
        QTest.keyClicks(editor, "The heart is normal. No pneumothorax.")
        editor.select(30, 30)
        press(editor, "Ctrl+G")
        press(editor, "Ctrl+Return")
        await written(window)
        first = report.content
        offered = [candidate.fills for candidate in fills[-1].candidates]
        assert len(offered) > 1
        typed = typed_text(report)
        for wanted in (*offered[1:], offered[0], offered[1]):
            press(editor, "Alt+Down")
            (found,) = report.candidate_sets
            assert found.current.fills == wanted
            assert window.choosing.popover.isVisible()
            assert typed_text(report) == typed
        press(editor, "Ctrl+Z")
        assert report.content == first
        press(editor, "Ctrl+Z")
        assert len(report.gaps) == 1

        press(editor, "Ctrl+Shift+Z")
        press(editor, "Ctrl+E")  # the sentence at the caret, from its own words
        await written(window)
        assert len(fills) == 2
        assert typed_text(report) == typed


@on_qt_loop
async def test_the_worker_killed_in_mid_canvas_is_told_and_restarted_by_a_click() -> None:
    async with opened() as window:
        report = window.editor.report
        press(window.editor, "Ctrl+D")
        await written(window)
        before = report.content
        pid = window.link.client.pid if window.link.client else None
        assert pid is not None
        seen = on_first_canvas(window, lambda: os.kill(pid, signal.SIGKILL))
        click(window, "draft")
        await until(lambda: notice(window), what=lambda: window.status.text)
        await written(window)
        assert seen.done()
        assert "killed" in notice(window)
        assert "Your report is untouched." in notice(window)
        assert report.content == before
        assert not window.editor.previewing
        assert not window.commands["draft"].isEnabled()

        # The image can be looked at and the report written meanwhile.
        press(window.viewport, "I")
        assert window.viewport.inverted
        QTest.keyClicks(window.editor, "x")
        assert report.content != before
        press(window.editor, "Ctrl+Z")
        assert report.content == before

        restart = window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(restart, QPushButton)
        QTest.mouseClick(restart, Qt.MouseButton.LeftButton)
        await ready(window)
        assert notice(window) == ""
        assert window.link.client is not None
        assert window.link.client.pid != pid
        finished: list[Filled] = []
        window.drafting.finished.connect(finished.append)
        press(window.editor, "Ctrl+D")
        await written(window)
        assert len(finished) == 1
