"""The composition root: QApplication, the event loop of both worlds, worker, window."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final

import qasync
from PySide6.QtWidgets import QApplication

from desktop import qt_log, theme
from desktop.collector import collecting_on_this_thread
from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.report.recovery import RecoveryCopies
from desktop.report.store import ReportStore
from desktop.session import StudySession
from desktop.settings import Settings
from desktop.studies import isolation
from desktop.walkthrough import WalkthroughError, draft_pin_infill, save_picture
from desktop.worker_link import InfillClient, WorkerLink
from inference.client import Client

LOG_VARIABLE: Final = "PINFILL_LOG"
"""The environment variable that says how much goes to standard error: debug, info, warning."""

LONGEST_END_S: Final = 30.0
"""How long the process may live on without its window."""

_log = logging.getLogger(__name__)


def run(
    paths: Sequence[Path],
    choice: ModelChoice,
    *,
    screenshot: Path | None = None,
) -> int:
    """Show the window on ``paths`` until it is closed; returns the exit code.

    With ``screenshot``: no display is needed; the report of the first study is drafted, a phrase
    pinned, the rest infilled, the picture saved. Bad input ends that with 2, a fault with 1.
    """
    set_up_log()
    if screenshot is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    app = application()
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with collecting_on_this_thread(), loop:
        return int(loop.run_until_complete(_main(paths, choice, screenshot)))


def set_up_log() -> None:
    level = os.environ.get(LOG_VARIABLE, "warning").upper()
    logging.basicConfig(
        level=logging.getLevelNamesMapping().get(level, logging.WARNING),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    qt_log.install()


def application() -> QApplication:
    """The one QApplication of this process."""
    running = QApplication.instance()
    app = running if isinstance(running, QApplication) else QApplication(["pinfill"])
    app.setApplicationName("pinfill")
    app.setApplicationDisplayName("Pinfill")
    app.setDesktopFileName("pinfill")
    app.setWindowIcon(theme.application_icon())
    # The worker outlives the window by the time it takes to end it; the loop must as well.
    app.setQuitOnLastWindowClosed(False)
    return app


def build_window(choice: ModelChoice, data_dir: Path | None = None) -> MainWindow:
    """A window with a worker of its own, not yet started.

    Reports and settings are the reader's, or those of ``data_dir``.
    """

    async def launch(chosen: ModelChoice, on_loading: Callable[[str], None]) -> InfillClient:
        return await Client.launch(
            chosen.checkpoint, placement=chosen.placement, on_loading=on_loading
        )

    if data_dir is None:
        session, settings = StudySession(ReportStore()), Settings()
    else:
        copies = RecoveryCopies([data_dir / "recovery"])
        session = StudySession(ReportStore(data_dir / "reports"), copies)
        settings = Settings(data_dir / "settings.ini")
    return MainWindow(session, WorkerLink(launch, choice), settings)


async def _main(paths: Sequence[Path], choice: ModelChoice, screenshot: Path | None) -> int:
    if screenshot is not None:
        # The reader's own report of that study is neither shown nor touched.
        with tempfile.TemporaryDirectory(prefix="pinfill-") as folder:
            window = build_window(choice, Path(folder))
            return await _picture(window, paths, screenshot)
    isolation.warm_up()
    window = build_window(choice)
    sys.excepthook = partial(_report_fault, window)
    closed = asyncio.Event()
    window.closed.connect(closed.set)
    if sys.platform != "win32":  # where asyncio knows no signals
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, window.end)
    window.link.start()
    window.show()
    if paths:
        window.open_paths(paths)
    await closed.wait()
    end_within(LONGEST_END_S, exit_code=0)
    await window.shut_down()
    return 0


def end_within(seconds: float, exit_code: int) -> None:
    """End this process by then, whatever hangs in it: all is saved and no window is left."""

    def end() -> None:
        _log.warning("something did not end within %s s of the window's closing", seconds)
        os._exit(exit_code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True  # it keeps nothing alive itself
    timer.start()


def _report_fault(
    window: MainWindow,
    kind: type[BaseException],
    fault: BaseException,
    trace: TracebackType | None,
) -> None:
    """What a slot raises ends here: told in the log and the window, which goes on."""
    _log.error("a slot failed", exc_info=(kind, fault, trace))
    if isinstance(fault, Exception):
        window.notices.show_fault(fault)


async def _picture(window: MainWindow, paths: Sequence[Path], out: Path) -> int:
    window.link.start()
    window.show()
    try:
        await draft_pin_infill(window, paths)
        save_picture(window, out)
    except WalkthroughError as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return error.exit_code
    finally:
        window.close()
        await window.shut_down()
    return 0
