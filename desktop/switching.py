"""Moving from study to study: one move at a time, in the order that they were asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.session import StudySession
from desktop.studies.names import shown
from desktop.tasks import Tasks


@dataclass(frozen=True)
class _Open:
    paths: Sequence[Path]


@dataclass(frozen=True)
class _Choose:
    index: int


@dataclass(frozen=True)
class _Step:
    by: int


class Switching(QObject):
    """The moves of one window among the studies of its session.

    A move counts from the moment in which it is asked for: from then on ``moving`` is true, and
    nothing may be typed, for the reader means the study that is on its way. Steps that are asked
    for meanwhile follow in order; what cannot follow is refused with a sentence.
    """

    changed = Signal()
    """``moving`` or ``searching`` is another."""

    told = Signal(str)
    """How the search goes, in a few words; empty when it is over."""

    refused = Signal(str)
    """Why a move that was asked for is not made."""

    opened = Signal(object)
    """The paths that were opened, once one of their studies is on screen."""

    def __init__(
        self,
        session: StudySession,
        settle: Callable[[], Awaitable[object]],
        on_fault: Callable[[Exception], None],
        parent: QObject | None = None,
    ) -> None:
        """``settle`` is awaited before each move: it ends what runs on the study that is left."""
        super().__init__(parent)
        self._session, self._settle = session, settle
        self._tasks = Tasks(on_fault)
        self._wanted: deque[_Open | _Choose | _Step] = deque()
        self._run: object | None = None
        self.searching = False
        session.listed.connect(self._tell_of_listing)

    @property
    def moving(self) -> bool:
        return self._run is not None

    def open(self, paths: Sequence[Path]) -> None:
        """Open files and folders in place of what is open."""
        self._ask(_Open(paths))

    def step(self, by: int) -> None:
        """Go to the study before (-1) or after (1)."""
        if self._opening:
            self.refused.emit("Wait until the other studies are open, or press Esc")
        elif len(self._wanted) < len(self._session.paths):  # a key that is held asks without end
            self._ask(_Step(by))

    def choose(self, index: int) -> bool:
        """Go to a place in the list; ``False``, with a sentence, while another list opens."""
        if self._opening:
            self.refused.emit("Wait until the other studies are open, or press Esc")
            return False
        if self.moving or index != self._session.index:
            self._ask(_Choose(index))
        return True

    def cancel(self) -> None:
        """Stay where one is; what is being read is given up."""
        self._wanted.clear()
        self._tasks.cancel()

    async def close(self) -> None:
        self._wanted.clear()
        await self._tasks.close()

    @property
    def _opening(self) -> bool:
        return self.searching or any(isinstance(each, _Open) for each in self._wanted)

    def _ask(self, move: _Open | _Choose | _Step) -> None:
        self._wanted.append(move)
        if self._run is None:
            run = self._run = object()
            self.changed.emit()
            # Also where it is cancelled before it begins.
            self._tasks.spawn(self._go(run), "move to another study", lambda: self._end(run))

    def _end(self, run: object) -> None:
        if self._run is run:
            self._wanted.clear()
            self._run = None
            self.changed.emit()

    async def _go(self, run: object) -> None:
        try:
            while self._wanted and await self._make(self._wanted):
                pass
        finally:
            self._end(run)

    async def _make(self, wanted: deque[_Open | _Choose | _Step]) -> bool:
        """Make the next move; ``False`` where no further one can be made."""
        await self._settle()
        match wanted.popleft():
            case _Open(paths):
                went = await self._open(paths)
            case _Choose(index):
                went = await self._show(index)
            case _Step(by):
                went = await self._show(self._place_after(by))
        return went or self._session.unsaved is None  # a report that is not saved is not left

    def _place_after(self, by: int) -> int:
        """Where this step and those that follow it at once lead, the list's end at most."""
        index = self._session.index
        steps = [by]
        while self._wanted and isinstance(move := self._wanted[0], _Step):
            steps.append(move.by)
            self._wanted.popleft()
        for step in steps:
            place = self._session.neighbour(step, index)
            index = index if place is None else place
        return index

    async def _show(self, index: int) -> bool:
        if index == self._session.index:
            return True
        try:
            return await self._session.show(index)
        except asyncio.CancelledError:
            self.told.emit("Cancelled; the study on screen stays")
            raise

    def _tell_of_listing(self, folder: Path, count: int) -> None:
        if self.searching and count:
            self.told.emit(f"Listing {shown(folder.name)}: {count:,} so far… · Esc cancels")

    async def _open(self, paths: Sequence[Path]) -> bool:
        self.searching = True
        self.changed.emit()
        self.told.emit("Looking for studies… · Esc cancels")
        after = ""
        try:
            opened = await self._session.open(paths)
            after = self._session.note
        except asyncio.CancelledError:
            after = "Cancelled; nothing was opened"
            raise
        finally:
            self.searching = False
            self.told.emit(after)
            self.changed.emit()
        if opened:
            self.opened.emit(paths)
        return opened
