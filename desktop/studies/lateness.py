"""Whether a process takes too long over a file, or has not been given the time.

A processor that many programs share makes a sound file wait, which is no fault of the file.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

LONGEST: Final = 6
"""How many times its seconds a file may take where other programs have the processor."""

_WINDOW: Final = 1.0
_IDLE: Final = 0.01
"""The share of a processor below which a process waits for something that does not come."""

_TIMES_AT: Final = slice(11, 13)
"""User and system time in ``/proc/PID/stat``, behind the name in brackets."""


class Lateness:
    """The time of one process over one file after the other.

    A file is late once its seconds are over on the clock and either the process has used as many of
    the processor, or it does nothing, or it is :data:`LONGEST` times as late. Where the system does
    not tell what a process has used, the clock counts alone.
    """

    def __init__(self, pid: int) -> None:
        self.starved = False
        """Whether the last file to be late had not been given the processor for its seconds."""
        self._pid = pid
        self._deadline = 0.0
        self._used_before: float | None = None
        self._sample: tuple[float, float] | None = None

    def is_late(self, deadline: float, seconds: float) -> bool:
        """To be asked every few hundredths of a second; another ``deadline`` is another file's."""
        now = time.monotonic()
        if deadline != self._deadline:
            self._deadline, self._sample = deadline, None
            self._used_before = processor_seconds(self._pid)
        window = min(_WINDOW, seconds / 2)
        if now <= deadline - window:
            return False
        used = processor_seconds(self._pid)
        if used is None or self._used_before is None:
            return now > deadline
        if self._sample is None:
            self._sample = now, used
        since, used_then = self._sample
        if now <= deadline:
            return False
        if used - self._used_before >= seconds:
            return True
        if now > deadline + (LONGEST - 1) * seconds:
            self.starved = True
            return True
        if now - since < window:
            return False
        self._sample = now, used
        return used - used_then < _IDLE * (now - since)


def processor_seconds(pid: int) -> float | None:
    """What a process has used of the processors so far; ``None`` where the system does not say."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="ascii", errors="replace")
        user, system = stat.rpartition(")")[2].split()[_TIMES_AT]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
