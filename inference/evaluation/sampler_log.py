"""Results of a long benchmark, kept item by item, so that a broken run goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

import inference
from inference.evaluation.sampler_results import Measured

_WHOLE: Final = 64 * 2**20
_ENDS: Final = 2**20
"""Of files of more than so many bytes, so many at both ends stand for the rest."""


class LogError(Exception):
    """One sentence: why a file cannot be gone on with, and what to do."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What results must have in common to be put together. The first line of the file."""

    benchmark: str = "pinfill bench sampler"
    checkpoint: str
    code: str
    reports: str
    gaps: int
    device: str


_WHAT: Final = {
    "benchmark": "another benchmark",
    "checkpoint": "another checkpoint",
    "code": "another version of Pinfill's code",
    "reports": "other reports",
    "gaps": "another number of gaps",
    "device": "another device",
}


class RunLog:
    """The results so far, by seed; in ``path`` too where one is given.

    Raises :class:`LogError` where the file holds something else.
    """

    def __init__(self, path: Path | None, header: Header) -> None:
        self._path = path
        self.results: dict[int, Measured] = {}
        if path is None:
            return
        try:
            if path.exists() and path.stat().st_size:
                self._read(path, header)
            else:
                path.write_bytes(_line(header))
        except OSError as error:
            raise LogError(f"{path} cannot be used to keep results: {error}.") from None

    def add(self, measured: Measured) -> None:
        self.results[measured.seed] = measured
        if self._path is not None:
            with self._path.open("ab") as file:
                file.write(_line(measured))

    def _read(self, path: Path, header: Header) -> None:
        first, *lines = path.read_bytes().splitlines(keepends=True)
        try:
            found = msgspec.json.decode(first, type=Header)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            raise LogError(
                f"{path} does not hold results of this benchmark. Name another file, which may be "
                "new."
            ) from None
        for field, what in _WHAT.items():
            if getattr(found, field) != getattr(header, field):
                raise LogError(
                    f"{path} holds results of {what}. Name another file, or delete this one."
                )
        whole = len(first)
        for number, line in enumerate(lines, 2):
            if not line.endswith(b"\n"):
                break  # the run was broken off while it wrote
            try:
                measured = msgspec.json.decode(line, type=Measured)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise LogError(
                    f"Line {number} of {path} is damaged ({error}). Delete the line."
                ) from None
            self.results[measured.seed] = measured
            whole += len(line)
        with path.open("r+b") as file:
            file.truncate(whole)


def _line(record: Header | Measured) -> bytes:
    return msgspec.json.encode(record) + b"\n"


def checkpoint_fingerprint(folder: Path) -> str:
    """A digest of what a checkpoint folder holds; of very large files both ends and the size."""
    return _digest((path.name, path) for path in sorted(folder.iterdir()) if path.is_file())


def code_fingerprint() -> str:
    """A digest of the code that makes items and fills gaps."""
    package = Path(inference.__file__).parent
    return _digest((str(path.relative_to(package)), path) for path in sorted(package.rglob("*.py")))


def file_fingerprint(path: Path) -> str:
    return _digest([("", path)])


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
