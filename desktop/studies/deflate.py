"""Deflated datasets (PS3.5 A.5), inflated no further than their picture can need."""

from __future__ import annotations

import io
import struct
import zlib
from typing import BinaryIO, Final

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

HEADER_BYTES: Final = 16 << 20
"""What comes before the pixels of any image."""

MAX_BYTES: Final = 1 << 30

_PREAMBLE: Final = 128
_META_GROUP: Final = b"\x02\x00"
_SYNTAX_TAG: Final = b"\x02\x00\x10\x00"
_LONG_VRS: Final = (b"OB", b"UN", b"OW", b"UT", b"SQ")
_MAX_META: Final = 64 << 10


class TooLarge(Exception):
    """The dataset inflates to more than its header says that the picture takes."""


def inflated(file: BinaryIO, *, header_only: bool) -> BinaryIO | None:
    """A deflated file as an explicit little endian one, or ``None`` for any other.

    With ``header_only`` it may end in the middle of the pixels. The file is left at its start.
    Raises :class:`TooLarge`, and :class:`zlib.error` where the data is damaged.
    """
    head = _meta(file)
    file.seek(0)
    if head is None:
        return None
    file.seek(len(head))
    packed = file.read(HEADER_BYTES if header_only else -1)
    file.seek(0)
    plain_head = head.replace(
        DeflatedExplicitVRLittleEndian.encode(),
        ExplicitVRLittleEndian.encode().ljust(len(DeflatedExplicitVRLittleEndian), b"\0"),
    )
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    start = inflate.decompress(packed, HEADER_BYTES)
    if header_only or inflate.eof:
        return io.BytesIO(plain_head + start)
    limit = HEADER_BYTES + _pixel_bytes(io.BytesIO(plain_head + start))
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    whole = inflate.decompress(packed, limit)
    if not inflate.eof:
        if len(whole) == limit:
            raise TooLarge
        raise zlib.error("the data is cut short")
    return io.BytesIO(plain_head + whole)


def _meta(file: BinaryIO) -> bytes | None:
    """All that stands before a deflated dataset, or ``None`` where none follows."""
    start = file.read(_MAX_META)
    at = _PREAMBLE + 4 if start[_PREAMBLE : _PREAMBLE + 4] == b"DICM" else 0
    deflated = False
    while start[at : at + 2] == _META_GROUP and at + 12 <= len(start):
        long = start[at + 4 : at + 6] in _LONG_VRS
        begin = at + (12 if long else 8)
        (length,) = struct.unpack_from("<I" if long else "<H", start, at + (8 if long else 6))
        if start[at : at + 4] == _SYNTAX_TAG:
            value = start[begin : begin + length].rstrip(b"\0 ")
            deflated = value == DeflatedExplicitVRLittleEndian.encode()
        at = begin + length
    return start[:at] if deflated else None


def _pixel_bytes(head: BinaryIO) -> int:
    """What the pixels take by the header, all frames together."""
    header = pydicom.dcmread(head, force=True, stop_before_pixels=True)
    wanted = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "NumberOfFrames")
    rows, columns, samples, bits, frames = (_number(header, name) for name in wanted)
    return min(rows * columns * samples * frames * bits // 8, MAX_BYTES)


def _number(header: Dataset, keyword: str) -> int:
    return max(int(header.get(keyword) or 1), 1)
