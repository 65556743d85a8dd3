"""Results of a long benchmark, kept item by item, so that a broken run goes on where it stopped."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, Generic, TypeVar

import msgspec

import inference

Record = TypeVar("Record", bound=msgspec.Struct)
Key = TypeVar("Key", bound=Hashable)

_WHOLE: Final = 64 * 2**20
_ENDS: Final = 2**20
"""Of files of more than so many bytes, so many at both ends stand for the rest."""


class LogError(Exception):
    """One sentence: why a file cannot be gone on with, and what to do."""


class Header(msgspec.Struct, frozen=True):
    """What results must have in common to be put together. The first line of the file."""

    benchmark: str
    made_with: dict[str, str]


_WHAT: Final = {
    "code": "another version of Pinfill's code",
    "reports": "other reports",
    "data": "other data",
    "gaps": "another number of gaps",
    "order": "the same data in another order",
}
"""How to say it, where "another" and the name alone would not do."""


class ItemLog(Generic[Record, Key]):
    """The results so far, by ``key``; in ``path`` too where one is given.

    Raises :class:`LogError` where the file holds something else.
    """

    def __init__(
        self,
        path: Path | None,
        header: Header,
        kind: type[Record],
        key: Callable[[Record], Key],
    ) -> None:
        self._path, self._kind, self._key = path, kind, key
        self.results: dict[Key, Record] = {}
        if path is None:
            return
        try:
            if path.exists() and path.stat().st_size:
                self._read(path, header)
            else:
                path.write_bytes(_line(header))
        except OSError as error:
            raise LogError(f"{path} cannot be used to keep results: {error}.") from None

    def add(self, record: Record) -> None:
        """Keep a result. Raises :class:`LogError` where the disk does not take it."""
        self.results[self._key(record)] = record
        if self._path is None:
            return
        try:
            with self._path.open("ab") as file:
                file.write(_line(record))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise LogError(
                f"{self._path} cannot be written to ({error}). What it holds is kept: make room "
                "and run the same command again."
            ) from error

    def _read(self, path: Path, header: Header) -> None:
        first, *lines = path.read_bytes().splitlines(keepends=True)
        try:
            found = msgspec.json.decode(first, type=Header)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise LogError(
                f"{path} does not hold results of a benchmark. Name another file, which may be new."
            ) from None
        before = {"benchmark": found.benchmark, **found.made_with}
        here = {"benchmark": header.benchmark, **header.made_with}
        for name in {**before, **here}:
            if before.get(name) != here.get(name):
                what = _WHAT.get(name, f"another {name}")
                raise LogError(
                    f"{path} holds results of {what}. Name another file, or delete this one."
                )
        whole = len(first)
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                break  # the run was broken off while it wrote
            try:
                record = msgspec.json.decode(line, type=self._kind)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise LogError(
                    f"Line {number} of {path} is damaged ({error}). Delete the line."
                ) from None
            self.results[self._key(record)] = record
            whole += len(line)
        with path.open("r+b") as file:
            file.truncate(whole)


def _line(record: msgspec.Struct) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def holds_results(path: Path) -> bool:
    """Whether a log has a whole line behind its first."""
    try:
        with path.open("rb") as file:
            return sum(line.endswith(b"\n") for line in islice(file, 2)) > 1
    except OSError:
        return False


def checkpoint_fingerprint(folder: Path) -> str:
    """A digest of what a checkpoint folder holds; of very large files both ends and the size."""
    return _digest((path.name, path) for path in sorted(folder.iterdir()) if path.is_file())


def code_fingerprint() -> str:
    """A digest of the code that makes items and fills gaps."""
    package = Path(inference.__file__).parent
    return _digest((str(path.relative_to(package)), path) for path in sorted(package.rglob("*.py")))


def _digest(files: Iterator[tuple[str, Path]] | list[tuple[str, Path]]) -> str:
    digest = hashlib.sha256()
    for name, path in files:
        size = path.stat().st_size
        digest.update(f"{name} {size}\n".encode())
        with path.open("rb") as file:
            if size <= _WHOLE:
                digest.update(file.read())
            else:
                digest.update(file.read(_ENDS))
                file.seek(-_ENDS, 2)
                digest.update(file.read(_ENDS))
    return digest.hexdigest()
