"""A window with a worker that the test plays, and what tests do to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.report.model import Report
from desktop.report.store import ReportStore
from desktop.session import StudySession
from desktop.settings import Settings
from desktop.worker_link import WorkerLink
from tests.desktop.fake_worker import FakeClient, FakeLauncher
from tests.desktop.qt_loop import until
from tests.desktop.studies.factory import save

CHOICE = ModelChoice(Path("/checkpoints/fake"))
REPORT = "FINDINGS:\nThe heart is large. No pneumothorax.\n\nIMPRESSION:\nCardiomegaly."


@dataclass
class Bench:
    """A shown window, its worker as the test plays it, and a study to open."""

    window: MainWindow
    launcher: FakeLauncher
    study: Path

    @property
    def report(self) -> Report:
        return self.window.editor.report

    @property
    def notice(self) -> str:
        return self.window.banner.notice.text if self.window.banner.notice else ""

    async def worker(self) -> FakeClient:
        """Let the worker that is being started become ready."""
        await until(lambda: self.launcher.starts and not self.launcher.starts[-1].done())
        client = self.launcher.ready()
        await until(lambda: self.window.link.state.value in ("ready", "busy"))
        return client

    async def open(self, *paths: Path) -> None:
        self.window.open_paths(paths or [self.study])
        await until(lambda: self.window.session.study is not None)

    async def ask(self, command: str, client: FakeClient) -> None:
        """Trigger a command of the model and wait until the worker has it."""
        assert self.window.commands[command].isEnabled()
        self.window.commands[command].trigger()
        await until(lambda: client.busy, what=lambda: self.notice)

    async def drafted(self, client: FakeClient) -> None:
        await self.ask("draft", client)
        client.fill(REPORT)
        await until(lambda: not self.window.drafting.busy)

    async def infilled(self, client: FakeClient) -> None:
        """Infill a drafted report with other words: the worker is at work."""
        await self.ask("infill", client)
        client.fill("Small heart.", "Clear.")
        await until(lambda: "Small heart." in self.report.text)


@asynccontextmanager
async def shown(
    folder: Path, *, store: ReportStore | None = None, settings: Settings | None = None
) -> AsyncIterator[Bench]:
    launcher = FakeLauncher()
    session = StudySession(store or ReportStore())
    window = MainWindow(session, WorkerLink(launcher, CHOICE), settings or Settings())
    window.link.start()
    window.show()
    try:
        study = folder / "chest.dcm"
        yield Bench(window, launcher, study if study.exists() else save(study))
    finally:
        window.close()
        await window.shut_down()
        window.deleteLater()


def press(widget: QWidget, keys: str) -> None:
    """Press a shortcut where ``widget`` has the focus."""
    QTest.keySequence(widget, QKeySequence(keys))
