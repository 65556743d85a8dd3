"""The window's side of the worker: start it, know its state, run one job at a time on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.model_choice import ModelChoice
from desktop.tasks import Tasks
from inference.client import WorkerDied, WorkerError
from inference.protocol import Canvas, Filled, Measured, ModelInfo, Options, Piece, Prepared

_log = logging.getLogger(__name__)


class WorkerState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    CHANGING = "changing"
    SILENT = "silent"
    STOPPING = "stopping"
    DIED = "died"


@dataclass(frozen=True)
class Job:
    """One infill, as the report model planned it, or the answer to a ``question``.

    ``image`` is 8-bit grey, (height, width). With ``every_canvas`` none is dropped.
    """

    pieces: Sequence[Piece]
    image: NDArray[np.uint8] | None
    context: str
    options: Options
    question: str | None = None
    every_canvas: bool = False


class InfillClient(Protocol):
    """What the link needs of :class:`inference.client.Client`."""

    model: ModelInfo
    died: asyncio.Future[WorkerDied | None]
    on_answering: Callable[[bool], None] | None

    @property
    def pid(self) -> int | None: ...

    async def infill(
        self,
        pieces: Sequence[Piece],
        *,
        image: NDArray[np.uint8] | None = None,
        context: str = "",
        question: str | None = None,
        options: Options = ...,
        every_canvas: bool = False,
        on_canvas: Callable[[Canvas], None] | None = None,
    ) -> Filled: ...

    async def prepare(
        self, *, image: NDArray[np.uint8] | None = None, context: str = ""
    ) -> Prepared: ...

    async def load_adapter(self, folder: Path) -> ModelInfo: ...

    async def use_adapter(self, name: str | None) -> ModelInfo: ...

    async def remove_adapter(self, name: str) -> ModelInfo: ...

    async def measure(self) -> Measured: ...

    async def close(self) -> None: ...


Launch = Callable[[ModelChoice, Callable[[str], None]], Awaitable[InfillClient]]
"""Start a worker and wait until it is ready; the second argument is told each stage of loading."""


_AT_WORK: Final = (WorkerState.READY, WorkerState.BUSY, WorkerState.CHANGING)


class WorkerLink(QObject):
    """Holds the worker of one window.

    ``state_changed`` follows every change of :attr:`state` and of the loading stage; ``died``
    tells, as a :class:`WorkerError`, that the worker could not start or has ended unasked, and
    ``refused`` why an adapter is not on that was asked for, ``doubted`` what speaks against one
    that is on.
    """

    state_changed = Signal()
    died = Signal(object)  # WorkerError
    refused = Signal(object)  # WorkerError
    doubted = Signal(str)

    def __init__(self, launch: Launch, choice: ModelChoice, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launch = launch
        self.choice = choice
        self._adapters: dict[str, Path] = {}
        self._client: InfillClient | None = None
        self._state = WorkerState.STOPPED
        self._silent = False
        self._stage = ""
        self._fault: WorkerError | None = None
        self._settled = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._tasks = Tasks(self._end_with)

    @property
    def state(self) -> WorkerState:
        """What the worker is at; silent where it ought to work and does not answer."""
        return WorkerState.SILENT if self._silent and self._state in _AT_WORK else self._state

    @property
    def stage(self) -> str:
        """What a starting worker is about, e.g. "loading weights"."""
        return self._stage

    @property
    def model(self) -> ModelInfo | None:
        return self._client.model if self._client is not None else None

    @property
    def adapters(self) -> Mapping[str, Path]:
        """The folders of the adapters that are loaded, by name."""
        return self._adapters

    @property
    def client(self) -> InfillClient | None:
        return self._client

    def beside(self, choice: ModelChoice) -> WorkerLink:
        """A link of the same kind to another worker, which runs beside this one's."""
        return WorkerLink(self._launch, choice)

    def start(self) -> None:
        """Start the worker in the background, anew where it died."""
        if self._state in (WorkerState.STOPPED, WorkerState.DIED):
            self._fault = None
            self._settled.clear()
            self._stage = ""
            self._become(WorkerState.STARTING)
            self._tasks.spawn(self._attend(), "worker")

    async def ready(self) -> None:
        """Wait until the worker takes jobs. Raises :class:`WorkerError` where it never will."""
        await self._settled.wait()
        if self._fault is not None:
            raise self._fault

    async def run(self, job: Job, on_canvas: Callable[[Canvas], None]) -> Filled:
        """Run one job to its end; cancelling the calling task cancels the job.

        Raises :class:`WorkerError`, of which :class:`WorkerDied` when the worker ended on it.
        """
        await self.ready()
        client = self._client
        if client is None or self._state is not WorkerState.READY:
            raise RuntimeError(f"the worker is {self._state.value}")
        self._become(WorkerState.BUSY)
        try:
            return await client.infill(
                job.pieces,
                image=job.image,
                context=job.context,
                question=job.question,
                options=job.options,
                every_canvas=job.every_canvas,
                on_canvas=on_canvas,
            )
        finally:
            if not client.died.done():  # else _attend tells the window
                self._end_job()

    async def load_adapter(self, folder: Path) -> None:
        """Put an adapter on top, and have every later worker do so. Errors as with :meth:`run`."""
        async with self._changing() as client:
            await self._load_adapter(client, folder)

    async def use_adapter(self, name: str | None) -> None:
        """Switch on a loaded adapter, or none. Errors as with :meth:`run`."""
        async with self._changing() as client:
            await client.use_adapter(name)
            self.choice = replace(self.choice, adapter=self._adapters.get(name or ""))

    async def remove_adapter(self, name: str) -> None:
        """Let the worker forget an adapter. Errors as with :meth:`run`."""
        async with self._changing() as client:
            model = await client.remove_adapter(name)
            self._adapters.pop(name, None)
            self.choice = replace(self.choice, adapter=self._adapters.get(model.adapter or ""))

    async def measure(self) -> Measured | None:
        """The memory that the worker holds; ``None`` while there is none."""
        return await self._client.measure() if self._client is not None else None

    async def close(self) -> None:
        """End the worker; waits until it has gone. May be repeated.

        No job begins from here on: one that is asked for waits for the next worker. Cancelling
        ends the waiting alone.
        """
        if self._closing is None:
            self._settled.clear()
            if self._state is not WorkerState.STOPPED:
                self._become(WorkerState.STOPPING)
            self._closing = asyncio.create_task(self._close(), name="worker: close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        try:
            # Together, for what runs may wait for the answer of a worker that hangs.
            client = self._client
            await asyncio.gather(
                self._tasks.close(), *([client.close()] if client is not None else [])
            )
        finally:
            self._client = self._closing = None
            self._become(WorkerState.STOPPED)

    async def _attend(self) -> None:
        """One life of the worker, from its start to its end."""
        try:
            self._client = await self._launch(self.choice, self._told)
        except WorkerError as error:
            self._end_with(error)
            return
        _log.info("the worker is ready, process %s", self._client.pid)
        self._silent = False
        self._client.on_answering = self._heard
        await self._load_chosen_adapter(self._client)
        self._stage = ""
        self._become(WorkerState.READY)
        self._settled.set()
        death = await asyncio.shield(self._client.died)
        client, self._client = self._client, None
        # Told before anything is awaited: no job may begin on a worker that is gone.
        self._end_with(death or WorkerDied("The worker was closed."))
        await client.close()

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[InfillClient]:
        """The worker takes another adapter meanwhile; a job that is asked for waits."""
        await self.ready()
        client = self._client
        if client is None or self._state is not WorkerState.READY:
            raise RuntimeError(f"the worker is {self._state.value}")
        self._settled.clear()
        self._become(WorkerState.CHANGING)
        try:
            yield client
        finally:
            self._end_change()

    async def _load_adapter(self, client: InfillClient, folder: Path) -> None:
        model = await client.load_adapter(folder)
        if model.adapter_doubt:
            self.doubted.emit(model.adapter_doubt)
        self._adapters[model.adapter or ""] = folder
        self.choice = replace(self.choice, adapter=folder)

    async def _load_chosen_adapter(self, client: InfillClient) -> None:
        """A worker that took another's place says what that said."""
        self._adapters.clear()
        if self.choice.adapter is None:
            return
        self._told("Loading the adapter")
        try:
            await self._load_adapter(client, self.choice.adapter)
        except WorkerDied:
            pass  # told by its death; the next worker tries again
        except WorkerError as error:
            self.choice = replace(self.choice, adapter=None)
            self.refused.emit(error)

    def _end_change(self) -> None:
        if self._state is WorkerState.CHANGING:  # else the worker has died, or is to end
            self._become(WorkerState.READY)
            self._settled.set()

    def _end_job(self) -> None:
        if self._state is WorkerState.BUSY:
            self._become(WorkerState.READY)

    def _end_with(self, fault: Exception) -> None:
        if self._state is WorkerState.STOPPING:
            return  # it was to end
        self._fault = fault if isinstance(fault, WorkerError) else WorkerDied(str(fault))
        self._become(WorkerState.DIED)
        self._settled.set()
        self.died.emit(self._fault)

    def _heard(self, answering: bool) -> None:
        self._silent = not answering
        self.state_changed.emit()

    def _told(self, stage: str) -> None:
        self._stage = stage
        self.state_changed.emit()

    def _become(self, state: WorkerState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit()
