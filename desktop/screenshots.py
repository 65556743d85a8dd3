"""Pictures of the window in each of its states and both themes, made with the real worker.

    python -m desktop.screenshots OUT [--checkpoint DIR] [--study PATH]

For the README, and for looking at after a change of the window's face.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable
from pathlib import Path

import qasync
from PySide6.QtWidgets import QWidget

import resources
from desktop.app import application, build_window, set_up_log
from desktop.choice_pictures import Take, every_choice
from desktop.collector import collecting_on_this_thread
from desktop.comparison_pictures import every_comparison
from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.theme import THEME_NAMES
from desktop.walkthrough import (
    WalkthroughError,
    open_study,
    pin_phrase,
    save_picture,
    wait_for_canvas,
    wait_for_worker,
    write,
)
from inference.arguments import ArgumentParser


async def every_state(window: MainWindow, study: Path, picture: Take) -> None:
    """Lead the window through its states, calling ``picture`` with the name of each."""

    def take(state: str) -> None:
        picture(state, window)

    take("empty")
    await wait_for_worker(window)
    await open_study(window, [study])
    take("study")
    window.commands["draft"].trigger()
    await wait_for_canvas(window, step=4)
    take("denoising")
    await window.drafting.stop()
    await write(window, "draft")
    pin_phrase(window)
    window.editor.report.insert_gap(len(window.editor.report.text), 12)
    window.editor.select(0, 0)
    take("pins-and-gap")
    window.commands["infill"].trigger()
    await wait_for_canvas(window, step=3)
    take("infilling")
    _kill_worker(window)
    await _until_withdrawn(window)
    take("worker-died")
    await _restart(window)
    await _refuse_a_file(window)
    take("error")
    window.banner.dismiss()
    _lengthen(window)
    take("long-report")
    every_choice(window, picture)
    await every_comparison(window, picture)


def _kill_worker(window: MainWindow) -> None:
    client = window.link.client
    if client is not None and client.pid is not None:
        os.kill(client.pid, signal.SIGKILL)


async def _until_withdrawn(window: MainWindow) -> None:
    """Wait until the death is told and the preview has gone."""
    while window.drafting.busy or window.banner.notice is None:
        await asyncio.sleep(0.01)


async def _restart(window: MainWindow) -> None:
    window.worker.restart()
    await wait_for_worker(window)


async def _refuse_a_file(window: MainWindow) -> None:
    with tempfile.TemporaryDirectory() as folder:
        letter = Path(folder) / "letter.txt"
        letter.write_text("Dear colleague,\n")
        try:
            await open_study(window, [letter])
        except WalkthroughError:
            return
    raise AssertionError("a letter was opened as a study")


def _lengthen(window: MainWindow) -> None:
    """Put before the report what a reader may have typed: more than the pane shows at once."""
    earlier = (
        "Chest radiograph of {year}: heart of normal size, lungs clear, no effusion, no "
        "pneumothorax; old healed fracture of the left seventh rib.\n"
    )
    window.editor.report.insert(
        0,
        "INDICATION:\nShortness of breath for three days, no fever.\n\n"
        "TECHNIQUE:\nOne view, standing, in deep inspiration.\n\n"
        "COMPARISON:\n" + "".join(earlier.format(year=year) for year in range(2012, 2024)) + "\n",
    )


async def _both_themes(checkpoint: Path, study: Path, out: Path) -> None:
    for name in THEME_NAMES:
        with tempfile.TemporaryDirectory(prefix="pinfill-") as folder:
            window = build_window(ModelChoice(checkpoint), Path(folder))
            window.set_theme(name)
            window.link.start()
            window.show()

            def take(state: str, shown: QWidget, name: str = name) -> None:
                save_picture(shown, out / f"{state}-{name}.png")

            try:
                await every_state(window, study, take)
            finally:
                window.close()
                await window.shut_down()


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m desktop.screenshots", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--study", type=Path)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    set_up_log()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    work: Awaitable[None] = _both_themes(
        options.checkpoint or resources.demo_checkpoint(),
        options.study or resources.demo_studies()[0],
        options.out,
    )
    app = application()
    with collecting_on_this_thread(), qasync.QEventLoop(app) as loop:
        try:
            loop.run_until_complete(work)
        except WalkthroughError as error:
            print(error, file=sys.stderr)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
