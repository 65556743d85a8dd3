"""Coroutines started from Qt slots: held while they run, ended with their owner."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

_log = logging.getLogger(__name__)


class Tasks:
    """The background tasks of one owner.

    A slot cannot await; it spawns. asyncio itself holds tasks only weakly, and an exception
    nobody awaits would be lost, so both are looked after here.
    """

    def __init__(self, on_fault: Callable[[Exception], None]) -> None:
        self._on_fault = on_fault
        self._running: set[asyncio.Task[None]] = set()

    def spawn(
        self,
        work: Coroutine[Any, Any, None],
        name: str,
        on_end: Callable[[], None] | None = None,
    ) -> None:
        """Start ``work``. ``on_end`` is called however it ends, even if it never began."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        if on_end is not None:
            task.add_done_callback(lambda _: on_end())

    def cancel(self) -> None:
        for task in self._running:
            task.cancel()

    async def close(self) -> None:
        """Cancel what still runs and wait until it has ended."""
        running = [task for task in self._running if task is not asyncio.current_task()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def finish(self) -> None:
        """Wait until all that runs has come to its own end."""
        running = [task for task in self._running if task is not asyncio.current_task()]
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if task.cancelled():
            return
        fault = task.exception()
        if fault is None:
            return
        _log.error("%s failed", task.get_name(), exc_info=fault)
        if isinstance(fault, Exception):
            self._on_fault(fault)
