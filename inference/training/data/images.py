"""Images of a data set as a workstation would show them: 8-bit grey levels, white is dense."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from inference.training.data.rows import BadRow, DataError

if TYPE_CHECKING:
    from PIL.Image import Image

GreyImage = NDArray[np.uint8]

_FORMATS: Final = ("JPEG", "PNG")
_ENDS: Final = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_DEEP: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
"""Pillow's modes of more than 8 bits, which its own conversion to grey would cut off at 255."""

_LONGEST_NAME: Final = 255
"""Bytes of a file's name, on nearly every system."""


class UnreadableImage(DataError):
    """One image that is missing, damaged or of an unknown format."""


def read_image(path: Path) -> GreyImage:
    """Grey levels (rows, columns) of a DICOM, PNG or JPEG file, white is dense.

    DICOM is shown as its header asks: the first frame, through its first display window.
    Raises :class:`DataError`.
    """
    if is_dicom(path):
        from inference.training.data.dicom import read_dicom

        return read_dicom(path)
    return _read_picture(path)


def check_image(path: Path) -> None:
    """Make sure that there is an image: it has a header, and is not cut short.

    It is not decoded, which would take hours on a large data set; damage in the middle shows when
    it is read. Raises :class:`UnreadableImage`, or :class:`DataError` where a library is missing.
    """
    if is_dicom(path):
        from inference.training.data.dicom import check_dicom

        check_dicom(path)
    else:
        _check_picture(path)


def is_dicom(path: Path) -> bool:
    """By the name, else by the mark behind the preamble (PS3.10 section 7.1).

    Raises :class:`UnreadableImage` where there is no such file.
    """
    try:
        with path.open("rb") as file:
            return path.suffix.lower() in {".dcm", ".dicom"} or file.read(132)[128:] == b"DICM"
    except FileNotFoundError as error:
        raise UnreadableImage(
            f"The image {path} is missing; put it there, or mend what names it."
        ) from error
    except (OSError, ValueError) as error:
        raise UnreadableImage(f"The image {path} cannot be opened; check the file.") from error


def stretched(values: NDArray[np.float64], of: NDArray[np.bool_] | None = None) -> GreyImage:
    """Grey levels between the 0.5th and the 99.5th percentile, taken where ``of`` holds.

    For images that do not say how they are to be shown.
    """
    told = values if of is None else values[of]
    if not told.size:
        return np.zeros(values.shape, np.uint8)
    low, high = np.percentile(told, [0.5, 99.5], method="inverted_cdf")
    return to_8_bits((values - low) / max(float(high - low), 1e-6))


def to_8_bits(shares: NDArray[np.float64]) -> GreyImage:
    """Shares of the full brightness, cut off at 0 and 1, as 0 to 255."""
    return np.floor(np.clip(shares, 0, 1) * 255 + 0.5).astype(np.uint8)


class Gallery:
    """The images of a data set below ``folders``; each is checked once."""

    def __init__(self, *, wanted: bool) -> None:
        self.wanted = wanted
        self._checked: dict[Path, str] = {}

    def find(self, name: str, *folders: Path) -> Path | None:
        """The image called ``name`` in the first of ``folders`` that has it.

        ``None`` where images are not wanted. Raises :class:`BadRow` for a name that leads out of
        the folder, and for a folder or an image that is missing or cannot be read.
        """
        inside = relative_name(name)
        if not self.wanted:
            return None
        if not any(folder.exists() for folder in folders):
            raise BadRow(f"The folder {folders[0]} is missing; put the images there.")
        found = [folder / inside for folder in folders if (folder / inside).exists()]
        return self.check(found[0] if found else folders[0] / inside)

    def check(self, path: Path) -> Path:
        """The path, if the image there can be read. Raises :class:`BadRow` if not."""
        if path not in self._checked:
            try:
                check_image(path)
                self._checked[path] = ""
            except UnreadableImage as error:
                self._checked[path] = str(error)
        if fault := self._checked[path]:
            raise BadRow(fault)
        return path


def relative_name(name: str) -> str:
    """``name`` in its shortest form. Raises :class:`BadRow` where it leads out of its folder."""
    inside = PurePosixPath(name)
    if inside.is_absolute() or ".." in inside.parts or "\\" in name or ":" in name:
        raise BadRow(f"The image {name!r} must be named from the data's folder, with slashes.")
    too_long = any(len(part.encode()) > _LONGEST_NAME for part in inside.parts)
    if "\0" in name or too_long or not inside.parts:
        raise BadRow(f"{name!r} cannot be the name of an image; mend it.")
    return str(inside)


def _open_picture(path: Path) -> Image:
    from PIL import Image

    try:
        return Image.open(path, formats=_FORMATS)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImage(
            f"The image {path} is neither DICOM nor PNG nor JPEG, or it is damaged; fetch it again."
        ) from error


def _read_picture(path: Path) -> GreyImage:
    from PIL import ImageOps

    with _open_picture(path) as picture:
        try:
            upright = ImageOps.exif_transpose(picture)
            if upright.mode in _DEEP:
                return stretched(np.asarray(upright, np.float64))
            return np.asarray(upright.convert("L"), np.uint8)
        except (OSError, ValueError, SyntaxError) as error:
            raise UnreadableImage(
                f"The image {path} is cut short or damaged; fetch it again."
            ) from error


def _check_picture(path: Path) -> None:
    with _open_picture(path) as picture:
        ending = _ENDS[str(picture.format)]
    with path.open("rb") as file:
        tail = _tail(file)
    if ending not in tail:
        _read_picture(path)  # something may rightly stand behind the end, so that this decides


def _tail(file: BinaryIO, length: int = 64) -> bytes:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - length))
    return file.read()
