"""The heartbeat of a worker: pings on its socket, and how long a client waits for anything.

The worker's event loop answers pings on a thread of its own, whatever the engine's thread does:
PyTorch gives the interpreter lock up during its operations. A worker that is stopped, or whose
interpreter hangs, answers none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long a client waits for a worker, in seconds and in beats of ``beat`` seconds.

    ``missed`` beats without an answer make a worker silent, ``missed_importing`` where it may be
    importing libraries, which holds the interpreter lock. ``cancel`` is what a job has to end once
    it is cancelled; abandoned then, it makes the worker silent after ``abandoned`` more.
    ``announcing`` and ``loading`` are for the first sign of a new process, and for each stage of
    its loading.
    """

    beat: float = 1.0
    missed: int = 3
    missed_importing: int = 30
    cancel: float = 0.5
    abandoned: float = 10.0
    announcing: float = 120.0
    loading: float = 300.0


PATIENCE: Final = Patience()


class Heartbeat:
    """Pings a worker, and tells when it no longer answers and when it does again.

    ``allowed`` says how many beats may be missed just now, ``overdue`` whether it fails to answer
    in another way.
    """

    def __init__(
        self,
        connection: Connection,
        beat: float,
        allowed: Callable[[], int],
        overdue: Callable[[], bool],
        on_change: Callable[[bool], None],
    ) -> None:
        self._connection, self._beat = connection, beat
        self._allowed, self._overdue, self._on_change = allowed, overdue, on_change
        self.answering = True
        self._task = asyncio.create_task(self._run(), name="worker client: heartbeat")

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            ping = asyncio.create_task(self._ping(), name="worker client: ping")
            try:
                if not await self._answered(ping):
                    return
            finally:
                ping.cancel()
            await asyncio.sleep(self._beat)

    async def _answered(self, ping: asyncio.Task[bool]) -> bool:
        """Wait for the pong, however late; false where the connection is gone."""
        missed = 0
        while not ping.done():
            # Beats are counted, not seconds: this process may have stood still itself.
            await asyncio.wait([ping], timeout=self._beat)
            missed += not ping.done()
            self._tell(missed < self._allowed() and not self._overdue())
        return await ping

    async def _ping(self) -> bool:
        with contextlib.suppress(ConnectionClosed, AttributeError):  # see sockets.py
            await (await self._connection.ping())
            return True
        return False

    def _tell(self, answering: bool) -> None:
        if answering != self.answering:
            self.answering = answering
            self._on_change(answering)
