"""A worker process on this machine: start it, hear of its address and its death, end it.

Threads read the pipes, so that it works on any event loop: asyncio's own subprocess support
depends on a child watcher that a Qt event loop does not have.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from inference.errors import WorkerDied
from inference.placement import Placement

log = logging.getLogger(__name__)

TOKEN_VARIABLE: Final = "PINFILL_WORKER_TOKEN"
"""The environment variable through which the worker learns its token: a command line would show
it to every user of the machine."""

_LOG_LINES: Final = 50
_GRACE: Final = 6.0
"""Seconds that a worker has to end by itself; it gives a step two, and a connection two."""

_LAST_GRACE: Final = 1.0
"""Seconds that one has which was asked to terminate: it has had its time before."""

if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


def worker_command(checkpoint: Path, placement: Placement) -> list[str]:
    # -P: what happens to lie in the current folder is not to be imported.
    command = [sys.executable, "-P", "-m", "inference.server"]
    return [*command, "--checkpoint", str(checkpoint.absolute()), *placement.arguments()]


class LocalWorker:
    """The process. Made by :meth:`start`, on the event loop that will hear of it."""

    def __init__(self, process: subprocess.Popen[bytes], token: str) -> None:
        self.token = token
        self.pid = process.pid
        self.log: deque[str] = deque(maxlen=_LOG_LINES)
        self._process = process
        self._loop = asyncio.get_running_loop()
        self._announced: asyncio.Future[bytes] = self._loop.create_future()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        """The exit code, negative for a signal, once the process has ended."""
        self._threads = [
            threading.Thread(target=target, name=f"worker {self.pid} {name}", daemon=True)
            for name, target in (("log", self._read_log), ("watch", self._watch))
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    def start(cls, command: Sequence[str]) -> LocalWorker:
        """Run ``command`` with a new token and this process as its parent.

        Raises :class:`WorkerDied` when the system cannot start it.
        """
        token = secrets.token_urlsafe(32)
        try:
            process = subprocess.Popen(
                [*command, "--parent-pid", str(os.getpid())],
                stdin=subprocess.PIPE,  # held open: its end tells the worker of ours
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, TOKEN_VARIABLE: token},
                creationflags=_CREATION_FLAGS,
            )
        except OSError as error:
            raise WorkerDied(f"The worker could not be started: {error.strerror}.") from error
        return cls(process, token)

    async def address(self) -> str:
        """Where it listens. Raises :class:`WorkerDied` if it ends without listening."""
        line = await asyncio.shield(self._announced)
        try:
            return str(json.loads(line)["url"])
        except (ValueError, KeyError, TypeError):
            self.kill()  # whatever it is, it is not our worker
            await asyncio.shield(self.exited)
            raise self.obituary() from None

    def obituary(self) -> WorkerDied:
        """Why it is gone, with the last that it wrote."""
        if not self.exited.done():
            cause = "no longer answers"
        elif (code := self.exited.result()) >= 0:
            cause = f"ended with exit code {code}"
        else:
            cause = f"was killed by {_signal_name(-code)}"
            if -code == getattr(signal, "SIGKILL", None):
                cause += ", as the system does when memory runs out"
        last = next((line for line in reversed(self.log) if line.strip()), None)
        words = f" Its last words: {last.strip()}" if last else ""
        return WorkerDied(f"The worker {cause}.{words}", self.log)

    async def stop(self) -> None:
        """End it: by closing its input, then by asking, then by force. Leaves nothing behind."""
        try:
            with contextlib.suppress(OSError):
                assert self._process.stdin is not None
                self._process.stdin.close()
            if not await self.ended_within(_GRACE):
                self._process.terminate()
                await self.ended_within(_LAST_GRACE)
        finally:
            self.kill()
        await asyncio.shield(self.exited)
        for thread in self._threads:
            thread.join(timeout=1.0)  # it has said its last; a grandchild may hold the pipe still

    async def ended_within(self, seconds: float) -> bool:
        await asyncio.wait([self.exited], timeout=seconds)
        return self.exited.done()

    def is_stopped(self) -> bool:
        """Whether the system holds it (SIGSTOP), where the system says so: it answers nothing."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] in ("T", "t")

    def kill(self) -> None:
        self._process.kill()  # does nothing once it has ended

    def _read_log(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            while raw := stream.readline(8192):
                line = raw.decode(errors="replace").rstrip()
                self.log.append(line)
                log.debug("worker %d: %s", self.pid, line)

    def _watch(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            line = stream.readline(4096)
        self._tell(lambda: self._announced.set_result(line))
        code = self._process.wait()
        self._threads[0].join(timeout=1.0)  # so that its last words are all there
        self._tell(lambda: self.exited.set_result(code))

    def _tell(self, callback: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens
            self._loop.call_soon_threadsafe(callback)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
