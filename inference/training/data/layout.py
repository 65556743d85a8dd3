"""What every layout of a data set has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from inference.training.data.images import Gallery
from inference.training.data.rows import BadRow, LeftOut, Malformed, Note, Origin, Row, Split

Read = Row | Malformed | LeftOut | Note


@dataclass(frozen=True)
class Request:
    """What to read: ``source`` is the file or folder that a layout named for ``split``."""

    source: Path
    split: Split
    language: str
    gallery: Gallery


@dataclass(frozen=True)
class Layout:
    """One way to lay out a data set.

    ``splits`` says which splits lie at a path and where, and nothing where the path holds another
    layout. ``rows`` reads one of them; it raises :class:`~inference.training.data.rows.DataError`
    where a whole file cannot be read. ``language`` is that of all rows, ``None`` where the rows
    say so themselves or nobody knows.
    """

    name: str
    splits: Callable[[Path], Mapping[Split, Path]]
    rows: Callable[[Request], Iterator[Read]]
    language: str | None = None


def attempt(origin: Origin, make: Callable[[], Read]) -> Read:
    """What ``make`` makes, or what was wrong with it."""
    try:
        return make()
    except BadRow as fault:
        return Malformed(origin, str(fault))


def files_by_split(path: Path, names: Mapping[str, Split]) -> dict[Split, Path]:
    """The files of these names: in the folder at ``path``, or the one at ``path`` itself."""
    if path.is_file():
        return {names[path.name]: path} if path.name in names else {}
    return {split: path / name for name, split in names.items() if (path / name).is_file()}
