"""Text files of a data set, read whole or not at all."""

from __future__ import annotations

import codecs
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from inference.training.data.rows import DataError

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


_UNDECODED: Final = re.compile("[\udc80-\udcff]")
"""What ``surrogateescape`` makes of bytes that are not UTF-8; no UTF-8 text holds them itself."""


class NotUtf8:
    """Stands for a JSON value with bytes that are not UTF-8: it costs none of those around it."""


class RepeatedKey:
    """Stands for a JSON object that has a key twice, so that no value is dropped in silence."""

    def __init__(self, key: str) -> None:
        self.key = key


def read_text(path: Path) -> str:
    """The UTF-8 text of a file, unpacked if its name ends in ``.gz``, lines ending in ``\\n``.

    Bytes that are not UTF-8 stay in it as lone surrogates, for :func:`is_utf_8` to find where
    they matter. Raises :class:`DataError` where the file cannot be read or is UTF-16.
    """
    try:
        raw = path.read_bytes()
        if path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is not a whole gzip file; fetch it again.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check the file.") from error
    if raw.startswith(_UTF_16):
        raise DataError(f"{path} is UTF-16; save it as UTF-8.")
    return raw.decode("utf-8-sig", "surrogateescape").replace("\r\n", "\n")


def is_utf_8(text: str) -> bool:
    """Whether a stretch of what :func:`read_text` gave stood in the file as UTF-8."""
    return _UNDECODED.search(text) is None


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file that are not blank, with their numbers. Raises :class:`DataError`."""
    # Not splitlines(): a line separator may stand within a JSON string.
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield number, line


def decode(text: str) -> Any:
    """One JSON value. Raises :class:`ValueError` where the text is anything else."""
    if not is_utf_8(text):
        return NotUtf8()
    value, end = _decode_at(text, _skip_space(text, 0))
    if _skip_space(text, end) < len(text):
        raise ValueError("something stands behind the value")
    return value


def elements(path: Path) -> Iterator[tuple[int, Any]]:
    """The elements of a JSON array, each with the line that it begins in.

    Raises :class:`DataError` where the file is no JSON array. An array is read to its first fault
    in syntax: what follows cannot be told apart.
    """
    text = read_text(path)
    line, counted, at = 1, 0, _skip_space(text, 0)
    if not text.startswith("[", at):
        raise DataError(f"{path} is not a JSON array; fetch the file again from its source.")
    at = _skip_space(text, at + 1)
    is_first = True
    while not (is_first and text.startswith("]", at)):
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, end = _decode_at(text, at)
        except ValueError as error:
            raise _not_json(path, line) from error
        yield line, value if is_utf_8(text[at:end]) else NotUtf8()
        at = end
        is_first, at = False, _skip_space(text, at)
        if text.startswith("]", at):
            break
        if not text.startswith(",", at):
            raise _not_json(path, line + text.count("\n", counted, at))
        at = _skip_space(text, at + 1)
    end = _skip_space(text, at + 1)
    if end < len(text):
        raise _not_json(path, line + text.count("\n", counted, end))


def _not_json(path: Path, line: int) -> DataError:
    return DataError(f"{path} is not valid JSON at line {line}; mend it, or fetch it again.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any] | RepeatedKey:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        return RepeatedKey(next(key for key in keys if keys.count(key) > 1))
    return record


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _decode_at(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except RecursionError as error:
        raise ValueError("the value is nested too deeply") from error


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\n\r":
        at += 1
    return at
