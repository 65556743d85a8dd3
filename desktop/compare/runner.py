"""Runs a comparison: the other model beside the window's, then one after the other, timed.

Both are loaded before either is timed, have seen the image, and have taken one untimed step, so
that neither pays for what the other had beforehand.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.compare.recording import Recording
from desktop.compare.side import Comparison, Side
from desktop.compare.ways import Asked, Way, asked_of, common_plan
from desktop.model_choice import ModelChoice
from desktop.report.model import Content, NothingToFill, Plan, Report
from desktop.studies.context import prompt_context
from desktop.studies.reading import Study
from desktop.tasks import Tasks
from desktop.viewer.pixels import model_image
from desktop.worker_link import Job, WorkerLink, WorkerState
from inference.client import WorkerDied, WorkerError
from inference.protocol import Canvas, Paradigm

NAMES: dict[Paradigm, str] = {"diffusion": "Diffusion", "autoregressive": "Autoregression"}
"""What the two ways of writing are called in the window."""


def other_than(paradigm: Paradigm) -> Paradigm:
    """What it is compared with."""
    return "autoregressive" if paradigm == "diffusion" else "diffusion"


class CannotCompare(Exception):
    """The comparison did not come about; the message says why and what to do."""


@dataclass(frozen=True)
class Frame:
    """A canvas as it comes, with where it belongs: in the holes of ``plan`` in ``content``."""

    paradigm: Paradigm
    content: Content
    plan: Plan
    canvas: Canvas


class Runner(QObject):
    """One comparison at a time. ``stage`` tells in words how far it is."""

    busy_changed = Signal(bool)
    stage = Signal(str)
    drew = Signal(object)  # Frame
    finished = Signal(object)  # Comparison
    cancelled = Signal()
    failed = Signal(object)  # CannotCompare | WorkerError | NothingToFill
    broke = Signal(object)  # Exception: a fault of our own

    def __init__(
        self,
        link: WorkerLink,
        other_checkpoint: Callable[[Paradigm], Path | None],
        parent: QObject | None = None,
        *,
        randbelow: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        """``other_checkpoint`` names the folder of the model to compare with, of a paradigm."""
        super().__init__(parent)
        self._link = link
        self._other_checkpoint = other_checkpoint
        self._randbelow = randbelow
        self._other: WorkerLink | None = None
        self._tasks = Tasks(self.broke.emit)
        self._endings = Tasks(self.broke.emit)
        self._busy = False

    @property
    def busy(self) -> bool:
        return self._busy

    @property
    def other(self) -> WorkerLink | None:
        """The worker that was started to compare with."""
        return self._other

    def begin(self, study: Study, report: Report, way: Way) -> None:
        if self._busy:
            return
        self._busy = True
        self.busy_changed.emit(True)
        self._tasks.spawn(self._run(study, report, way), "compare", self._ended)

    def cancel(self) -> None:
        self._tasks.cancel()

    def dismiss_other(self) -> None:
        """Stop what runs, end the other worker and give its memory back."""
        self._tasks.cancel()
        other, self._other = self._other, None
        if other is not None:
            self._endings.spawn(_end(other), "end the other worker")

    async def close(self) -> None:
        """End all that runs, the other worker too."""
        other, self._other = self._other, None
        # Together, for a job may wait for the answer of a worker that hangs.
        await asyncio.gather(self._tasks.close(), *([_end(other)] if other is not None else []))
        await self._endings.finish()

    def _ended(self) -> None:
        self._busy = False
        self.busy_changed.emit(False)

    async def _run(self, study: Study, report: Report, way: Way) -> None:
        try:
            self.finished.emit(await self._compare(study, report, way))
        except asyncio.CancelledError:
            self.cancelled.emit()
        except (WorkerError, NothingToFill, CannotCompare) as error:
            self.failed.emit(error)

    async def _compare(self, study: Study, report: Report, way: Way) -> Comparison:
        plan, content = common_plan(report), report.content
        self.stage.emit("Waiting for the window's model…")
        await self._link.ready()
        other = await self._ready_other()
        self.stage.emit("Showing both the image…")
        image = await asyncio.to_thread(model_image, study.image)
        seed = self._randbelow(2**31)
        sides: dict[Paradigm, Side] = {}
        for number, link in enumerate((self._link, other), 1):
            if (model := link.model) is None:
                raise WorkerDied(
                    f"The worker of {link.choice.checkpoint.name} ended before its turn. Run again."
                )
            paradigm = model.paradigm
            asked = asked_of(paradigm, content, plan, way, seed)
            self.stage.emit(f"{number} of 2: {NAMES[paradigm].lower()}…")
            recording = await self._record(link, asked, content, image, prompt_context(study))
            sides[paradigm] = Side(content, plan, asked.plan, recording)
        return Comparison(content, way, seed, sides["diffusion"], sides["autoregressive"])

    async def _record(
        self,
        link: WorkerLink,
        asked: Asked,
        content: Content,
        image: NDArray[np.uint8],
        context: str,
    ) -> Recording:
        client = link.client
        if client is None or link.state is not WorkerState.READY:
            raise CannotCompare("The worker has something else to do: wait for it, and run again.")
        model = client.model
        await client.prepare(image=image, context=context)
        job = Job(asked.plan.pieces, image, context, asked.options, asked.question, True)
        one_step = msgspec.structs.replace(asked.options, max_steps=1)
        await link.run(replace(job, options=one_step), lambda _: None)
        canvases: list[Canvas] = []

        def draw(canvas: Canvas) -> None:
            canvases.append(canvas)
            self.drew.emit(Frame(model.paradigm, content, asked.plan, canvas))

        filled = await link.run(job, draw)
        return Recording(model, asked.plan.pieces, tuple(canvases), filled)

    # The other worker

    async def _ready_other(self) -> WorkerLink:
        """Start the other worker, or take the one that runs, and wait until it is ready."""
        model = self._link.model
        if model is None:
            raise WorkerDied("The worker was closed.")
        paradigm = other_than(model.paradigm)
        checkpoint = self._other_checkpoint(paradigm)
        if checkpoint is None:
            raise CannotCompare(
                f"There is no {paradigm} model to compare with: choose its folder first."
            )
        choice = ModelChoice(checkpoint, self._link.choice.placement)
        if self._other is not None and self._other.choice != choice:
            other, self._other = self._other, None
            await _end(other)
        if self._other is None:
            self._other = self._link.beside(choice)
            self._other.state_changed.connect(self._show_loading)
        other = self._other
        other.start()
        self._show_loading()
        try:
            await other.ready()
        except asyncio.CancelledError:
            await other.close()  # half a model would go on loading, and nobody waits for it
            raise
        except WorkerError as error:
            raise CannotCompare(
                f"The other model could not be started beside the window's. {error} (Both are in "
                "memory together while they are compared; one at a time is not possible yet.)"
            ) from error
        assert other.model is not None, "it is ready"
        if other.model.paradigm != paradigm:
            raise CannotCompare(
                f"{other.model.name} writes as the window's model does ({model.paradigm}): choose "
                f"a checkpoint that is {paradigm}."
            )
        return other

    def _show_loading(self) -> None:
        other = self._other
        if other is not None and other.state is WorkerState.STARTING:
            stage = f": {other.stage}" if other.stage else ""
            self.stage.emit(f"Loading {other.choice.checkpoint.name}{stage}…")


async def _end(link: WorkerLink) -> None:
    await link.close()
    link.deleteLater()
