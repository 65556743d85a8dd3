"""Runs a comparison: the window's model and another, one after the other, timed.

Each is loaded before it is timed, has seen the image, and has taken one untimed step, so that
neither pays for what the other had beforehand. Both are in memory together, or, for models that do
not fit there, each alone: the window's worker then makes room and starts anew behind the other's.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
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
from desktop.outside import Consent, Outside
from desktop.report.model import Content, NothingToFill, Plan, Report
from desktop.studies.context import prompt_context
from desktop.studies.reading import Study
from desktop.tasks import Tasks
from desktop.worker_link import Job, WorkerLink, WorkerState
from inference.client import WorkerDied, WorkerError
from inference.protocol import Canvas, ModelInfo, Paradigm

NAMES: dict[Paradigm, str] = {"diffusion": "Diffusion", "autoregressive": "Autoregression"}
"""What the two ways of writing are called in the window."""


_TOO_MUCH = "Where both do not fit into memory together, compare them one at a time."


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
    failed = Signal(object)  # CannotCompare | WorkerError | NothingToFill | Outside
    broke = Signal(object)  # Exception: a fault of our own

    def __init__(
        self,
        link: WorkerLink,
        other_checkpoint: Callable[[Paradigm], Path | None],
        image_of: Callable[[Study], Awaitable[NDArray[np.uint8]]],
        parent: QObject | None = None,
        *,
        consent: Consent | None = None,
        randbelow: Callable[[int], int] = secrets.randbelow,
    ) -> None:
        """``other_checkpoint`` names the folder of the model to compare with, of a paradigm;
        ``image_of`` is what a model sees of a study."""
        super().__init__(parent)
        self._link = link
        self._other_checkpoint = other_checkpoint
        self._image_of = image_of
        self._consent = consent if consent is not None else Consent()
        self._randbelow = randbelow
        self._other: WorkerLink | None = None
        self._models: dict[Paradigm, ModelInfo] = {}
        self._tasks = Tasks(self.broke.emit)
        self._endings = Tasks(self.broke.emit)
        self._busy = False
        self._other_has_room = False
        self._closed = False

    @property
    def busy(self) -> bool:
        return self._busy

    @property
    def other(self) -> WorkerLink | None:
        """The worker that was started to compare with."""
        return self._other

    @property
    def models(self) -> Mapping[Paradigm, ModelInfo]:
        """Those of the run, as far as they are known."""
        return self._models

    def begin(self, study: Study, report: Report, way: Way, *, alone: bool) -> None:
        """``alone``: each model has the memory to itself while it writes."""
        if self._busy:
            return
        self._busy = True
        self._models.clear()
        self.busy_changed.emit(True)
        self._tasks.spawn(self._run(study, report, way, alone), "compare", self._ended)

    def cancel(self) -> None:
        self._tasks.cancel()

    def dismiss_other(self) -> None:
        """Stop what runs, end the other worker and give its memory back."""
        self._tasks.cancel()
        if self._other_has_room:
            return  # it ends with what runs
        other, self._other = self._other, None
        if other is not None:
            self._endings.spawn(_end(other), "end the other worker")

    async def close(self) -> None:
        """End all that runs, the other worker too."""
        self._closed = True
        other, self._other = self._other, None
        # Together, for a job may wait for the answer of a worker that hangs.
        await asyncio.gather(self._tasks.close(), *([_end(other)] if other is not None else []))
        await self._endings.finish()

    def _ended(self) -> None:
        self._busy = False
        self.busy_changed.emit(False)

    async def _run(self, study: Study, report: Report, way: Way, alone: bool) -> None:
        try:
            self.finished.emit(await self._compare(study, report, way, alone))
        except asyncio.CancelledError:
            self.cancelled.emit()
        except (WorkerError, NothingToFill, CannotCompare, Outside) as error:
            self.failed.emit(error)

    async def _compare(self, study: Study, report: Report, way: Way, alone: bool) -> Comparison:
        plan, content = common_plan(report), report.content
        self.stage.emit("Waiting for the window's model…")
        await self._link.ready()
        paradigm, choice = self._choice_beside()
        other = None
        if alone:
            await self._end_other()
        else:
            other = await self._ready_other(paradigm, choice)
        self._consent.check(study, *self._models.values())
        self.stage.emit("Showing the image…")
        image = await self._image_of(study)
        seed = self._randbelow(2**31)
        sides: dict[Paradigm, Side] = {}

        async def write(link: WorkerLink) -> None:
            if (model := link.model) is None:
                raise WorkerDied(
                    f"The worker of {link.choice.checkpoint.name} ended before its turn. Run again."
                )
            asked = asked_of(model.paradigm, content, plan, way, seed)
            self.stage.emit(f"{len(sides) + 1} of 2: {NAMES[model.paradigm].lower()}…")
            recording = await self._record(link, asked, content, image, prompt_context(study))
            sides[model.paradigm] = Side(content, plan, asked.plan, recording)

        await write(self._link)
        if other is not None:
            await write(other)
        else:
            async with self._room_for_other():
                other = await self._ready_other(paradigm, choice)
                self._consent.check(study, *self._models.values())
                await write(other)
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

    def _choice_beside(self) -> tuple[Paradigm, ModelChoice]:
        """What the window's model is compared with."""
        model = self._link.model
        if model is None:
            raise WorkerDied("The worker was closed.")
        self._models[model.paradigm] = model
        paradigm = other_than(model.paradigm)
        checkpoint = self._other_checkpoint(paradigm)
        if checkpoint is None:
            raise CannotCompare(
                f"There is no {paradigm} model to compare with: choose its folder first."
            )
        return paradigm, ModelChoice(checkpoint, self._link.choice.placement)

    @asynccontextmanager
    async def _room_for_other(self) -> AsyncIterator[None]:
        """The window's worker makes room, and starts anew however this ends."""
        self.stage.emit(f"Unloading {self._link.choice.checkpoint.name}…")
        self._other_has_room = True
        try:
            await self._link.close()
            yield
        finally:
            back = asyncio.Event()
            # In a task of its own: whoever cancels twice would else be left without a worker.
            self._endings.spawn(self._give_room_back(), "give the room back", back.set)
            await back.wait()

    async def _give_room_back(self) -> None:
        try:
            await self._end_other()
        finally:
            self._other_has_room = False
            await self._link.close()  # which a cancel may have left behind half done
            if not self._closed:
                self._link.start()

    async def _end_other(self) -> None:
        other, self._other = self._other, None
        if other is not None:
            await _end(other)

    async def _ready_other(self, paradigm: Paradigm, choice: ModelChoice) -> WorkerLink:
        """Start the other worker, or take the one that runs, and wait until it is ready."""
        if self._other is not None and self._other.choice != choice:
            await self._end_other()
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
            hint = "" if self._other_has_room else f" {_TOO_MUCH}"
            raise CannotCompare(f"The other model could not be started. {error}{hint}") from error
        assert other.model is not None, "it is ready"
        self._models[other.model.paradigm] = other.model
        if other.model.paradigm != paradigm:
            raise CannotCompare(
                f"{other.model.name} writes as the window's model does ({other_than(paradigm)}): "
                f"choose a checkpoint that is {paradigm}."
            )
        return other

    def _show_loading(self) -> None:
        other = self._other
        if other is not None and other.state is WorkerState.STARTING:
            self.stage.emit(f"{other.stage or f'Loading {other.choice.checkpoint.name}'}…")
        elif other is not None and other.state is WorkerState.SILENT:
            self.stage.emit(
                f"The worker of {other.choice.checkpoint.name} does not answer: wait, or cancel"
            )


async def _end(link: WorkerLink) -> None:
    await link.close()
    link.deleteLater()
