"""One client of the worker: what it asks, and what it is still to hear."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from inference.conflate import Mailbox
from inference.engines.base import BadRequest
from inference.images import ImageCache
from inference.jobs import Job, JobQueue
from inference.limits import MAX_NAME, excess
from inference.protocol import (
    Cancel,
    Cancelled,
    Canvas,
    Ending,
    Failed,
    Infill,
    LoadAdapter,
    Measure,
    Prepare,
    PutImage,
    RemoveAdapter,
    Reply,
    Task,
    UseAdapter,
    decode_request,
    encode,
)
from inference.sockets import MALFORMED, send_all

MAX_JOBS: Final = 64
"""How many jobs one client may have in the queue."""


class Session:
    """One connected client: its jobs, and the mailbox of what it is still to hear."""

    def __init__(self, connection: ServerConnection, queue: JobQueue, images: ImageCache) -> None:
        self._connection = connection
        self._queue = queue
        self._images = images
        self._jobs: dict[str, Job] = {}
        self.mailbox: Mailbox[Reply] = Mailbox()
        self.writer = asyncio.create_task(
            send_all(connection, self.mailbox, encode), name="session writer"
        )

    async def read(self) -> None:
        """Take requests until the client is gone."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                # Who does not read the answers is not asked for more questions.
                await self.mailbox.room()
                self._take(await self._connection.recv(decode=False))

    def abort(self) -> None:
        """Leave a client that does not read what is still to be said."""
        self._connection.transport.abort()

    async def end(self) -> None:
        self.mailbox.close(discard=True)
        for job in list(self._jobs.values()):
            self._queue.cancel(job)
        await asyncio.wait([self.writer])

    def _take(self, frame: bytes) -> None:
        try:
            message = decode_request(frame)
            if (sentence := excess(message)) is not None:
                # An image is nobody's; an id beyond all bounds is not sent back.
                name = None if isinstance(message, PutImage) else message.request_id[:MAX_NAME]
                self.mailbox.put(Failed("bad_request", sentence, name))
                return
            match message:
                case PutImage():
                    self._images.put(message)
                case Infill() | Prepare() as request:
                    self._submit(request, request.image_id)
                case LoadAdapter() | UseAdapter() | RemoveAdapter() | Measure() as request:
                    self._submit(request, None)
                case Cancel(request_id):
                    if request_id in self._jobs:
                        self._queue.cancel(self._jobs[request_id])
        except BadRequest as error:
            self.mailbox.put(Failed("bad_request", str(error)))
        except MALFORMED as error:
            sentence = f"The worker could not read the request: {error}."
            self.mailbox.put(Failed("bad_request", sentence, _request_id(frame)))

    def _submit(self, request: Task, image_id: str | None) -> None:
        request_id = request.request_id
        if request_id in self._jobs:
            raise BadRequest(f"The request id {request_id!r} is in use; choose another one.")
        if len(self._jobs) >= MAX_JOBS:
            sentence = f"{MAX_JOBS} requests are waiting already; cancel some, or wait."
            self.mailbox.put(Failed("bad_request", sentence, request_id))
            return
        image = None
        if image_id is not None:
            image = self._images.get(image_id)
            if image is None:
                sentence = "The worker no longer holds the image; send it again."
                self.mailbox.put(Failed("unknown_image", sentence, request_id))
                return
        keep_all = isinstance(request, Infill) and request.every_canvas
        on_canvas = self._on_every_canvas if keep_all else self._on_canvas
        job = Job(self, request, image, on_canvas=on_canvas, on_end=self._on_end)
        self._jobs[request_id] = job
        self._queue.submit(job)

    def _on_canvas(self, canvas: Canvas) -> None:
        self.mailbox.put(canvas, key=canvas.request_id)

    def _on_every_canvas(self, canvas: Canvas) -> None:
        # A job has so many of them and no more; unread, they must not hold up its cancel.
        self.mailbox.put(canvas, counts=False)

    def _on_end(self, reply: Ending) -> None:
        assert reply.request_id is not None
        del self._jobs[reply.request_id]
        if isinstance(reply, Cancelled):
            self.mailbox.discard(reply.request_id)  # nothing of it is to be used
        self.mailbox.put(reply)


class _Named(msgspec.Struct):
    request_id: str | None = None


_named_decoder = msgspec.msgpack.Decoder(_Named)


def _request_id(frame: bytes) -> str | None:
    """Whose request a frame is that could not be read as one, as far as can be told."""
    try:
        return _named_decoder.decode(frame).request_id
    except MALFORMED:
        return None
