"""A queue to one reader in which the newest draft canvas takes the place of an unsent older one."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Messages to one slow reader, in order, for use on one event loop.

    A message under a key replaces the waiting one with the same key and keeps its place, so that
    a reader who falls behind misses old messages of that key and never the last, nor one without
    a key. Iterating takes messages out and ends once the mailbox is closed and empty.
    """

    def __init__(self, capacity: int = 256) -> None:
        self._capacity = capacity
        self._waiting: dict[Hashable, T] = {}
        self._closed = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: T, key: Hashable | None = None) -> None:
        """Never blocks; what is put into a closed mailbox is dropped, for nobody will read it."""
        if self._closed:
            return
        self._waiting[object() if key is None else key] = message
        self._update()

    def discard(self, key: Hashable) -> None:
        """Withdraw the waiting message under ``key``, if there is one."""
        self._waiting.pop(key, None)
        self._update()

    def close(self, *, discard: bool = False) -> None:
        """Take no more messages; hand out or ``discard`` those that wait."""
        self._closed = True
        if discard:
            self._waiting.clear()
        self._update()

    async def room(self) -> None:
        """Wait until fewer than ``capacity`` messages wait, or the mailbox is closed."""
        await self._room.wait()

    def __aiter__(self) -> Mailbox[T]:
        return self

    async def __anext__(self) -> T:
        await self._arrived.wait()
        if not self._waiting:
            raise StopAsyncIteration
        message = self._waiting.pop(next(iter(self._waiting)))
        self._update()
        return message

    def _update(self) -> None:
        _set(self._arrived, bool(self._waiting) or self._closed)
        _set(self._room, len(self._waiting) < self._capacity or self._closed)


def _set(event: asyncio.Event, state: bool) -> None:
    if state:
        event.set()
    else:
        event.clear()
