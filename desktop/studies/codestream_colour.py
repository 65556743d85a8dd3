"""What a codestream says of its colours, which may not be what the file says."""

from __future__ import annotations

from typing import Final

_SEGMENT_STARTS: Final = 2
"""Behind the first marker, which has no segment."""
_ADOBE: Final = 0xEE
_ADOBE_NAME: Final = b"Adobe"
_ADOBE_TRANSFORM: Final = 11
"""Byte of the APP14 segment that says whether RGB became YCbCr (ITU-T T.872 6.5.3)."""
_ENDS_JPEG: Final = frozenset({0xDA, 0xD9})

_CODING_STYLE: Final = 0x52
_MULTIPLE_COMPONENTS: Final = 4
"""Byte of the COD segment that says whether components were mixed (ITU-T T.800 A.6.1)."""
_ENDS_JPEG_2000: Final = frozenset({0x90, 0xD9})


def adobe_transform(frame: bytes) -> int | None:
    """What an Adobe segment of a JPEG frame says: 0 is RGB, 1 is YCbCr; ``None`` without one."""
    segment = _segment(frame, _SEGMENT_STARTS, _ADOBE, _ENDS_JPEG)
    if not segment.startswith(_ADOBE_NAME) or len(segment) <= _ADOBE_TRANSFORM:
        return None
    return segment[_ADOBE_TRANSFORM]


def is_mixed(frame: bytes) -> bool:
    """Whether a JPEG 2000 frame mixed its components, which is defined for RGB alone."""
    start = max(frame.find(b"\xff\x4f\xff\x51"), 0)
    segment = _segment(frame, start + _SEGMENT_STARTS, _CODING_STYLE, _ENDS_JPEG_2000)
    return len(segment) > _MULTIPLE_COMPONENTS and segment[_MULTIPLE_COMPONENTS] == 1


def _segment(frame: bytes, at: int, wanted: int, ends: frozenset[int]) -> bytes:
    """The contents of the first segment with the marker ``wanted``; empty where there is none."""
    while at + 4 <= len(frame) and frame[at] == 0xFF and frame[at + 1] not in ends:
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if marker == wanted:
            return frame[at + 4 : end]
        at = end
    return b""
