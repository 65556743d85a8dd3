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
        self._uncounted: set[Hashable] = set()
        self._closed = False
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: T, key: Hashable | None = None, *, counts: bool = True) -> None:
        """Never blocks; what is put into a closed mailbox is dropped, for nobody will read it.

        What does not count takes no :meth:`room`.
        """
        if self._closed:
            return
        key = object() if key is None else key
        self._waiting[key] = message
        if counts:
            self._uncounted.discard(key)
        else:
            self._uncounted.add(key)
        self._update()

    def discard(self, key: Hashable) -> None:
        """Withdraw the waiting message under ``key``, if there is one."""
        self._waiting.pop(key, None)
        self._uncounted.discard(key)
        self._update()

    def close(self, *, discard: bool = False) -> None:
        """Take no more messages; hand out or ``discard`` those that wait."""
        self._closed = True
        if discard:
            self._waiting.clear()
            self._uncounted.clear()
        self._update()

    async def room(self) -> None:
        """Wait until fewer than ``capacity`` that count wait, or the mailbox is closed."""
        await self._room.wait()

    def __aiter__(self) -> Mailbox[T]:
        return self

    async def __anext__(self) -> T:
        await self._arrived.wait()
        if not self._waiting:
            raise StopAsyncIteration
        key = next(iter(self._waiting))
        message = self._waiting.pop(key)
        self._uncounted.discard(key)
        self._update()
        return message

    def _update(self) -> None:
        _set(self._arrived, bool(self._waiting) or self._closed)
        counted = len(self._waiting) - len(self._uncounted)
        _set(self._room, counted < self._capacity or self._closed)


def _set(event: asyncio.Event, state: bool) -> None:
    if state:
        event.set()
    else:
        event.clear()
