"""The worker's jobs: one at a time on the engine's own thread, its clients by turns.

Of each client the jobs run in the order of asking. Where several wait, each has one job in its
turn, so that an honest one waits for at most one job of every other client; and one that holds the
engine for longer than :data:`TURN` while another client waits is ended at its next step.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from inference.engines.base import BadRequest, Engine, JobCancelled
from inference.images import Image
from inference.protocol import (
    Adapted,
    Cancelled,
    Canvas,
    Ending,
    Failed,
    Filled,
    Infill,
    Measure,
    Measured,
    ModelInfo,
    Prepare,
    Prepared,
    Task,
)

log = logging.getLogger(__name__)
T = TypeVar("T")

TURN: Final = 60.0
"""Seconds that a job may hold the engine while another client waits for it."""


@dataclass(eq=False)
class Job:
    """One request, and where its canvases and then its one last reply go, on the loop.

    ``client`` is whose it is: any object that tells one client from another.
    """

    client: object
    request: Task
    image: Image | None
    on_canvas: Callable[[Canvas], None]
    on_end: Callable[[Ending], None]
    cancelled: threading.Event = field(default_factory=threading.Event)


class EngineThread:
    """The one thread that touches the model: it loads it and runs every job."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="engine")
        self._current: asyncio.Future[Any] | None = None

    async def call(self, function: Callable[[], T]) -> T:
        future = asyncio.get_running_loop().run_in_executor(self._executor, function)
        self._current = future
        # Shielded, for a cancelled future would hide that the thread is still at work.
        return await asyncio.shield(future)

    def close(self) -> bool:
        """Take no more calls. Whether the thread is at rest; it cannot be forced to."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        return self._current is None or self._current.done()


class JobQueue:
    """Jobs wait here for the engine."""

    def __init__(
        self,
        thread: EngineThread,
        on_model: Callable[[ModelInfo], None] = lambda _: None,
        turn: float = TURN,
    ) -> None:
        """``on_model`` is told when the engine's adapters have changed."""
        self._thread = thread
        self._on_model = on_model
        self._turn = turn
        # Clients in the order of their turns, each with its jobs in the order of asking.
        self._waiting: OrderedDict[object, deque[Job]] = OrderedDict()
        self._running: Job | None = None
        self._closed = False
        self._arrived = asyncio.Event()

    def submit(self, job: Job) -> None:
        self._waiting.setdefault(job.client, deque()).append(job)
        if self._running is not None and self._running.client in self._waiting:
            self._waiting.move_to_end(self._running.client)  # it has its turn just now
        if self._closed:
            self.cancel(job)
        self._arrived.set()

    def cancel(self, job: Job) -> None:
        """A waiting job ends at once, the running one within one step, an ended one stays so."""
        job.cancelled.set()
        if job in (jobs := self._waiting.get(job.client, deque())):
            jobs.remove(job)
            if not jobs:
                del self._waiting[job.client]
            job.on_end(Cancelled(job.request.request_id, step=0))

    def close(self) -> None:
        """Cancel every job; :meth:`run` returns once the running one has ended."""
        self._closed = True
        waiting = [job for jobs in self._waiting.values() for job in jobs]
        for job in [*waiting, *([self._running] if self._running else [])]:
            self.cancel(job)
        self._arrived.set()

    async def run(self, engine: Engine) -> None:
        """Do jobs until the queue is closed."""
        while not self._closed:
            while self._waiting:
                self._running = job = self._next()
                reply = await self._do(engine, job)
                self._running = None
                job.on_end(reply)
            if not self._closed:
                self._arrived.clear()
                await self._arrived.wait()

    def _next(self) -> Job:
        """The first job of the client whose turn it is, who is the last in turn from then on."""
        client, jobs = self._waiting.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            self._waiting[client] = jobs
        return job

    def _is_over(self, job: Job, started: float) -> bool:
        """Whether a running job has had its turn, and another client waits for its own."""
        late = time.monotonic() - started > self._turn
        return late and any(client is not job.client for client in list(self._waiting))

    async def _do(self, engine: Engine, job: Job) -> Ending:
        loop = asyncio.get_running_loop()
        request_id = job.request.request_id
        started = time.monotonic()
        over = False

        def is_cancelled() -> bool:
            nonlocal over
            over = over or self._is_over(job, started)
            return over or job.cancelled.is_set()

        def emit(canvas: Canvas) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the worker is ending
                loop.call_soon_threadsafe(job.on_canvas, canvas)

        def work() -> Filled | Prepared | Adapted | Measured:
            match job.request:
                case Prepare():
                    return engine.prepare(job.request, job.image)
                case Infill():
                    return engine.infill(job.request, job.image, emit, is_cancelled)
                case Measure():
                    return Measured(request_id, *engine.memory())
            return Adapted(request_id, engine.adapt(job.request))

        try:
            reply = await self._thread.call(work)
            if isinstance(reply, Adapted):
                self._on_model(reply.model)
            return reply
        except JobCancelled as cancelled:
            if over and not job.cancelled.is_set():
                return Failed("bad_request", _turn_over(self._turn), request_id)
            return Cancelled(request_id, cancelled.step)
        except BadRequest as error:
            return Failed("bad_request", str(error), request_id)
        except Exception as error:
            log.exception("The engine failed on request %s", request_id)
            return Failed("internal", _apology(error), request_id)


def _turn_over(seconds: float) -> str:
    return (
        f"Another client waits, and this request has held the model for {seconds:.0f} s. Ask for "
        "less: fewer steps, fewer candidates or fewer gaps."
    )


def _apology(error: Exception) -> str:
    first_line = next(iter(str(error).splitlines()), "")
    return (
        f"The worker failed on this request ({type(error).__name__}: {first_line}); "
        "its log says more. Try again, and restart the worker if it fails once more."
    )
