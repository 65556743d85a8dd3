"""Mutations of bytes: a few at a time, so that what lies behind the first check is reached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

_MOST: Final = 5
_LONGEST: Final = 64
_WORDS: Final = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    2**32 - 1,
)
_TEXTS: Final = (
    b"nan",
    b"inf",
    b"1e308",
    b"-1",
    b"0",
    b"1e-308",
    b"\\",
    b"\0",
    b"9" * 12,
    b"ZZ",
    b"SQ",
)

Draw = np.random.Generator


def mutated(data: bytes, draw: Draw) -> bytes:
    """``data`` after one to five mutations."""
    changed = bytearray(data)
    for _ in range(int(draw.integers(1, _MOST + 1))):
        mutation = _MUTATIONS[int(draw.integers(len(_MUTATIONS)))]
        if changed:
            mutation(changed, int(draw.integers(len(changed))), draw)
    return bytes(changed)


def _flip(data: bytearray, at: int, draw: Draw) -> None:
    data[at] ^= 1 << int(draw.integers(8))


def _byte(data: bytearray, at: int, draw: Draw) -> None:
    data[at] = int(draw.integers(256))


def _word(data: bytearray, at: int, draw: Draw) -> None:
    value = _WORDS[int(draw.integers(len(_WORDS)))]
    size = 4 if value > 0xFFFF else int(draw.choice([1, 2, 4])) if value <= 0xFF else 2
    order = "little" if draw.integers(2) else "big"
    data[at : at + size] = value.to_bytes(size, order)  # type: ignore[arg-type]


def _text(data: bytearray, at: int, draw: Draw) -> None:
    text = _TEXTS[int(draw.integers(len(_TEXTS)))]
    data[at : at + len(text)] = text


def _cut(data: bytearray, at: int, draw: Draw) -> None:
    del data[at:]


def _drop(data: bytearray, at: int, draw: Draw) -> None:
    del data[at : at + int(draw.integers(1, _LONGEST))]


def _insert(data: bytearray, at: int, draw: Draw) -> None:
    data[at:at] = draw.bytes(int(draw.integers(1, _LONGEST)))


def _repeat(data: bytearray, at: int, draw: Draw) -> None:
    data[at:at] = data[at : at + int(draw.integers(1, _LONGEST))]


def _move(data: bytearray, at: int, draw: Draw) -> None:
    length = int(draw.integers(1, _LONGEST))
    piece = data[at : at + length]
    to = int(draw.integers(len(data)))
    data[to : to + len(piece)] = piece


_MUTATIONS: Final[tuple[Callable[[bytearray, int, Draw], None], ...]] = (
    _flip,
    _byte,
    _byte,
    _word,
    _word,
    _text,
    _cut,
    _drop,
    _insert,
    _repeat,
    _move,
)
