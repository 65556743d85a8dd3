"""A real worker process that is stopped in the middle of a draft: in the window, on the command
line. Its engine follows a script, for what it would write is no matter here.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

import resources
from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.report.store import ReportStore
from desktop.session import StudySession
from desktop.settings import Settings
from desktop.worker_link import InfillClient, WorkerLink
from inference.client import Client, Patience
from inference.local_worker import LocalWorker
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import save
from tests.inference.test_client import has_ended, script

SECONDS = 60
QUICK = Patience(beat=0.1)
"""All else as it is for readers: three beats are missed, half a second is a cancel's."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows stops no process")


@asynccontextmanager
async def drafting(folder: Path) -> AsyncIterator[tuple[MainWindow, int]]:
    """A window in the middle of a draft without end, and the process that writes it."""

    async def launch(choice: ModelChoice, on_loading: Callable[[str], None]) -> InfillClient:
        worker = LocalWorker.start(script("endless"))
        return await Client.attach(worker, on_loading=on_loading, patience=QUICK)

    link = WorkerLink(launch, ModelChoice(Path("/checkpoints/scripted")))
    window = MainWindow(StudySession(ReportStore()), link, Settings())
    link.start()
    window.show()
    try:
        window.open_paths([save(folder / "chest.dcm")])
        await until(lambda: window.session.study is not None and link.state.value == "ready")
        await draft(window)
        assert link.client is not None
        assert link.client.pid is not None
        yield window, link.client.pid
    finally:
        window.close()
        await window.shut_down()
        window.deleteLater()


async def draft(window: MainWindow) -> None:
    seen = asyncio.Event()
    window.drafting.progressed.connect(seen.set)
    window.commands["draft"].trigger()
    await seen.wait()
    window.drafting.progressed.disconnect(seen.set)


def notice(window: MainWindow) -> str:
    return window.banner.notice.text if window.banner.notice else ""


async def escape(window: MainWindow) -> float:
    """Press Esc in the report; the seconds until it takes keys again."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    QTest.keyClick(window.editor, Qt.Key.Key_Escape)
    await until(lambda: not window.drafting.busy)
    QTest.keyClicks(window.editor, "Mine.")
    assert "Mine." in window.editor.report.text
    return loop.time() - started


@on_qt_loop
async def test_stopped_in_mid_draft_it_is_told_left_and_taken_back(tmp_path: Path) -> None:
    async with drafting(tmp_path) as (window, pid):
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: "does not answer" in notice(window), seconds=5)
        assert await escape(window) < 1
        os.kill(pid, signal.SIGCONT)
        await until(lambda: window.link.state.value == "ready")
        assert notice(window) == ""
        assert window.editor.report.text.count("Mine.") == 1
        assert "draft" not in window.editor.report.text


@on_qt_loop
async def test_stopped_in_mid_draft_esc_comes_first_and_a_click_restarts(tmp_path: Path) -> None:
    async with drafting(tmp_path) as (window, pid):
        os.kill(pid, signal.SIGSTOP)
        assert await escape(window) < 1
        await until(lambda: "does not answer" in notice(window), seconds=5)
        button = window.banner.findChild(QPushButton, "bannerAction")
        assert isinstance(button, QPushButton)
        assert button.text() == "Restart worker"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        await until(lambda: window.link.state.value == "ready")
        assert has_ended(pid)
        assert window.link.client is not None
        assert window.link.client.pid != pid


@on_qt_loop
async def test_closing_the_window_ends_a_stopped_worker(tmp_path: Path) -> None:
    async with drafting(tmp_path) as (_, pid):
        os.kill(pid, signal.SIGSTOP)
    assert has_ended(pid)


PROGRAM = """
import functools, sys
from desktop import cli, terminal
from inference import client

worker = sys.argv[2:]
client.worker_command = lambda *_: worker
client.Client.launch = functools.partial(
    client.Client.launch, patience=client.Patience(beat=0.1))
told = []
def show(self, canvas):
    if not told:
        told.append(canvas)
        print("drafting", file=sys.stderr, flush=True)
terminal.LiveCanvas.show = show
terminal.LiveCanvas.say = lambda _, stage: print("loading", file=sys.stderr, flush=True)
sys.exit(cli.main(["draft", sys.argv[1], "--checkpoint", "."]))
"""


@pytest.mark.parametrize(
    ("at", "loader", "wait"),
    [
        pytest.param("drafting", "endless", True, id="once it is told"),
        pytest.param("drafting", "endless", False, id="before it is told"),
        pytest.param("loading", "for-ever", True, id="while it loads"),
    ],
)
def test_one_ctrl_c_ends_a_draft_on_a_stopped_worker(at: str, loader: str, wait: bool) -> None:
    study = str(resources.demo_studies()[0])
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, study, *script(loader)],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    too_long = threading.Timer(SECONDS, process.kill)
    too_long.start()
    try:
        assert process.stderr is not None
        assert any(line == f"{at}\n" for line in process.stderr)
        children = psutil.Process(process.pid).children()
        (worker,) = (child for child in children if loader in child.cmdline())
        worker.suspend()
        if wait:
            line = process.stderr.readline()
            assert line.startswith("pinfill: The worker does not answer."), line
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the worker as well
        assert process.wait(SECONDS) == 130
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE
        assert "Traceback" not in process.stderr.read()
    finally:
        too_long.cancel()
        process.kill()
        process.communicate()
