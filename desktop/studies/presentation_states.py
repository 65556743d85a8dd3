"""Presentation states that lie beside an image and are meant for it (PS3.3 A.33)."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

_STORAGE: Final = b"1.2.840.10008.5.1.4.1.1.11."
"""How the SOP classes of presentation states begin, in the header of a file."""
_HEADER: Final = 1024
_MAX_BYTES: Final = 512 * 1024
"""States are small; most slices of a series are not, and need not be opened."""
_MAX_FILES: Final = 1000
_SECONDS: Final = 2.0
"""For looking at them all: on a slow drive the picture matters more."""


@dataclass(frozen=True)
class States:
    """The contents of a folder's presentation states, and whether all files were looked at."""

    contents: tuple[bytes, ...] = ()
    complete: bool = True


def states_in(folder: Path) -> States:
    """The presentation states in a folder; kept until it changes. Waits for a slow drive."""
    try:
        return _states_in(folder, folder.stat().st_mtime_ns)
    except OSError:
        return States()


def states_beside(path: Path, instance_uid: str) -> tuple[int, bool]:
    """How many presentation states in the folder of an image refer to it, and whether all files
    there were looked at.

    Files are searched for the instance's UID and not parsed, so that a damaged one does no harm.
    """
    if not instance_uid:
        return 0, True
    states = states_in(path.parent)
    refers = re.compile(re.escape(instance_uid.encode()) + rb"(?![.0-9])")
    return sum(1 for state in states.contents if refers.search(state)), states.complete


@lru_cache(maxsize=4)
def _states_in(folder: Path, changed: int) -> States:
    """Those of a folder that did last change at ``changed``."""
    states = []
    end = time.monotonic() + _SECONDS
    with os.scandir(folder) as entries:
        for _, entry in zip(range(_MAX_FILES), entries, strict=False):
            try:
                small = entry.is_file() and entry.stat().st_size <= _MAX_BYTES
                if small and (state := _state(Path(entry.path))):
                    states.append(state)
            except OSError:
                continue
            if time.monotonic() > end:
                return States(tuple(states), complete=False)
    return States(tuple(states))


def _state(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(_HEADER)
        return start + file.read() if _STORAGE in start else b""
