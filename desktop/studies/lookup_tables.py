"""Lookup tables as files hold them: grey ones (PS3.3 C.11.1.1) and palettes (C.7.6.3.1.5)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from desktop.studies.colour import luma
from desktop.studies.names import shown
from desktop.viewer.pixels import LookupTable
from desktop.viewer.resampling import Stored

_COLOURS: Final = ("Red", "Green", "Blue")
_DISCRETE, _LINEAR, _INDIRECT = range(3)
"""Opcodes of a segmented palette (PS3.3 C.7.9.2)."""


def is_big_endian(dataset: Dataset) -> bool:
    """Whether words that pydicom hands over as bytes have their high byte first."""
    meta = getattr(dataset, "file_meta", None) or {}
    syntax = meta.get("TransferSyntaxUID")
    return syntax is not None and not syntax.is_private and not syntax.is_little_endian


def grey_table(item: Dataset, *, signed: bool, big_endian: bool = False) -> LookupTable:
    """A LUT item; ``signed`` tells what the table is looked up with.

    Raises ValueError, TypeError or AttributeError where the item is damaged.
    """
    count, first, bits = _descriptor(item.LUTDescriptor, signed=signed)
    entries = _entries(item.LUTData, count, bits, big_endian=big_endian)
    return LookupTable(first, bits, entries, shown(str(item.get("LUTExplanation") or "")))


def palette(dataset: Dataset) -> LookupTable:
    """The luma of each entry of a palette.

    Raises ValueError, TypeError, AttributeError or LookupError where the palette is damaged.
    """
    descriptor = dataset.RedPaletteColorLookupTableDescriptor
    signed = int(dataset.get("PixelRepresentation") or 0) == 1
    count, first, bits = _descriptor(descriptor, signed=signed)
    big_endian = is_big_endian(dataset)
    bands = [_palette_band(dataset, colour, count, bits, big_endian) for colour in _COLOURS]
    return LookupTable(first, bits, luma(np.stack(bands, axis=-1)))


def looked_up(table: LookupTable, stored: Stored) -> NDArray[np.uint16]:
    """The entry for each stored value."""
    patterns = np.arange(65536, dtype=np.uint16).view(stored.dtype)
    entries = table.lookup(patterns.astype(np.float64)).astype(np.uint16)
    return np.take(entries, stored.view(np.uint16))


def _descriptor(value: Any, *, signed: bool) -> tuple[int, int, int]:
    """Number of entries, first input value and depth.

    All three may have been read with the wrong sign: the value representation of the descriptor
    is that of its second value, and implicit or careless files do not tell it.
    """
    count, first, bits = (int(number) & 0xFFFF for number in value)
    if signed and first > 32767:
        first -= 65536
    return count or 65536, first, bits


def _entries(data: Any, count: int, bits: int, *, big_endian: bool) -> NDArray[np.uint16]:
    if isinstance(data, bytes):
        wide = len(data) >= 2 * count
        if len(data) % 2:
            data += b"\0"
        words = np.frombuffer(data, ">u2" if big_endian else "<u2").astype("<u2")
        entries = words if wide else words.view("u1")  # the first of two lies in the low byte
    else:
        entries = np.atleast_1d(np.asarray(data, dtype=np.int64) & 0xFFFF).astype("<u2")
        if bits <= 8 and entries.size == (count + 1) // 2 < count:
            entries = entries.view("u1")
    if entries.size < count:
        raise ValueError(f"the table has {entries.size} of {count} entries")
    return entries[:count].astype(np.uint16)


def _palette_band(
    dataset: Dataset, colour: str, count: int, bits: int, big_endian: bool
) -> NDArray[np.uint16]:
    plain = dataset.get(f"{colour}PaletteColorLookupTableData")
    if plain is not None:
        return _entries(plain, count, bits, big_endian=big_endian)
    data: bytes = dataset[f"Segmented{colour}PaletteColorLookupTableData"].value
    words = np.frombuffer(data, ">u2" if big_endian else "<u2").astype("<u2")
    codes = words if bits > 8 else words.view("u1")
    entries: list[int] = []
    _expand(codes.tolist(), 0, None, entries, count, 2 if bits > 8 else 1)
    return _entries(entries, count, 16, big_endian=False)


def _expand(
    codes: list[int], at: int, segments: int | None, entries: list[int], count: int, width: int
) -> None:
    """Append the entries of ``segments`` segments, or of all, from ``at`` on."""
    done = 0
    while at + 1 < len(codes) and len(entries) < count and done != segments:
        opcode, length = codes[at], codes[at + 1]
        at += 2
        if opcode == _DISCRETE:
            entries += codes[at : at + length]
            at += length
        elif opcode == _LINEAR:
            start, end = entries[-1], codes[at]
            steps = range(1, length + 1)
            entries += [start + round((end - start) * step / length) for step in steps]
            at += 1
        elif opcode == _INDIRECT and segments is None:
            parts = codes[at : at + 4 // width]
            offset = sum(part << 8 * width * place for place, part in enumerate(parts))
            _expand(codes, offset // width, length, entries, count, width)
            at += 4 // width
        else:
            raise ValueError(f"a palette segment cannot have the opcode {opcode}")
        done += 1
