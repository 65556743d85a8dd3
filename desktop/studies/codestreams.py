"""What a compressed frame says of its own size, read from its header before any of it is decoded.

A decoder allocates what its codestream claims, which may be a thousand times what the file claims.
"""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass
from typing import Final

_SOI: Final = b"\xff\xd8"
_FRAME_MARKERS: Final = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
"""SOF0 to SOF15 of JPEG (ITU-T T.81 B.1.1.3) and SOF55 of JPEG-LS (T.87 C.1.1)."""
_SCAN: Final = 0xDA
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD9)})

_SIZE: Final = b"\xff\x4f\xff\x51"
"""SOC and SIZ, with which a JPEG 2000 codestream begins (ITU-T T.800 A.4.1, A.5.1)."""
_JP2: Final = b"\x00\x00\x00\x0cjP  "

_TILE_PIXELS: Final = 1024
_MIN_TILES: Final = 256
"""Tiles smaller than 32 x 32 pixels are made to fill memory; a small picture may have some."""

_RLE_HEADER: Final = 64


@dataclass(frozen=True)
class Extent:
    """The size of one frame in pixels, and its samples for each."""

    rows: int
    columns: int
    samples: int

    def __str__(self) -> str:
        samples = "1 sample" if self.samples == 1 else f"{self.samples} samples"
        return f"{self.columns} x {self.rows} pixels of {samples}"


def hold_jpeg(frame: bytes, claimed: Extent) -> None:
    """Raises :class:`ValueError` where a JPEG or JPEG-LS frame is of another size than claimed."""
    if frame[:2] != _SOI:
        raise ValueError("the frame does not begin as JPEG does")
    at, found = 2, 0
    while at + 4 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF or marker in _BARE_MARKERS:  # fill bytes, markers without a segment
            at += 1 if marker == 0xFF else 2
            continue
        if marker == _SCAN:
            break
        (length,) = struct.unpack_from(">H", frame, at + 2)
        if marker in _FRAME_MARKERS:
            if at + 10 > len(frame):
                break
            rows, columns, samples = struct.unpack_from(">HHB", frame, at + 5)
            _compare(Extent(rows, columns, samples), claimed)
            found += 1
        at += 2 + length
    if not found:
        raise ValueError("the frame gives no size: it is damaged")


def hold_jpeg_2000(frame: bytes, claimed: Extent) -> None:
    """Raises :class:`ValueError` where a JPEG 2000 frame is of another size than claimed, or is
    cut into more tiles than a picture of its size may have.
    """
    start = codestream_start(frame)
    if frame[start : start + 4] != _SIZE or len(frame) < start + 42:
        raise ValueError("the frame does not begin as JPEG 2000 does")
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top, samples = (
        struct.unpack_from(">8IH", frame, start + 8)
    )
    steps = frame[start + 42 : start + 42 + 3 * samples]
    if len(steps) < 3 * samples:
        raise ValueError("the frame is cut short")
    for number in range(samples):
        across, down = steps[3 * number + 1], steps[3 * number + 2]
        if not across or not down:
            raise ValueError("a component of the frame has no size")
        rows = _above(bottom, down) - _above(top, down)
        columns = _above(right, across) - _above(left, across)
        _compare(Extent(rows, columns, samples), claimed)
    if not samples or not tile_width or not tile_height:
        raise ValueError("the frame has no components or no tiles")
    tiles = _above(right - tile_left, tile_width) * _above(bottom - tile_top, tile_height)
    if tiles > max(_MIN_TILES, claimed.rows * claimed.columns // _TILE_PIXELS):
        raise ValueError(f"the frame is cut into {tiles} tiles")


def hold_rle(frame: bytes, planes: int) -> None:
    """Raises :class:`ValueError` where the header of an RLE frame (PS3.5 G.5) does not name
    ``planes`` segments, one behind the other and all inside the frame.
    """
    if len(frame) < _RLE_HEADER:
        raise ValueError("the frame is shorter than its header")
    count, *offsets = struct.unpack_from("<16I", frame)
    if count != planes:
        raise ValueError(f"the frame has {count} RLE segments, the file says {planes}")
    bounds = [*offsets[:count], len(frame)]
    if bounds[0] < _RLE_HEADER or any(start >= end for start, end in itertools.pairwise(bounds)):
        raise ValueError("the segments of the frame lie outside it")


def codestream_start(frame: bytes) -> int:
    """Where the codestream begins, which some writers wrap into the boxes of a JP2 file."""
    if not frame.startswith(_JP2):
        return 0
    at = 0
    while at + 8 <= len(frame):
        length, kind = struct.unpack_from(">I4s", frame, at)
        if kind == b"jp2c":
            return at + (16 if length == 1 else 8)
        if length < 8:
            break
        at += length
    raise ValueError("the frame holds no codestream")


def _compare(found: Extent, claimed: Extent) -> None:
    if found != claimed:
        raise ValueError(f"the frame holds {found}, the file says {claimed}")


def _above(value: int, step: int) -> int:
    """Division rounded up."""
    return -(-value // step)
