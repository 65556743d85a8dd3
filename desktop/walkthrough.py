"""The window driven without a reader: for ``pinfill demo --screenshot`` and the pictures."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QEvent, SignalInstance
from PySide6.QtWidgets import QWidget

from desktop.main_window import MainWindow
from desktop.report.model import NothingToFill, Origin, Report
from desktop.report.store import StoreError
from desktop.studies.reading import StudyError
from inference.client import RequestFailed, WorkerError

_SENTENCE: Final = re.compile(r"\S.*?(?:\.(?=\s|$)|$)", re.MULTILINE)


class WalkthroughError(Exception):
    """A sentence on what stood in the way; ``exit_code`` is 2 for bad input, else 1."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


async def draft_pin_infill(window: MainWindow, paths: Sequence[Path]) -> None:
    """Open the first study, draft its report, pin a phrase of it, infill the rest."""
    await open_study(window, paths)
    await write(window, "draft")
    pin_phrase(window)
    await write(window, "infill")


async def open_study(window: MainWindow, paths: Sequence[Path]) -> None:
    with watched(window) as trouble:
        shown = once(window.session.study_changed)
        window.open_paths(paths)
        await first_of(shown, trouble=trouble)


async def wait_for_worker(window: MainWindow) -> None:
    try:
        await window.link.ready()
    except WorkerError as error:
        raise _as_walkthrough_error(error) from error


async def wait_for_canvas(window: MainWindow, step: int) -> None:
    """Wait until the canvas of ``step`` or a later one is on the screen."""
    with watched(window) as trouble:
        reached = once(window.drafting.progressed, lambda canvas: canvas.step >= step)
        ended = once(window.drafting.finished)
        await first_of(reached, ended, trouble=trouble)


async def write(window: MainWindow, command: str) -> None:
    """Trigger ``draft``, ``infill`` or ``refill`` and wait for its end."""
    action = window.commands[command]
    if not action.isEnabled():
        raise WalkthroughError(action.toolTip(), 1)
    with watched(window) as trouble:
        finished = once(window.drafting.finished)
        action.trigger()
        await first_of(finished, trouble=trouble)


def pin_phrase(window: MainWindow) -> None:
    """Pin the second sentence that the model wrote, or half of the only one."""
    window.editor.select(*_phrase(window.editor.report))
    window.commands["pin"].trigger()


def save_picture(window: QWidget, out: Path) -> None:
    # What was shown or hidden just now takes its place when the loop runs next; this is before.
    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
    if not window.grab().save(str(out), "PNG"):
        raise WalkthroughError(f"The picture could not be written to {out}.", 2)


def _phrase(report: Report) -> tuple[int, int]:
    """(start, end) of what :func:`pin_phrase` pins."""
    sentences = [
        (span.start + match.start(), span.start + match.end())
        for span in report.spans
        if span.origin is Origin.GENERATED and not span.pinned
        for match in _SENTENCE.finditer(report.text[span.start : span.end])
    ]
    if len(sentences) > 1:
        return sentences[1]
    start, end = sentences[0] if sentences else (0, len(report.text))
    return start, (start + end) // 2


def once(
    signal: SignalInstance, accept: Callable[[Any], bool] = lambda _: True
) -> asyncio.Future[Any]:
    """A future of the next emission whose value ``accept`` takes."""
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def settle(value: object = None) -> None:
        if not future.done() and accept(value):
            future.set_result(value)

    signal.connect(settle)
    future.add_done_callback(lambda _: signal.disconnect(settle))
    return future


@contextmanager
def watched(window: MainWindow, *more: SignalInstance) -> Iterator[asyncio.Future[Any]]:
    """A future that holds the first trouble the window tells of, or one of the signals ``more``."""
    trouble: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def fail(error: object) -> None:
        if not trouble.done():
            trouble.set_result(error)

    signals = (
        window.session.failed,
        window.drafting.failed,
        window.drafting.broke,
        window.link.died,
        *more,
    )
    for signal in signals:
        signal.connect(fail)
    try:
        yield trouble
    finally:
        for signal in signals:
            signal.disconnect(fail)


async def first_of(*wanted: asyncio.Future[Any], trouble: asyncio.Future[Any]) -> None:
    """Wait for one of ``wanted``; raises :class:`WalkthroughError` where trouble is first."""
    done, _ = await asyncio.wait((*wanted, trouble), return_when=asyncio.FIRST_COMPLETED)
    for future in wanted:
        future.cancel()
    if done == {trouble}:
        told = trouble.result()
        raise _as_walkthrough_error(told[0] if isinstance(told, list) else told)


def _as_walkthrough_error(told: object) -> WalkthroughError:
    """What the reader can mend is bad input; what the worker or this program did is a fault."""
    if isinstance(told, RequestFailed):
        bad_input = told.kind in ("bad_request", "checkpoint")
    else:
        bad_input = isinstance(told, StudyError | StoreError | NothingToFill)
    return WalkthroughError(str(told), 2 if bad_input else 1)
