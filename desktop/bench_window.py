"""``pinfill bench window``: how long after a command does the reader see the first canvas?

The real window, offscreen, on the bundled studies, with the real worker. From the command to the
moment at which the window has painted the first canvas, held against what one denoising step takes
the worker in the same job. The reader opens a study and looks at it, so that the worker has
encoded it by then; ``--cold`` commands the draft on the spot, and the encoding is waited for.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import qasync
from PySide6.QtCore import QEvent, QObject

import resources
from desktop.app import application, build_window, set_up_log
from desktop.collector import collecting_on_this_thread
from desktop.main_window import MainWindow
from desktop.model_choice import ModelChoice
from desktop.studies.context import prompt_context
from desktop.viewer.pixels import model_image
from desktop.walkthrough import WalkthroughError, open_study, pin_phrase, wait_for_worker, write
from inference.arguments import ArgumentParser
from inference.protocol import Canvas


@dataclass(frozen=True)
class Watched:
    """One job: seconds to the first canvas on the screen, and of one step of the worker's."""

    first_canvas: float
    step: float

    @property
    def steps(self) -> float:
        return self.first_canvas / self.step


class Watch(QObject):
    """Follows one job of ``window`` from its command on."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._canvases: list[Canvas] = []
        self._first_painted: float | None = None

    async def job(self, command: str) -> Watched:
        viewport = self._window.editor.viewport()
        progressed = self._window.drafting.progressed
        viewport.installEventFilter(self)
        progressed.connect(self._canvases.append)
        started = time.perf_counter()
        try:
            await write(self._window, command)
        finally:
            progressed.disconnect(self._canvases.append)
            viewport.removeEventFilter(self)
        if self._first_painted is None or len(self._canvases) < 2:
            raise WalkthroughError("The job was over before its canvases could be timed.", 1)
        step = median(
            (later.seconds - earlier.seconds) / (later.step - earlier.step)
            for earlier, later in pairwise(self._canvases)
        )
        return Watched(self._first_painted - started, step)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Paint and self._canvases and self._first_painted is None:
            # Asked before the painting; the loop comes back after it.
            asyncio.get_running_loop().call_soon(self._painted)
        return super().eventFilter(watched, event)

    def _painted(self) -> None:
        if self._first_painted is None:
            self._first_painted = time.perf_counter()


async def measure(checkpoint: Path, studies: Sequence[Path], *, cold: bool) -> list[Watched]:
    """A draft of each study and, behind it, an infill around a pinned phrase."""
    jobs = []
    with tempfile.TemporaryDirectory(prefix="pinfill-") as folder:
        window = build_window(ModelChoice(checkpoint), Path(folder))
        window.link.start()
        window.show()
        try:
            await wait_for_worker(window)
            for study in studies:
                await open_study(window, [study])
                if not cold:
                    await _until_encoded(window)
                jobs.append(await Watch(window).job("draft"))
                pin_phrase(window)
                jobs.append(await Watch(window).job("infill"))
        finally:
            window.close()
            await window.shut_down()
    return jobs


async def _until_encoded(window: MainWindow) -> None:
    """The worker takes one job after the other: this one comes back behind the window's own."""
    client, study = window.link.client, window.session.study
    assert client is not None, "the worker is ready"
    assert study is not None, "a study is open"
    await client.prepare(image=model_image(study.image), context=prompt_context(study))


def summarise(jobs: Sequence[Watched]) -> dict[str, Any]:
    return {
        "n": len(jobs),
        "first_canvas_seconds": median(job.first_canvas for job in jobs),
        "step_seconds": median(job.step for job in jobs),
        "first_canvas_in_steps": {
            "median": median(job.steps for job in jobs),
            "worst": max(job.steps for job in jobs),
        },
    }


def as_table(result: dict[str, Any]) -> str:
    """The same figures for people."""
    steps = result["first_canvas_in_steps"]
    return "\n".join(
        [
            f"{result['n']} jobs, drafts and infills by turns",
            "",
            f"first canvas on the screen after   {result['first_canvas_seconds']:.3f} s",
            f"one denoising step takes           {result['step_seconds']:.3f} s",
            f"the first canvas, in steps         {steps['median']:.1f}, at worst "
            f"{steps['worst']:.1f}",
        ]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser("pinfill bench window", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, metavar="DIR", help="default: the demo's")
    parser.add_argument("--cold", action="store_true", help="draft as soon as a study is open")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    set_up_log()
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    try:
        checkpoint = options.checkpoint or resources.demo_checkpoint()
        studies = resources.demo_studies()
    except resources.ResourceMissing as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    app = application()
    with collecting_on_this_thread(), qasync.QEventLoop(app) as loop:
        try:
            jobs = loop.run_until_complete(measure(checkpoint, studies, cold=options.cold))
        except WalkthroughError as error:
            print(f"pinfill: {error}", file=sys.stderr)
            return error.exit_code
    result = summarise(jobs)
    print(json.dumps(result, indent=2) if options.json else as_table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
