"""The worker process: takes jobs over a WebSocket and streams what the engine makes of them.

``python -m inference.server --checkpoint DIR`` listens, prints one JSON line with its address,
then loads the checkpoint. Whoever connects must show the token that the environment variable
:data:`~inference.local_worker.TOKEN_VARIABLE` holds.

Exit codes: 0 when asked to stop, 2 when the checkpoint cannot be loaded, 1 for a fault.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import hmac
import http
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from websockets.asyncio.server import Server as SocketServer
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from inference.arguments import ArgumentParser
from inference.engines.base import Engine
from inference.images import ImageCache
from inference.jobs import TURN, EngineThread, JobQueue
from inference.local_worker import TOKEN_VARIABLE
from inference.parent_watch import watch_parent
from inference.placement import Placement
from inference.protocol import MAX_FRAME_BYTES, Failed, Loading, Ready
from inference.session import Session
from inference.sockets import CLOSE_TIMEOUT
from inference.threads import wait_briefly

log = logging.getLogger(__name__)

EngineLoader = Callable[[Callable[[str], None]], Engine]
"""Loads an engine, telling its stages; raises :class:`CheckpointFault` with a sentence."""

_GRACE: Final = 2.0
"""Seconds that the running step, and what is still to be sent, may hold up the end."""

_FAREWELL: Final = 10.0
"""Seconds to wait for a client that is still to hear why the worker ends."""

_SEND_BUFFER: Final = 64 * 1024
"""Bytes in the kernel's hands: as stale as what a slow reader sees may be."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class CheckpointFault(Exception):
    """The checkpoint cannot be loaded; ``str()`` is a sentence for the reader."""


class Server:
    """The worker without its process: :meth:`start` it, await :meth:`stopped`, :meth:`close` it."""

    def __init__(
        self,
        engine_loader: EngineLoader,
        *,
        token: str,
        host: str = "127.0.0.1",
        port: int = 0,
        turn: float = TURN,
    ) -> None:
        """``turn`` is for how long, in seconds, a job may keep other clients waiting."""
        self._engine_loader = engine_loader
        self._token = token
        self._host = host
        self._port = port
        self._thread = EngineThread()
        self.jobs = JobQueue(self._thread, lambda model: self._tell(Ready(model)), turn)
        self.images = ImageCache()
        self._status: Loading | Ready | Failed = Loading("Starting the worker")
        self._status_heard = asyncio.Event()
        self._sessions: set[Session] = set()
        self._exit: asyncio.Future[int] | None = None
        self._work: asyncio.Task[None] | None = None
        self._sockets: SocketServer | None = None

    async def start(self) -> str:
        """Listen and begin to load; returns the address, ``ws://host:port``."""
        self._exit = asyncio.get_running_loop().create_future()
        self._sockets = await serve(
            self._serve_client,
            self._host,
            self._port,
            process_request=self._admit,
            compression=None,
            max_size=MAX_FRAME_BYTES,
            write_limit=_SEND_BUFFER // 4,
            close_timeout=CLOSE_TIMEOUT,
            # On one machine a dead peer's socket closes by itself; a cable that is pulled tells
            # nothing, and its jobs would run on.
            ping_interval=None if self._host in _LOOPBACK else 20.0,
            ping_timeout=60.0,
        )
        self._work = asyncio.create_task(self._load_and_work(), name="engine")
        self._work.add_done_callback(self._on_work_end)
        address = next(iter(self._sockets.sockets)).getsockname()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        return f"ws://{host}:{address[1]}"

    def stop(self, code: int = 0) -> None:
        """Ask for the end; :meth:`stopped` returns ``code``."""
        if self._exit is not None and not self._exit.done():
            self._exit.set_result(code)

    async def stopped(self) -> int:
        assert self._exit is not None, "start() comes first"
        return await asyncio.shield(self._exit)

    async def close(self) -> bool:
        """Cancel all jobs, hand out what is still to be said and close.

        Returns whether the engine's thread has come to rest. Where it has not, because a step or
        a load takes longer than the grace, only the end of the process stops it.
        """
        self.stop()
        self.jobs.close()
        if self._work is not None:
            # A step comes to its end soon, loading does not.
            grace = _GRACE if isinstance(self._status, Ready) else 0.0
            await asyncio.wait([self._work], timeout=grace)
            self._work.cancel()
            await asyncio.wait([self._work])
        for session in self._sessions:
            session.mailbox.close()
        if self._sessions:
            await asyncio.wait([session.writer for session in self._sessions], timeout=_GRACE)
        for session in list(self._sessions):
            if not session.writer.done():
                session.abort()
        if self._sockets is not None:
            self._sockets.close()
            await self._sockets.wait_closed()
        return self._thread.close()

    # -- the engine

    async def _load_and_work(self) -> None:
        loop = asyncio.get_running_loop()

        def on_stage(stage: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the worker is ending
                loop.call_soon_threadsafe(self._tell, Loading(stage))

        try:
            engine = await self._thread.call(functools.partial(self._engine_loader, on_stage))
        except CheckpointFault as fault:
            log.error("%s", fault)
            await self._give_up(Failed("checkpoint", str(fault)), 2)
            return
        except ModuleNotFoundError as error:
            sentence = f"This installation lacks {error.name}; install 'pinfill[worker]'."
            log.error("%s", sentence)
            await self._give_up(Failed("internal", sentence), 1)
            return
        except Exception as error:
            log.exception("The engine could not be loaded")
            sentence = f"The worker could not load the model ({type(error).__name__}: {error})."
            await self._give_up(Failed("internal", sentence), 1)
            return
        self._tell(Ready(engine.info))
        await self.jobs.run(engine)

    def _on_work_end(self, work: asyncio.Task[None]) -> None:
        if not work.cancelled() and (error := work.exception()):
            log.critical("The worker's own code failed", exc_info=error)
            self.stop(1)

    def _tell(self, status: Loading | Ready | Failed) -> None:
        """Everyone who is here hears it now, everyone who comes later upon connecting."""
        self._status = status
        for session in self._sessions:
            session.mailbox.put(status)

    async def _give_up(self, failure: Failed, code: int) -> None:
        self._tell(failure)
        if not self._sessions:
            self._status_heard.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._status_heard.wait(), _FAREWELL)
        self.stop(code)

    # -- clients

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        # A web page can open a socket to localhost, but cannot keep its browser from saying so.
        if "Origin" in request.headers:
            return connection.respond(http.HTTPStatus.FORBIDDEN, "No web pages here.\n")
        shown = request.headers.get_all("Authorization")
        wanted = f"Bearer {self._token}".encode()
        if len(shown) != 1 or not hmac.compare_digest(shown[0].encode(errors="replace"), wanted):
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "A token is needed.\n")
        return None

    async def _serve_client(self, connection: ServerConnection) -> None:
        transport_socket: socket.socket = connection.transport.get_extra_info("socket")
        transport_socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        session = Session(connection, self.jobs, self.images)
        session.mailbox.put(self._status)
        self._sessions.add(session)
        self._status_heard.set()
        try:
            await session.read()
        finally:
            self._sessions.discard(session)
            await session.end()


# -- the process


def checkpoint_loader(folder: Path, placement: Placement) -> EngineLoader:
    """The loader of a checkpoint folder."""

    def load(on_stage: Callable[[str], None]) -> Engine:
        on_stage("Loading the libraries")
        from inference.checkpoints import CheckpointError, load_engine

        try:
            return load_engine(folder, placement, on_stage)
        except CheckpointError as error:
            raise CheckpointFault(str(error)) from error

    return load


async def serve_until_stopped(server: Server, parent_pid: int | None) -> tuple[int, bool]:
    """Announce, serve, stop on SIGTERM or with the parent; the exit code, and if all came to rest.

    Writes the one line to standard output that a parent waits for.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # Windows knows no such handlers
        loop.add_signal_handler(signal.SIGTERM, server.stop)
        loop.add_signal_handler(signal.SIGINT, server.stop)
    try:
        url = await server.start()
    except OSError as error:
        print(f"The worker cannot listen: {error.strerror}.", file=sys.stderr)
        return 1, True
    print(json.dumps({"url": url}), flush=True)
    # Whatever a library prints from here on belongs to the log, and must not fill a pipe that
    # nobody reads.
    os.dup2(2, 1)
    if parent_pid is not None:
        watch_parent(parent_pid, server.stop)
        # Ctrl+C in a terminal reaches the whole group; what it means is the parent's to say.
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    code = await server.stopped()
    return code, await server.close()


def run(engine_loader: EngineLoader, host: str, port: int, parent_pid: int | None) -> int:
    """The life of a worker process; returns its exit code, or ends the process with it."""
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    token = os.environ.pop(TOKEN_VARIABLE, "")  # no process that we start needs to know it
    if not token:
        print(f"Set {TOKEN_VARIABLE} to the token that clients must show.", file=sys.stderr)
        return 2

    async def serve_here() -> tuple[int, bool]:
        server = Server(engine_loader, token=token, host=host, port=port)
        return await serve_until_stopped(server, parent_pid)

    code, at_rest = asyncio.run(serve_here())
    if not at_rest:
        # Python would wait for the engine's thread, which is in the middle of a long step.
        sys.stderr.flush()
        os._exit(code)
    return code


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port, a number from 0 to 65535")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(
        prog="python -m inference.server", description="Serve one checkpoint to Pinfill's window."
    )
    parser.add_argument("--checkpoint", type=Path, required=True, metavar="DIR")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, …; default: auto")
    parser.add_argument("--compile", action="store_true", help="faster steps; slow to start")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=_port, default=0, help="default: any free one")
    parser.add_argument("--parent-pid", type=int, metavar="N", help="end when this process does")
    options = parser.parse_args(arguments)
    wait_briefly()
    device = None if options.device == "auto" else options.device
    loader = checkpoint_loader(options.checkpoint, Placement(device, options.compile))
    return run(loader, options.host, options.port, options.parent_pid)


if __name__ == "__main__":
    sys.exit(main())
