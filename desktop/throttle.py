"""Run now, coalesce, flush the last: how often a picture of something fast is drawn."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Qt, QTimer

Value = TypeVar("Value")


class Throttle(QObject, Generic[Value]):
    """Hands values to ``show``, at most one in ``seconds``.

    The first is shown at once. Of those that come too early the latest is kept and shown when its
    time has come, so the last one is never lost.
    """

    def __init__(
        self, show: Callable[[Value], None], seconds: float, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._show = show
        self._seconds = seconds
        self._shown_at = float("-inf")
        self._waiting: list[Value] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.flush)

    def submit(self, value: Value) -> None:
        """Show ``value`` now or, unless a later one comes, as soon as it is time."""
        self._waiting[:] = [value]
        if self._timer.isActive():
            return
        wait = self._shown_at + self._seconds - time.monotonic()
        if wait <= 0:
            self.flush()
        else:
            self._timer.start(max(1, round(wait * 1000)))

    def flush(self) -> None:
        """Show what waits, if anything does, without waiting longer."""
        self._timer.stop()
        if self._waiting:
            value = self._waiting.pop()
            self._shown_at = time.monotonic()
            self._show(value)

    def cancel(self) -> None:
        """Drop what waits."""
        self._timer.stop()
        self._waiting.clear()
