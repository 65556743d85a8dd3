"""Plays a timeline: in real time, or slower, from any moment of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop.compare.recording import Timeline

SLOW: Final = 0.25
_TICK_MS: Final = 16


class Player(QObject):
    """``moved`` tells the moment that is to be shown, ``playing_changed`` whether it goes on."""

    moved = Signal(int)
    playing_changed = Signal(bool)

    def __init__(
        self, parent: QObject | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(parent)
        self._clock = clock
        self._timeline: Timeline | None = None
        self._moment = 0
        self._speed = 1.0
        self._began = 0.0  # on the clock
        self._from = 0.0  # on the timeline, at that time
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(_TICK_MS)
        self._timer.timeout.connect(self.tick)

    @property
    def timeline(self) -> Timeline | None:
        return self._timeline

    @property
    def moment(self) -> int:
        return self._moment

    @property
    def at_end(self) -> bool:
        return self._timeline is None or self._moment == self._timeline.last

    @property
    def playing(self) -> bool:
        return self._timer.isActive()

    @property
    def speed(self) -> float:
        return self._speed

    def show(self, timeline: Timeline | None) -> None:
        """Take another timeline, at its end."""
        self.pause()
        self._timeline = timeline
        self._moment = timeline.last if timeline is not None else 0
        self.moved.emit(self._moment)

    def toggle(self) -> None:
        """Play or pause; from the end, play from the start."""
        if self._timeline is None:
            return
        if self.playing:
            self.pause()
            return
        if self._moment == self._timeline.last:
            self._go(0)
        self._set_clock(self._timeline.moments[self._moment])
        self._timer.start()
        self.playing_changed.emit(True)

    def pause(self) -> None:
        if self.playing:
            self._timer.stop()
            self.playing_changed.emit(False)

    def restart(self) -> None:
        """Go to the start; what plays goes on playing from there."""
        self.seek(0)

    def seek(self, moment: int) -> None:
        """Show a moment; what plays goes on from there."""
        if self._timeline is not None:
            moment = max(0, min(moment, self._timeline.last))
            self._set_clock(self._timeline.moments[moment])
            self._go(moment)

    def set_speed(self, speed: float) -> None:
        """1 is real time."""
        if self._timeline is not None and self.playing:
            self._set_clock(self._seconds())
        self._speed = speed

    def tick(self) -> None:
        """Show what is to be seen by now; at the end, stop."""
        if self._timeline is None or not self.playing:
            return
        moment = self._timeline.moment_at(self._seconds())
        if moment != self._moment:
            self._go(moment)
        if moment == self._timeline.last:
            self.pause()

    def _seconds(self) -> float:
        """Where on the timeline it is by now."""
        return self._from + (self._clock() - self._began) * self._speed

    def _set_clock(self, seconds: float) -> None:
        self._began, self._from = self._clock(), seconds

    def _go(self, moment: int) -> None:
        self._moment = moment
        self.moved.emit(moment)
