"""Presentation states that lie beside an image and are meant for it (PS3.3 A.33)."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

_STORAGE: Final = b"1.2.840.10008.5.1.4.1.1.11."
"""How the SOP classes of presentation states begin, in the header of a file."""
_HEADER: Final = 1024
_MAX_BYTES: Final = 512 * 1024
"""States are small; most slices of a series are not, and need not be opened."""
_MAX_FILES: Final = 1000


def states_beside(path: Path, instance_uid: str) -> int:
    """How many presentation states in the folder of an image refer to it.

    Files are searched for the instance's UID and not parsed, so that a damaged one does no harm.
    """
    try:
        changed = path.parent.stat().st_mtime_ns
        states = _states_in(path.parent, changed) if instance_uid else ()
    except OSError:
        return 0
    refers = re.compile(re.escape(instance_uid.encode()) + rb"(?![.0-9])")
    return sum(1 for state in states if refers.search(state))


@lru_cache(maxsize=4)
def _states_in(folder: Path, changed: int) -> tuple[bytes, ...]:
    """The contents of a folder's presentation states; ``changed`` is when it last did."""
    states = []
    with os.scandir(folder) as entries:
        for _, entry in zip(range(_MAX_FILES), entries, strict=False):
            try:
                small = entry.is_file() and entry.stat().st_size <= _MAX_BYTES
                if small and (state := _state(Path(entry.path))):
                    states.append(state)
            except OSError:
                continue
    return tuple(states)


def _state(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(_HEADER)
        return start + file.read() if _STORAGE in start else b""
