"""What is started with the window, and what ends with it."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from desktop import app
from tests.desktop.bench import CHOICE, shown
from tests.desktop.qt_loop import on_qt_loop, until


@on_qt_loop
async def test_reading_is_warm_before_the_window_and_what_hangs_ends_behind_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[object] = []
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    async with shown(tmp_path) as bench:
        window = bench.window

        def build(_choice: object) -> object:
            steps.append("window")
            return window

        monkeypatch.setattr("desktop.studies.isolation.warm_up", lambda: steps.append("reading"))
        monkeypatch.setattr(app, "build_window", build)
        monkeypatch.setattr(app, "end_within", lambda *end, **how: steps.append((*end, how)))
        running = asyncio.create_task(app._main([], CHOICE, None))
        await until(lambda: steps)
        window.close()
        assert await running == 0
        if sys.platform != "win32":
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().remove_signal_handler(number)
    assert steps == ["reading", "window", (app.LONGEST_END_S, {"exit_code": 0})]
