"""Tests that run as a coroutine on the event loop of the window, Qt's and asyncio's at once."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable

import qasync
from PySide6.QtCore import QEvent

from desktop.app import application
from desktop.collector import collecting_on_this_thread

TEST_SECONDS = 120


def on_qt_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Make a plain test of a coroutine, with a loop of its own."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        async def bounded() -> None:
            async with asyncio.timeout(TEST_SECONDS):
                await test(*args, **kwargs)

        app = application()
        with collecting_on_this_thread(), qasync.QEventLoop(app) as loop:
            loop.run_until_complete(bounded())
            app.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    return run


async def until(
    condition: Callable[[], object], *, seconds: float = 20, what: Callable[[], object] = str
) -> None:
    """Let the loop run until ``condition`` holds; fail where that takes longer than ``seconds``.

    ``what`` gives the state to report then.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not condition():
        if loop.time() > deadline:
            raise AssertionError(f"not within {seconds} s; {what()}")
        await asyncio.sleep(0.002)
