"""The files below a folder, listed so that a slow drive is told apart from a slow file."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from desktop.studies.ordering import natural_key

Listed = Callable[[Path, int], None]
"""Told of the folder that is being listed, and of how many entries are known by then."""

_BATCH: Final = 256
"""Entries between two signs of life: fewer than a slow drive hands over at once."""


def files_below(
    folder: Path,
    stop: threading.Event,
    listed: Listed,
    cannot_list: Callable[[Path, OSError], None],
) -> Iterator[list[Path]]:
    """The files of one folder after the other, from the top, in natural order.

    Links to folders are not followed. A folder that breaks off in the middle is told by
    ``cannot_list``, and what it has named by then is kept.
    """
    ahead, count = [folder], 0
    while ahead and not stop.is_set():
        parent = ahead.pop()
        listed(parent, count)
        files, folders = [], []
        for entry in _entries(parent, cannot_list):
            count += 1
            if count % _BATCH == 0:
                listed(parent, count)
            if stop.is_set():
                return
            if not _is_folder(entry):
                files.append(entry.name)
            elif not entry.is_symlink():
                folders.append(entry.name)
        yield [parent / name for name in sorted(files, key=natural_key)]
        ahead += [parent / name for name in sorted(folders, key=natural_key, reverse=True)]


def _entries(
    folder: Path, cannot_list: Callable[[Path, OSError], None]
) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        cannot_list(folder, error)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
