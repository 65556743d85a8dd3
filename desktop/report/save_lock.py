"""The lock of one report file, held while what stands on disk is compared and replaced.

Two windows that save the same report within the same instant would else both find what they know,
and the later would put its words over the earlier's. The lock is one of the system's on a file
beside the report: it goes with the process that holds it, however that ends.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

if sys.platform != "win32":
    import fcntl

SECONDS: Final = 2.0
"""For another window to put its file in place; one that hangs is not waited for."""

_TURN: Final = 0.002


@contextlib.contextmanager
def save_lock(path: Path) -> Iterator[None]:
    """Hold the lock of the report file ``path``.

    Where there are no locks, in a folder that takes no file, on some disks of a network or under
    Windows, nothing is held. Raises :class:`TimeoutError` where another window does not give it up.
    """
    file = path.with_name(f".{path.name}.lock")
    descriptor = _held(file)
    try:
        yield
    finally:
        if descriptor is not None:
            _remove(file)  # before it is given up: who waits sees that it is another's, or none
            os.close(descriptor)


def _held(file: Path) -> int | None:
    if sys.platform == "win32":
        return None
    end = time.monotonic() + SECONDS
    while True:
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:  # what is wrong with the folder is told by the saving
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file, descriptor):
                return descriptor
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(descriptor)
                raise TimeoutError(errno.ETIMEDOUT, "another window is saving it") from None
            time.sleep(_TURN)
        except OSError:  # no locks here
            _remove(file)
            os.close(descriptor)
            return None
        os.close(descriptor)


def _is_at(file: Path, descriptor: int) -> bool:
    """Whether the file that is locked still has the name: who held it before has removed it."""
    try:
        return os.path.samestat(os.stat(file), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _remove(file: Path) -> None:
    with contextlib.suppress(OSError):
        file.unlink()
