"""Where a compressed frame really ends; archives put bytes of their own behind it."""

from __future__ import annotations

import itertools
import re
import struct
from typing import Final

from desktop.studies.codestreams import codestream_start

_END: Final = b"\xff\xd9"
"""End of image in JPEG and JPEG-LS, end of codestream in JPEG 2000."""
_SCAN: Final = 0xDA
_TILE: Final = b"\xff\x90"
_TILE_LENGTH_AT: Final = 6

_MARKER: Final = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")
"""What ends entropy-coded data: restart markers are part of it, and no other byte of 0x80 or more
follows 0xFF in it (ITU-T T.81 B.1.1.5, T.87 A.5)."""

_RLE_HEADER: Final = struct.Struct("<16I")


def jpeg_end(frame: bytes) -> int | None:
    """Behind the end marker of a JPEG or JPEG-LS frame; ``None`` where the frame is cut short."""
    at = 2
    while at + 4 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == _END[1]:
            return at + 2
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == _SCAN:
            found = _MARKER.search(frame, at)
            if found is None:
                return None
            at = found.start()
    return at + 2 if frame[at : at + 2] == _END else None


def jpeg_2000_end(frame: bytes) -> int | None:
    """Behind the end marker of a JPEG 2000 codestream; ``None`` where it is cut short."""
    at = codestream_start(frame) + 2
    while at + 2 <= len(frame):
        marker = frame[at : at + 2]
        if marker == _END:
            return at + 2
        if marker != _TILE:  # a segment of the main header
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
            continue
        length = int.from_bytes(frame[at + _TILE_LENGTH_AT : at + _TILE_LENGTH_AT + 4], "big")
        if not length:  # the last tile-part goes on to the end (ITU-T T.800 A.4.2)
            last = frame.rfind(_END, at)
            return last + 2 if last >= 0 else None
        at += length
    return None


def without_rle_padding(frame: bytes, wanted: int) -> bytes:
    """An RLE frame with each segment cut behind the runs that make ``wanted`` bytes (PS3.5 G.3).

    Segments are padded to an even length, by some writers with other bytes than zero or with more
    of them. A segment with fewer bytes stays as it is.
    """
    count, *offsets = _RLE_HEADER.unpack_from(frame)
    bounds = [*offsets[:count], len(frame)]
    segments = []
    for start, stop in itertools.pairwise(bounds):
        segment = frame[start:stop]
        segments.append(segment[: _runs_end(segment, wanted)])
    starts = [_RLE_HEADER.size]
    for segment in segments[:-1]:
        starts.append(starts[-1] + len(segment))
    header = _RLE_HEADER.pack(count, *starts, *[0] * (15 - count))
    return header + b"".join(segments)


def _runs_end(segment: bytes, wanted: int) -> int:
    at = made = 0
    while made < wanted and at < len(segment):
        code = segment[at]
        if code < 128:
            made += code + 1
            at += code + 2
        else:
            made += 257 - code if code > 128 else 0
            at += 2 if code > 128 else 1
    return at
