"""The elements of a DICOM file as they lie in it: their names, and where the file ends."""

from __future__ import annotations

import io
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydicom.datadict import dictionary_description, tag_for_keyword
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from desktop.studies.errors import DamagedError
from desktop.studies.names import shown

PREAMBLE: Final = 128
"""Bytes before the letters DICM (PS3.10 section 7.1)."""

_MAGIC: Final = b"DICM"
_TRANSFER_SYNTAX: Final = 0x00020010
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM: Final = 0xFFFEE000
_DELIMITERS: Final = (0xFFFEE00D, 0xFFFEE0DD)
_PIXELS: Final = range(0x7FE00008, 0x7FE00011)
"""Float, double float and plain pixel data."""

_LONG_VRS: Final = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
"""Value representations whose length has 32 bits (PS3.5 section 7.1.2)."""

_MOST_ELEMENTS: Final = 200_000
_MOST_INFLATED: Final = 1 << 26
"""Where the search for the end of a hostile file stops."""


def element_name(element: str | int) -> str:
    """An element as the standard names it, e.g. ``"Rows (0028,0010)"``, by keyword or tag."""
    tag = Tag(tag_for_keyword(element) or 0) if isinstance(element, str) else Tag(element)
    number = f"({tag.group:04X},{tag.element:04X})"
    try:
        return f"{dictionary_description(tag)} {number}"
    except KeyError:
        return f"the private element {number}" if tag.is_private else f"the element {number}"


@dataclass(frozen=True)
class FileEnd:
    """Where a DICOM file ends: ``inside`` an element, or behind the ``last`` whole one.

    Both are tags of the outermost level. ``is_cut`` is true inside an element and where what
    follows the last is too short to tell which one it was; ``has_pixels`` tells of pixel data that
    at least begins.
    """

    is_cut: bool = False
    inside: int | None = None
    last: int | None = None
    has_pixels: bool = False


def refuse_if_cut(path: Path) -> FileEnd:
    """Where the file ends. Raises :class:`DamagedError` where it is cut short.

    To be asked only of a file that cannot be shown: a reader may do without its end.
    """
    try:
        with path.open("rb") as file:
            end = file_end(without_repeated_header(file))
    except OSError:
        return FileEnd(has_pixels=True)  # told where the file was read
    if not end.is_cut:
        return end
    where = f"inside {element_name(end.inside)}" if end.inside else _behind(end)
    raise DamagedError(
        f"{shown(path.name)} is cut short, it ends {where}: fetch it again from its source."
    )


def refuse_if_without_pixels(path: Path, end: FileEnd) -> None:
    """Raises :class:`DamagedError` for a file that ends before its pixel data."""
    if not end.has_pixels:
        raise DamagedError(
            f"{shown(path.name)} ends {_behind(end)}, before its pixel data: the file is cut "
            "short or "
            "stripped of its image, so fetch it again from its source."
        )


def _behind(end: FileEnd) -> str:
    return f"after {element_name(end.last)}" if end.last else "after its preamble"


def missing_element(keyword: str, name: str) -> DamagedError:
    """What to say of the file ``name``, from which an element is missing."""
    return DamagedError(
        f"{name} lacks {element_name(keyword)}, without which its image cannot be read: "
        "export it again from its source."
    )


def file_end(file: BinaryIO) -> FileEnd:
    """Where ``file`` ends, told by its structure alone (PS3.5 section 7); values are skipped."""
    size = file.seek(0, io.SEEK_END)
    file.seek(PREAMBLE)
    if file.read(4) != _MAGIC:
        file.seek(0)
    walk = _Walk(file, size)
    walk.run(group=2)
    if not walk.ended and walk.syntax == DeflatedExplicitVRLittleEndian:
        inflated, whole = _inflate(file.read())
        deflated = _Walk(io.BytesIO(inflated), len(inflated), last=walk.last)
        deflated.run()
        deflated.is_cut |= not whole
        walk = deflated
    elif not walk.ended:
        walk.choose_encoding()
        walk.run()
    return FileEnd(walk.is_cut, walk.inside, walk.last, walk.has_pixels)


def without_repeated_header(file: BinaryIO) -> BinaryIO:
    """``file`` at its start, with the first of its file headers alone where it has several.

    Some archives put theirs before the one that a file came with. The second is no longer that of
    the file: its transfer syntax may be another.
    """
    file.seek(PREAMBLE)
    ends = []
    if file.read(4) == _MAGIC:
        walk = _Walk(file, sys.maxsize)
        while walk.run(group=2, ascending=True):
            ends.append(file.tell())
            start = file.read(PREAMBLE + 4)
            at = start.find(_MAGIC)
            file.seek(ends[-1] + (at + 4 if at in (0, PREAMBLE) else 0))
    file.seek(0)
    if len(ends) < 2:
        return file
    header = file.read(ends[0])
    file.seek(ends[-1])
    return io.BytesIO(header + file.read())


def _inflate(data: bytes) -> tuple[bytes, bool]:
    """What can be inflated of ``data``, and whether its stream is whole."""
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = stream.decompress(data, _MOST_INFLATED)
    except zlib.error:
        return b"", True  # damaged, which is not cut short
    return inflated, stream.eof or len(inflated) >= _MOST_INFLATED


class _Walk:
    """Steps from element to element; ``is_cut`` tells that the file ends in one."""

    def __init__(self, file: BinaryIO, size: int, last: int | None = None) -> None:
        self._file = file
        self._size = size
        self._implicit = False
        self._order: Literal["little", "big"] = "little"
        self.is_cut = False
        self.inside: int | None = None
        self.last = last
        self.has_pixels = False
        self.ended = False
        self.syntax = ""

    def choose_encoding(self) -> None:
        """As the transfer syntax says, else as the first element looks."""
        start = self._file.read(6)
        self._file.seek(-len(start), io.SEEK_CUR)
        if self.syntax:
            self._implicit = self.syntax == ImplicitVRLittleEndian
            big = self.syntax == ExplicitVRBigEndian
        else:
            self._implicit = not _is_vr(start[4:6])
            big = start[:1] == b"\0" and start[1:2] > b"\0"
        self._order = "big" if big else "little"

    def run(self, group: int | None = None, *, ascending: bool = False) -> int:
        """Step over all elements, or those of one group, or of that while their tags ascend.

        The file stands behind them then. Returns how many there were.
        """
        unclosed: list[tuple[int, bool]] = []
        previous = -1
        for count in range(_MOST_ELEMENTS):
            start = self._file.tell()
            head = self._file.read(8)
            tag = self._number(head[:2]) << 16 | self._number(head[2:4])
            if len(head) < 8:
                self.ended = True
                self.is_cut = bool(unclosed) or any(head)
                self.inside = unclosed[0][0] if unclosed else None
                return count
            if group is not None and (tag >> 16 != group or (ascending and tag <= previous)):
                self._file.seek(start)
                return count
            previous = tag
            if not self._step(tag, head, unclosed):
                self.ended = self.is_cut = True
                self.inside = unclosed[0][0] if unclosed else tag
                return count
            if not unclosed and tag not in _DELIMITERS:
                self.last = tag
        return _MOST_ELEMENTS

    def _step(self, tag: int, head: bytes, unclosed: list[tuple[int, bool]]) -> bool:
        """Step over one element or into it; ``False`` where the file ends before."""
        if tag in _DELIMITERS:
            if unclosed:
                self._implicit = unclosed.pop()[1]
            return True
        vr, length = b"", self._number(head[4:8])
        if tag != _ITEM and not self._implicit and _is_vr(head[4:6]):
            vr, length = head[4:6], self._number(head[6:8])
            if vr in _LONG_VRS:
                length_field = self._file.read(4)
                if len(length_field) < 4:
                    return False
                length = self._number(length_field)
        if not unclosed and tag in _PIXELS:
            self.has_pixels = True
        if length == _UNDEFINED:
            unclosed.append((tag, self._implicit))
            # PS3.5 section 6.2.2: an unknown sequence is encoded as implicit.
            self._implicit = self._implicit or vr == b"UN"
            return True
        end = self._file.tell() + length
        if end > self._size:
            return False
        if tag == _TRANSFER_SYNTAX and not self.syntax:
            self.syntax = self._file.read(length).decode("ascii", "replace").strip("\0 ")
        self._file.seek(end)
        return True

    def _number(self, data: bytes) -> int:
        return int.from_bytes(data, self._order)


def _is_vr(letters: bytes) -> bool:
    return len(letters) == 2 and letters.isalpha() and letters.isupper()
