"""Messages between the window and the process that reads DICOM files for it.

A frame is four bytes of length, a MessagePack map, and the bytes of the arrays that it names, one
after the other; where both share a file in memory, these stand in it instead, for a pipe passes a
picture in small pieces, and each waits for the other process.

Records are dataclasses written as maps and rebuilt by the types that they declare: what comes from
a process that a hostile file may have taken over is data and nothing else.
"""

from __future__ import annotations

import dataclasses
import math
import os
import struct
import types
import typing
from collections.abc import Sequence
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

MAX_MESSAGE: Final = 64 << 20
"""Bytes of a message without its arrays; lookup tables are arrays."""

MAX_ARRAY: Final = 1 << 30
"""Bytes of one array: more than the largest picture takes."""

MEMORY_VARIABLE: Final = "PINFILL_READING_MEMORY"
"""The environment variable with the descriptor of the file in memory."""

_DTYPES: Final = frozenset({"<i2", "<u2"})
_KIND: Final = "kind"
_LENGTH: Final = struct.Struct("<I")


class Malformed(Exception):
    """Bytes that are no message, or a message that is no record."""


class Find(msgspec.Struct, tag=True, frozen=True):
    """Ask for the DICOM images among ``paths``; ``hopeless`` files are passed over.

    Paths are relative to ``folder``.
    """

    folder: bytes
    paths: list[bytes]
    hopeless: list[bytes]


class Read(msgspec.Struct, tag=True, frozen=True):
    """Ask for one study. ``path`` is relative to ``folder``."""

    folder: bytes
    path: bytes


class Ready(msgspec.Struct, tag=True, frozen=True):
    """Said once, after all has been imported."""


class Working(msgspec.Struct, tag=True, frozen=True):
    """Said before ``path`` is looked at: the time that it may take begins now."""

    path: bytes


class Listing(msgspec.Struct, tag=True, frozen=True):
    """Said while ``folder`` is listed, which takes what time the drive needs.

    ``count`` entries are known by then.
    """

    folder: bytes
    count: int


class Found(msgspec.Struct, tag=True, frozen=True):
    """The images, and sentences for the reader, each as :func:`text_bytes`.

    ``notes`` tell of what was passed over.
    """

    paths: list[bytes]
    errors: list[bytes]
    notes: list[bytes]


class Opened(msgspec.Struct, tag=True, frozen=True):
    """A packed study; ``arrays`` are dtype and shape of what follows the message."""

    study: dict[str, Any]
    arrays: list[tuple[str, list[int]]]


class Refused(msgspec.Struct, tag=True, frozen=True):
    """A sentence for the reader, as :func:`text_bytes`, that says why there is no study."""

    sentence: bytes


Request = Find | Read
Answer = Ready | Working | Listing | Found | Opened | Refused

_requests: Final = msgspec.msgpack.Decoder(Request)
_answers: Final = msgspec.msgpack.Decoder(Answer)


class Source(Protocol):
    """What frames are read from."""

    def readinto(self, buffer: memoryview, /) -> int | None: ...


class Sink(Protocol):
    """What frames are written to."""

    def write(self, data: memoryview, /) -> int | None: ...


def send(sink: Sink, message: Request | Answer) -> None:
    """Write one frame without arrays. Raises as :func:`encoded`."""
    write(sink, encoded(message))


def encoded(message: Request | Answer) -> bytes:
    """The frame of a message without its arrays.

    Raises :class:`Malformed` where it is too long, :class:`OverflowError` for numbers beyond 64
    bits.
    """
    body = msgspec.msgpack.encode(message)
    if len(body) > MAX_MESSAGE:
        raise Malformed(f"a message of {len(body)} bytes")
    return _LENGTH.pack(len(body)) + body


def write(
    sink: Sink, frame: bytes, arrays: Sequence[NDArray[Any]] = (), memory: int | None = None
) -> None:
    """Write a frame of :func:`encoded`, and its arrays, these into the file ``memory`` if given."""
    if memory is not None:
        os.lseek(memory, 0, os.SEEK_SET)
        for array in arrays:
            _write(_File(memory), array.data.cast("B"))
    _write(sink, memoryview(frame))
    if memory is None:
        for array in arrays:
            _write(sink, array.data.cast("B"))


@dataclasses.dataclass
class _File:
    """A file by its descriptor, as source and sink."""

    descriptor: int

    def readinto(self, buffer: memoryview, /) -> int:
        return os.readv(self.descriptor, [buffer])

    def write(self, data: memoryview, /) -> int:
        return os.write(self.descriptor, data)


def receive_request(source: Source) -> Request:
    """The next request. Raises :class:`EOFError` and :class:`Malformed`."""
    try:
        request: Request = _requests.decode(_message(source))
        return request
    except msgspec.DecodeError as error:
        raise Malformed(str(error)) from error


def receive_answer(source: Source, memory: int | None = None) -> tuple[Answer, list[NDArray[Any]]]:
    """The next answer and its arrays, from where :func:`write` has put them.

    Raises :class:`EOFError` and :class:`Malformed`.
    """
    try:
        answer: Answer = _answers.decode(_message(source))
    except msgspec.DecodeError as error:
        raise Malformed(str(error)) from error
    arrays = answer.arrays if isinstance(answer, Opened) else []
    if arrays and memory is not None:
        os.lseek(memory, 0, os.SEEK_SET)
        source = _File(memory)
    return answer, [_array(source, dtype, shape) for dtype, shape in arrays]


def _message(source: Source) -> bytearray:
    head = _read(source, bytearray(_LENGTH.size))
    (length,) = _LENGTH.unpack(head)
    if length > MAX_MESSAGE:
        raise Malformed(f"a message of {length} bytes")
    return _read(source, bytearray(length))


def _array(source: Source, dtype: str, shape: list[int]) -> NDArray[Any]:
    if dtype not in _DTYPES or not 1 <= len(shape) <= 2 or min(shape) < 1:
        raise Malformed(f"an array of {dtype} in the shape {shape}")
    if math.prod(shape) * np.dtype(dtype).itemsize > MAX_ARRAY:
        raise Malformed(f"an array in the shape {shape}")
    array = np.empty(shape, dtype)
    _fill(source, array.data.cast("B"))
    return array


def _read(source: Source, buffer: bytearray) -> bytearray:
    _fill(source, memoryview(buffer))
    return buffer


def _fill(source: Source, view: memoryview) -> None:
    while len(view):
        count = source.readinto(view)
        if not count:
            raise EOFError
        view = view[count:]


def _write(sink: Sink, view: memoryview) -> None:
    while len(view):
        view = view[sink.write(view) or 0 :]


def text_bytes(text: str) -> bytes:
    """A text as bytes; one with a name of a file that is no UTF-8 passes as well."""
    return text.encode("utf-8", "surrogatepass")


def bytes_text(data: bytes) -> str:
    """The inverse of :func:`text_bytes`."""
    return data.decode("utf-8", "surrogatepass")


def packed(record: Any) -> tuple[dict[str, Any], list[NDArray[Any]]]:
    """A dataclass as plain values, and the arrays that these name by their number."""
    arrays: list[NDArray[Any]] = []
    plain = _plain(record, arrays)
    assert isinstance(plain, dict)
    return plain, arrays


def _plain(value: Any, arrays: list[NDArray[Any]]) -> Any:
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: _plain(getattr(value, field.name), arrays)
            for field in dataclasses.fields(value)
        }
        return {_KIND: type(value).__name__, **fields}
    if isinstance(value, np.ndarray):
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        arrays.append(np.ascontiguousarray(little))
        return len(arrays) - 1
    if isinstance(value, Path):
        return os.fsencode(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return text_bytes(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item, arrays) for item in value]
    return value


def unpacked(kind: Any, value: Any, arrays: Sequence[NDArray[Any]]) -> Any:
    """The inverse of :func:`packed`, by the type ``kind``. Raises :class:`Malformed`."""
    try:
        return _rebuilt(kind, value, arrays)
    except (TypeError, ValueError, KeyError, IndexError, OverflowError) as error:
        raise Malformed(f"not a {kind.__name__}: {error}") from error


def _rebuilt(kind: Any, value: Any, arrays: Sequence[NDArray[Any]]) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _rebuilt(_member(arguments, value), value, arrays)
    if origin is tuple:
        if arguments[-1:] == (...,):
            arguments = (arguments[0],) * len(value)
        return tuple(
            _rebuilt(part, item, arrays) for part, item in zip(arguments, value, strict=True)
        )
    if origin is np.ndarray:
        return arrays[_typed(int, value)]
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        if value.keys() != {_KIND, *hints}:
            raise ValueError(f"the fields {sorted(value)}")
        return kind(**{name: _rebuilt(hints[name], value[name], arrays) for name in hints})
    if kind is Path:
        return Path(os.fsdecode(_typed(bytes, value)))
    if issubclass(kind, Enum):
        return kind(value)
    if kind is str:
        return bytes_text(_typed(bytes, value))
    return _typed(kind, value)


def _member(members: tuple[Any, ...], value: Any) -> Any:
    """Which member of a union a value is of: ``None``, a record by its name, or the only other."""
    if value is None and types.NoneType in members:
        return types.NoneType
    others = [member for member in members if member is not types.NoneType]
    if len(others) == 1:
        return others[0]
    return {member.__name__: member for member in others}[value[_KIND]]


def _typed(kind: type, value: Any) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} where {kind.__name__} belongs")
    return value


@cache
def _hints(kind: type) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    return {name: hint for name, hint in hints.items() if name in names}
