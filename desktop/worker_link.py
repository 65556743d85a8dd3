"""The window's side of the worker: start it, know its state, run one job at a time on it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.tasks import Tasks
from inference.client import WorkerDied, WorkerError
from inference.protocol import Canvas, Filled, ModelInfo, Options, Piece, Prepared

_log = logging.getLogger(__name__)


class WorkerState(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    BUSY = "busy"
    STOPPING = "stopping"
    DIED = "died"


@dataclass(frozen=True)
class Job:
    """One infill, as the report model planned it. ``image`` is 8-bit grey, (height, width)."""

    pieces: Sequence[Piece]
    image: NDArray[np.uint8] | None
    context: str
    options: Options


class InfillClient(Protocol):
    """What the link needs of :class:`inference.client.Client`."""

    model: ModelInfo
    died: asyncio.Future[WorkerDied | None]

    @property
    def pid(self) -> int | None: ...

    async def infill(
        self,
        pieces: Sequence[Piece],
        *,
        image: NDArray[np.uint8] | None = None,
        context: str = "",
        options: Options = ...,
        on_canvas: Callable[[Canvas], None] | None = None,
    ) -> Filled: ...

    async def prepare(
        self, *, image: NDArray[np.uint8] | None = None, context: str = ""
    ) -> Prepared: ...

    async def close(self) -> None: ...


Launch = Callable[[Callable[[str], None]], Awaitable[InfillClient]]
"""Start a worker and wait until it is ready; the argument is told each stage of loading."""


class WorkerLink(QObject):
    """Holds the worker of one window.

    ``state_changed`` follows every change of :attr:`state` and of the loading stage; ``died``
    tells, as a :class:`WorkerError`, that the worker could not start or has ended unasked.
    """

    state_changed = Signal()
    died = Signal(object)  # WorkerError

    def __init__(self, launch: Launch, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._launch = launch
        self._client: InfillClient | None = None
        self._state = WorkerState.STOPPED
        self._stage = ""
        self._fault: WorkerError | None = None
        self._settled = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._tasks = Tasks(self._end_with)

    @property
    def state(self) -> WorkerState:
        return self._state

    @property
    def stage(self) -> str:
        """What a starting worker is about, e.g. "loading weights"."""
        return self._stage

    @property
    def model(self) -> ModelInfo | None:
        return self._client.model if self._client is not None else None

    @property
    def client(self) -> InfillClient | None:
        return self._client

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
                options=job.options,
                on_canvas=on_canvas,
            )
        finally:
            if not client.died.done():  # else _attend tells the window
                self._end_job()

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
            await self._tasks.close()
            if self._client is not None:
                await self._client.close()
        finally:
            self._client = self._closing = None
            self._become(WorkerState.STOPPED)

    async def _attend(self) -> None:
        """One life of the worker, from its start to its end."""
        try:
            self._client = await self._launch(self._told)
        except WorkerError as error:
            self._end_with(error)
            return
        _log.info("the worker is ready, process %s", self._client.pid)
        self._stage = ""
        self._become(WorkerState.READY)
        self._settled.set()
        death = await asyncio.shield(self._client.died)
        client, self._client = self._client, None
        # Told before anything is awaited: no job may begin on a worker that is gone.
        self._end_with(death or WorkerDied("The worker was closed."))
        await client.close()

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

    def _told(self, stage: str) -> None:
        self._stage = stage
        self.state_changed.emit()

    def _become(self, state: WorkerState) -> None:
        if state is not self._state:
            self._state = state
            self.state_changed.emit()
