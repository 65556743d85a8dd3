"""Locks by which one run of Pinfill tells whether another, whose files it finds, still lives.

A number of a process says too little, for it is given again. A lock on a file goes with the process
that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

if sys.platform != "win32":
    import fcntl


class RunLock:
    """The lock of this run, named by its mark ``PID-RANDOM``, in each folder that it writes to."""

    def __init__(self, mark: str) -> None:
        self._mark = mark
        self._held: dict[Path, int] = {}

    def hold(self, folder: Path) -> None:
        """Take the lock in ``folder``, until this process ends. Raises :class:`OSError`."""
        if folder in self._held or sys.platform == "win32":
            return
        descriptor = os.open(_file(folder, self._mark), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise
        self._held[folder] = descriptor

    def release(self) -> None:
        """Give the locks up and remove their files: nothing of this run is left to be found."""
        for folder, descriptor in self._held.items():
            with contextlib.suppress(OSError):
                _file(folder, self._mark).unlink()
            os.close(descriptor)
        self._held.clear()


def lives(folder: Path, mark: str) -> bool:
    """Whether another process holds the lock of the run ``mark``; a rest of a dead one is removed.

    Where there are no locks, no run counts as alive: its words had better be offered twice.
    """
    if sys.platform == "win32" or mark.startswith(f"{os.getpid()}-"):
        return False
    file = _file(folder, mark)
    try:
        descriptor = os.open(file, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a folder of a network that knows no locks
        return False
    else:
        with contextlib.suppress(OSError):
            file.unlink()
        return False
    finally:
        os.close(descriptor)


def _file(folder: Path, mark: str) -> Path:
    return folder / f".{mark}.lock"
