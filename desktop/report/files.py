"""Small private files: read within bounds, written whole or not at all, closed to other users."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

LARGEST_BYTES: Final = 16 * 2**20
"""More than any report holds; a file beyond it is something else."""

_OPENING: Final = (
    os.O_RDONLY
    | getattr(os, "O_NONBLOCK", 0)  # a pipe would wait for its writer
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_REST: Final = re.compile(r"\..*-(?P<pid>[0-9]+)-[^-]+\.tmp", re.DOTALL)
_REST_SECONDS: Final = 2.0
_NAMELESS_REST: Final = re.compile(r"\..*-[a-z0-9_]{8}\.tmp", re.DOTALL)
_NAMELESS_SECONDS: Final = 600.0


def read_regular(path: Path, largest: int = LARGEST_BYTES) -> bytes:
    """The bytes of a regular file of at most ``largest`` bytes; never waits for a pipe or device.

    Raises :class:`OSError`, with ``EINVAL`` for what is no regular file and ``EFBIG`` for what is
    too large.
    """
    handle = os.open(path, _OPENING)
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        data = file.read(largest + 1) if status.st_size <= largest else None
    if data is None or len(data) > largest:
        raise OSError(errno.EFBIG, f"it is larger than {largest / 2**20:.0f} MiB")
    return data


@contextlib.contextmanager
def written_beside(path: Path, data: bytes) -> Iterator[Path]:
    """``data`` in a file beside ``path``, on disk, to be renamed in one step; else it goes."""
    prefix = f".{path.stem[:32]}-{os.getpid()}-"
    handle, name = tempfile.mkstemp(prefix=prefix, suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:  # mkstemp has made it 0600
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield Path(name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def flush_folder(path: Path) -> None:
    """A new name is on disk once its folder is; shares that cannot flush one have it anyway."""
    if os.name != "posix":
        return
    with contextlib.suppress(OSError):
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def sweep_rests(folder: Path) -> None:
    """Remove what a killed process left half written; what another one writes now stays."""
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(folder)):
            if entry.name.endswith(".tmp") and _is_rest(entry):
                with contextlib.suppress(OSError):
                    os.unlink(entry.path)


def _is_rest(entry: os.DirEntry[str]) -> bool:
    status = entry.stat(follow_symlinks=False)
    if not stat.S_ISREG(status.st_mode) or not _is_ours(status):
        return False
    age = time.time() - status.st_mtime
    if rest := _REST.fullmatch(entry.name):
        return age > _REST_SECONDS and not _is_running(int(rest["pid"]), age)
    return bool(_NAMELESS_REST.fullmatch(entry.name)) and age > _NAMELESS_SECONDS


def _is_running(pid: int, age: float) -> bool:
    """Whether the process that wrote a file ``age`` seconds ago may still be writing it."""
    if age > _NAMELESS_SECONDS:
        return False  # a number that was given to another process since
    if os.name != "posix":  # where a signal 0 is no question
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def make_private(folder: Path) -> str:
    """Make ``folder`` where it is missing, and close it to other users where it is this user's.

    Returns why it stays open to others, or nothing. A folder that many share on purpose, with the
    sticky bit set, stays as it is. Raises :class:`OSError` if it cannot be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return close_to_others(folder, 0o700)


def close_to_others(path: Path, mode: int) -> str:
    """Take from other users what rights they have on ``path``; returns why that failed."""
    if os.name != "posix":
        return ""
    try:
        status = path.stat()
        if not stat.S_IMODE(status.st_mode) & 0o077 or status.st_mode & stat.S_ISVTX:
            return ""
        path.chmod(mode)
        if not stat.S_IMODE(path.stat().st_mode) & 0o077:
            return ""
        return "the disk keeps no permissions"
    except OSError as error:
        return error.strerror or str(error)


def _is_ours(status: os.stat_result) -> bool:
    return os.name != "posix" or status.st_uid == os.getuid()
