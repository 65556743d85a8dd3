"""The asyncio client of a worker: used by the window, the command line, plugins and tests alike.

client = await Client.launch(checkpoint)             # a worker process on this machine
client = await Client.connect("ws://host:8080", token)     # one that runs already
filled = await client.infill(pieces, image=image, on_canvas=show)
await client.close()
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Final

import numpy as np
from numpy.typing import NDArray
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.conflate import Mailbox
from inference.errors import RequestFailed, WorkerDied, WorkerError
from inference.heartbeat import PATIENCE, Heartbeat, Patience
from inference.limits import excess, image_excess
from inference.local_worker import LocalWorker, worker_command
from inference.placement import ANYWHERE, Placement
from inference.protocol import (
    MAX_FRAME_BYTES,
    PROTOCOL_VERSION,
    Adapted,
    AdapterRequest,
    Cancel,
    Cancelled,
    Canvas,
    Ending,
    Failed,
    Filled,
    Gap,
    Infill,
    LoadAdapter,
    Loading,
    Measure,
    Measured,
    ModelInfo,
    Options,
    Piece,
    Prepare,
    Prepared,
    PutImage,
    Ready,
    RemoveAdapter,
    Reply,
    Request,
    Task,
    UseAdapter,
    decode_reply,
    encode,
    image_digest,
)
from inference.sockets import MALFORMED, close, open_connection, send_all

__all__ = [
    "ANYWHERE",
    "Client",
    "Patience",
    "Placement",
    "RequestFailed",
    "WorkerDied",
    "WorkerError",
]

log = logging.getLogger(__name__)

_UPLOADS: Final = 3
"""How often an image is sent for one job, where other clients keep pushing it out of the cache."""

_EXIT_TIMEOUT: Final = 5.0
"""Seconds between the loss of the connection and the exit of the process that explains it."""

_SLOW_DISK: Final = 50e6
"""Bytes that a slow disk gives in a second."""

FAR: Final = Patience(beat=5.0, loading=3600.0)
"""A worker at the other end of a network may be late, and its weights on any disk."""

_NO_OPTIONS: Final = Options()


@dataclass(eq=False)
class _Job:
    """What is asked of the worker; ``abandoned`` is the time at which nobody waited any longer."""

    request: Task
    on_canvas: Callable[[Canvas], None] | None
    abandoned: float | None = None
    has_drawn: bool = False
    ending: asyncio.Future[Ending] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Client:
    """A connection to a worker that is ready. Every callback runs on the event loop's thread."""

    model: ModelInfo
    """What the worker runs."""

    on_answering: Callable[[bool], None] | None = None
    """Told when the worker no longer answers, and when it does again; where nobody listens while it
    loads, the stage of loading says so."""

    def __init__(
        self,
        socket: ClientConnection,
        worker: LocalWorker | None,
        on_loading: Callable[[str], None] | None,
        patience: Patience = PATIENCE,
        on_answering: Callable[[bool], None] | None = None,
    ) -> None:
        """Use :meth:`launch` or :meth:`connect`, which wait until the worker is ready."""
        loop = asyncio.get_running_loop()
        self._socket = socket
        self._worker = worker
        self._on_loading = on_loading
        self.on_answering = on_answering
        self._patience = patience
        self._outbox: Mailbox[bytes] = Mailbox()
        self._jobs: dict[str, _Job] = {}
        self._numbers = itertools.count(1)
        self._uploaded: set[str] = set()
        self._ready: asyncio.Future[ModelInfo] = loop.create_future()
        self._closing: asyncio.Task[None] | None = None
        self._gone: WorkerDied | None = None
        self.died: asyncio.Future[WorkerDied | None] = loop.create_future()
        """Done when the worker is gone: with the reason, or ``None`` after :meth:`close`."""
        self._stage = "Starting"
        self._watch = loop.call_later(patience.loading, self._give_up_loading)
        self._heartbeat = Heartbeat(
            socket, patience.beat, self._allowed, self._is_overdue, self._tell_answering
        )
        self._reader = asyncio.create_task(self._read(), name="worker client: reader")
        self._writer = asyncio.create_task(
            send_all(socket, self._outbox, bytes), name="worker client: writer"
        )

    # -- coming and going

    @classmethod
    async def launch(
        cls,
        checkpoint: Path,
        *,
        placement: Placement = ANYWHERE,
        on_loading: Callable[[str], None] | None = None,
        on_answering: Callable[[bool], None] | None = None,
        patience: Patience = PATIENCE,
    ) -> Client:
        """Start a worker process for ``checkpoint`` and wait until it is ready.

        ``on_loading`` is told the stages, ``on_answering`` what :attr:`on_answering` is. Raises
        :class:`RequestFailed` with kind ``"checkpoint"`` where that cannot be loaded,
        :class:`WorkerDied` where the worker ends or says nothing for too long. Cancelling leaves
        no process behind.
        """
        worker = LocalWorker.start(worker_command(checkpoint, placement))
        slow = replace(patience, loading=patience.loading + _reading_seconds(checkpoint))
        return await cls.attach(
            worker, on_loading=on_loading, on_answering=on_answering, patience=slow
        )

    @classmethod
    async def attach(
        cls,
        worker: LocalWorker,
        *,
        on_loading: Callable[[str], None] | None = None,
        on_answering: Callable[[bool], None] | None = None,
        patience: Patience = PATIENCE,
    ) -> Client:
        """As :meth:`launch`, with a process that was just started and now belongs to the client."""
        try:
            url = await _announced(worker, patience.announcing)
            try:
                socket = await open_connection(url, worker.token, ping_interval=None)
            except WorkerError:
                if await worker.ended_within(_EXIT_TIMEOUT):
                    raise worker.obituary() from None
                raise
        except BaseException:
            await worker.stop()
            raise
        return await cls._when_ready(cls(socket, worker, on_loading, patience, on_answering))

    @classmethod
    async def connect(
        cls,
        url: str,
        token: str,
        *,
        on_loading: Callable[[str], None] | None = None,
        patience: Patience = FAR,
    ) -> Client:
        """Connect to a worker that runs already, here or elsewhere; wait until it is ready.

        Raises :class:`WorkerError` where nobody answers or the token is refused.
        """
        socket = await open_connection(url, token, ping_interval=20.0)
        return await cls._when_ready(cls(socket, None, on_loading, patience))

    @staticmethod
    async def _when_ready(client: Client) -> Client:
        try:
            client.model = await asyncio.shield(client._ready)
        except BaseException:
            await client.close()
            raise
        finally:
            client._watch.cancel()
        return client

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    @property
    def pid(self) -> int | None:
        """The process id of a worker that this client launched."""
        return self._worker.pid if self._worker else None

    @property
    def answering(self) -> bool:
        """Whether the worker answers pings, and puts down what is cancelled."""
        return self._heartbeat.answering

    async def close(self) -> None:
        """End the connection, and the process where this client launched it. May be repeated.

        Infills under way raise :class:`WorkerDied`.
        """
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="worker client: close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._watch.cancel()
        hangs = not self.answering or self._is_stopped()
        hangs = hangs or any(job.abandoned is not None for job in self._jobs.values())
        self._bury(WorkerDied("The worker was closed."))
        try:
            if hangs:
                self._socket.transport.abort()
            hangs = not await close(self._socket) or hangs
            await asyncio.wait([self._reader, self._writer])
            await self._heartbeat.stop()
        finally:
            if self._worker is not None:
                if hangs:  # it keeps nothing, and would not hear that it is to end
                    self._worker.kill()
                await self._worker.stop()
        if not self.died.done():
            self.died.set_result(None)

    # -- jobs

    async def infill(
        self,
        pieces: Sequence[Piece],
        *,
        image: NDArray[np.uint8] | None = None,
        context: str = "",
        question: str | None = None,
        options: Options = _NO_OPTIONS,
        every_canvas: bool = False,
        on_canvas: Callable[[Canvas], None] | None = None,
    ) -> Filled:
        """Fill the gaps of ``pieces``; ``image`` is ``(height, width)``, 255 is white.

        With a ``question`` the model answers that instead of reporting, in one gap alone.

        ``on_canvas`` is called after every step that the connection could keep up with, the last
        always; with ``every_canvas`` after all of them, though later. Raises
        :class:`RequestFailed` and :class:`WorkerDied`, and what ``on_canvas`` raises. Cancelling
        the task cancels the job: it ends as soon as the worker has said so, and is abandoned where
        that takes longer than the client's patience. What comes of it then is dropped.
        """
        upload = None if image is None else _upload(image)
        request = Infill(
            request_id=str(next(self._numbers)),
            pieces=tuple(pieces),
            image_id=upload.image_id if upload else None,
            context=context,
            options=options,
            question=question,
            every_canvas=every_canvas,
        )
        return _checked(await self._ask(request, upload, on_canvas), request)

    async def prepare(
        self, *, image: NDArray[np.uint8] | None = None, context: str = ""
    ) -> Prepared:
        """Let the worker encode the prefix of a study before the first job on it is asked for.

        Arguments, errors and cancelling as with :meth:`infill`.
        """
        upload = None if image is None else _upload(image)
        request = Prepare(str(next(self._numbers)), upload.image_id if upload else None, context)
        ending = await self._ask(request, upload, None)
        assert isinstance(ending, Prepared)
        return ending

    async def load_adapter(self, folder: Path) -> ModelInfo:
        """Load the adapter in ``folder``, a path of the worker's machine, and switch it on.

        Jobs that were asked for before run without it. Raises :class:`RequestFailed`, and then
        nothing has changed, and :class:`WorkerDied`.
        """
        return await self._adapt(LoadAdapter(str(next(self._numbers)), str(folder)))

    async def use_adapter(self, name: str | None) -> ModelInfo:
        """Switch on a loaded adapter, or none. Errors as with :meth:`load_adapter`."""
        return await self._adapt(UseAdapter(str(next(self._numbers)), name))

    async def remove_adapter(self, name: str) -> ModelInfo:
        """Let the worker forget an adapter. Errors as with :meth:`load_adapter`."""
        return await self._adapt(RemoveAdapter(str(next(self._numbers)), name))

    async def measure(self) -> Measured:
        """How much memory the worker holds, once its jobs are done. Raises as :meth:`infill`."""
        ending = await self._ask(Measure(str(next(self._numbers))), None, None)
        assert isinstance(ending, Measured)
        return ending

    async def _adapt(self, request: AdapterRequest) -> ModelInfo:
        ending = await self._ask(request, None, None)
        assert isinstance(ending, Adapted)
        self.model = ending.model
        return ending.model

    async def _ask(
        self,
        request: Task,
        upload: PutImage | None,
        on_canvas: Callable[[Canvas], None] | None,
    ) -> Filled | Prepared | Adapted | Measured:
        """Send a request, and its image where the worker has to be told; wait for the answer."""
        frame = _frame(request)
        for _ in range(_UPLOADS):
            if upload and upload.image_id not in self._uploaded:
                self._send(_frame(upload))
                self._uploaded.add(upload.image_id)
            ending = await self._run(request, frame, on_canvas)
            match ending:
                case Filled() | Prepared() | Adapted() | Measured():
                    return ending
                case Cancelled():
                    raise WorkerDied("The worker was stopped by someone else.")
                case Failed(kind="unknown_image") if upload:
                    self._uploaded.discard(upload.image_id)
                case Failed():
                    break
        assert isinstance(ending, Failed)
        raise RequestFailed(ending.kind, ending.message)

    async def _run(
        self, request: Task, frame: bytes, on_canvas: Callable[[Canvas], None] | None
    ) -> Ending:
        job = _Job(request, on_canvas)
        self._jobs[request.request_id] = job
        job.ending.add_done_callback(lambda _: self._forget(job))
        try:
            self._send(frame)
            return await asyncio.shield(job.ending)
        except asyncio.CancelledError:
            await self._cancel(job)
            raise
        except WorkerDied:
            self._forget(job)
            raise

    async def _cancel(self, job: _Job) -> None:
        """Have the worker put a job down, and wait for its word, though not for ever."""
        job.on_canvas = None
        if job.ending.done():
            return
        self._send(_frame(Cancel(job.request.request_id)))
        try:
            # Whatever ends it, the answer, a late fill or the worker's death, nobody asks.
            await asyncio.wait([job.ending], timeout=self._patience.cancel)
        finally:
            if not job.ending.done():
                job.abandoned = asyncio.get_running_loop().time()

    def _forget(self, job: _Job) -> None:
        if self._jobs.get(job.request.request_id) is job:
            del self._jobs[job.request.request_id]
        if job.ending.done() and not job.ending.cancelled():
            job.ending.exception()  # seen, so that the loop does not complain of it

    def _send(self, frame: bytes) -> None:
        # Queued, never awaited: nothing that is cancelled half-way can lose or reorder a frame.
        if self._gone is not None:
            raise self._gone
        self._outbox.put(frame)

    # -- whether it answers

    def _allowed(self) -> int:
        """Beats that may be missed: an adapter brings libraries with it, as loading does.

        A process that the system holds is not importing any.
        """
        importing = not self._ready.done() or any(
            isinstance(job.request, AdapterRequest) for job in self._jobs.values()
        )
        patient = importing and not self._is_stopped()
        return self._patience.missed_importing if patient else self._patience.missed

    def _is_stopped(self) -> bool:
        return self._worker is not None and self._worker.is_stopped()

    def _is_overdue(self) -> bool:
        """Whether a cancelled infill is still denoising, which ends with each step.

        Before its first canvas it encodes the prompt in one forward, which a large model on a
        processor takes long for.
        """
        late = asyncio.get_running_loop().time() - self._patience.abandoned
        return any(
            job.abandoned is not None and job.abandoned < late and job.has_drawn
            for job in self._jobs.values()
        )

    def _tell_answering(self, answering: bool) -> None:
        log.info("the worker %s", "answers again" if answering else "does not answer")
        if self._gone is not None:
            return
        if self.on_answering is not None:
            self.on_answering(answering)
        elif self._on_loading is not None and not self._ready.done():
            complaint = "" if answering else " (the worker does not answer)"
            self._call(self._on_loading, self._stage + complaint)

    def _hear_stage(self, stage: str) -> None:
        """Each stage of loading has the whole of the client's patience."""
        self._stage = stage
        self._watch.cancel()
        if not self._ready.done():
            self._watch = asyncio.get_running_loop().call_later(
                self._patience.loading, self._give_up_loading
            )
        if self._on_loading is not None:
            self._call(self._on_loading, stage)

    def _give_up_loading(self) -> None:
        if not self._ready.done():
            ended = ", and was ended" if self._worker is not None else ""
            self._ready.set_exception(
                WorkerDied(
                    f"The worker has said nothing for {self._patience.loading:.0f} s "
                    f"({self._stage}){ended}. The checkpoint may be damaged, or the "
                    "disk very slow: try again, or name another checkpoint."
                )
            )

    # -- the connection

    async def _read(self) -> None:
        complaint: str | None = None
        try:
            while True:
                self._take(decode_reply(await self._socket.recv(decode=False)))
        except ConnectionClosed:
            pass
        except MALFORMED as error:
            complaint = f"The worker speaks in a way that this version does not know: {error}."
        if self._closing is None:
            await self._mourn(complaint)

    async def _mourn(self, complaint: str | None) -> None:
        """Find out why the connection is lost, and tell everyone who waits."""
        if complaint is not None:
            death = WorkerDied(complaint)
        elif self._worker is None:
            death = WorkerDied("The connection to the worker was lost.")
        else:
            if not await self._worker.ended_within(_EXIT_TIMEOUT):
                self._worker.kill()  # a worker that nobody can reach is of no use
            death = self._worker.obituary()
        self._bury(death)
        if not self.died.done():
            self.died.set_result(death)

    def _bury(self, death: WorkerDied) -> None:
        if self._gone is None:
            self._gone = death
        self._outbox.close(discard=True)
        for job in list(self._jobs.values()):
            if not job.ending.done():
                job.ending.set_exception(self._gone)
        if not self._ready.done():
            self._ready.set_exception(self._gone)
            self._ready.exception()  # seen: who waits for it gets it, and nobody has to

    def _take(self, reply: Reply) -> None:
        match reply:
            case Canvas():
                self._show(reply)
            case (
                Filled()
                | Prepared()
                | Adapted()
                | Measured()
                | Cancelled()
                | Failed(request_id=str())
            ):
                job = self._jobs.get(reply.request_id or "")
                if job is not None and not job.ending.done():
                    job.ending.set_result(reply)
            case Loading(stage):
                self._hear_stage(stage)
            case Ready(model, version):
                self._on_ready(model, version)
            case Failed(kind, message):
                if self._ready.done():
                    log.warning("The worker complains: %s", message)
                else:
                    self._ready.set_exception(RequestFailed(kind, message))

    def _on_ready(self, model: ModelInfo, version: int) -> None:
        if self._ready.done():
            self.model = model  # another client has changed its adapters
            return
        if version == PROTOCOL_VERSION:
            self._ready.set_result(model)
        else:
            self._ready.set_exception(
                WorkerError(
                    f"The worker speaks version {version} of the protocol, this program version "
                    f"{PROTOCOL_VERSION}; install the same Pinfill on both sides."
                )
            )

    def _show(self, canvas: Canvas) -> None:
        job = self._jobs.get(canvas.request_id)
        if job is not None:
            job.has_drawn = True
        if job is None or job.on_canvas is None or job.ending.done():
            return
        try:
            job.on_canvas(canvas)
        except Exception as error:
            job.ending.set_exception(error)
            self._send(_frame(Cancel(canvas.request_id)))

    def _call(self, callback: Callable[[str], None], stage: str) -> None:
        try:
            callback(stage)
        except Exception as error:
            if not self._ready.done():
                self._ready.set_exception(error)


async def _announced(worker: LocalWorker, seconds: float) -> str:
    """The address of a new worker, unless it says nothing for too long."""
    try:
        async with asyncio.timeout(seconds):
            return await worker.address()
    except TimeoutError:
        worker.kill()
        message = (
            f"The worker did not start within {seconds:.0f} s, and was ended. Look whether the "
            "machine is overloaded or its disk very slow, and try again."
        )
        raise WorkerDied(message) from None


def _reading_seconds(checkpoint: Path) -> float:
    """How long the weights take to be read from a slow disk: no stage tells of it in between."""
    with contextlib.suppress(OSError):
        return sum(file.stat().st_size for file in checkpoint.glob("*.safetensors")) / _SLOW_DISK
    return 0.0


def _upload(image: NDArray[np.uint8]) -> PutImage:
    if image.ndim != 2 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"an 8-bit greyscale image is needed, not {image.dtype} {image.shape}")
    height, width = image.shape
    if (sentence := image_excess(width, height)) is not None:
        raise RequestFailed("bad_request", sentence)
    pixels = image.tobytes()
    return PutImage(image_digest(pixels, width, height), width, height, pixels)


def _frame(request: Request) -> bytes:
    if (sentence := excess(request)) is not None:
        raise RequestFailed("bad_request", sentence)
    try:
        frame = encode(request)
    except UnicodeEncodeError as error:
        message = "The text holds half a character (a lone surrogate); delete it and try again."
        raise RequestFailed("bad_request", message) from error
    except OverflowError as error:
        message = "A number in the request is too large; 64 bits are the most."
        raise RequestFailed("bad_request", message) from error
    if len(frame) > MAX_FRAME_BYTES:
        message = f"The request has {len(frame)} bytes, {MAX_FRAME_BYTES} is the most; shorten it."
        raise RequestFailed("bad_request", message)
    return frame


def _checked(filled: Filled | Prepared | Adapted | Measured, request: Infill) -> Filled:
    assert isinstance(filled, Filled)
    gaps = sum(isinstance(piece, Gap) for piece in request.pieces)
    counts = {len(candidate.fills) for candidate in filled.candidates}
    if counts != {gaps}:
        told = " or ".join(map(str, sorted(counts))) or "none"
        message = f"The worker filled {told} gaps of {gaps}; nothing was changed."
        raise RequestFailed("internal", message)
    return filled
