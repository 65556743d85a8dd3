"""From a path to a dataset that holds an image, or to a sentence that says why not."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO, Final

import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from desktop.studies import deflate, ordering
from desktop.studies.elements import (
    PREAMBLE,
    element_name,
    missing_element,
    refuse_if_cut,
    refuse_if_without_pixels,
    without_repeated_header,
)
from desktop.studies.errors import DamagedError, NotAnImageError, NotDicomError, StudyError
from desktop.studies.names import shown, shown_path
from desktop.studies.unreadable import unreadable_element

_STORAGE: Final = "1.2.840.10008.5.1.4.1.1."
_DERIVED: Final = "raw or derived object"
_NO_IMAGE: Final = (
    ("88.59", "key object selection"),
    ("88.", "structured report"),
    ("104.", "encapsulated document"),
    ("11.", "presentation state"),
    ("9.", "waveform"),
    ("66", _DERIVED),
    ("481.1", ""),  # RT images are pictures
    ("481.", "radiotherapy object"),
)
"""Storage SOP classes that hold no picture to read, by the rest of their UID."""

_DRIVE_ERRORS: Final = frozenset(
    getattr(errno, name)
    for name in ("EIO", "ENXIO", "ENODEV", "ENOLINK", "ESTALE", "EREMOTEIO", "ETIMEDOUT")
    if hasattr(errno, name)
)
"""What the system says of a drive or a network share that fails."""

_PIXEL_DATA: Final = 0x7FE00010

_SIZE_TAGS: Final = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
_HEADER_TAGS: Final = ("SOPClassUID", *_SIZE_TAGS, *ordering.KEYWORDS)


def open_dataset(path: Path) -> FileDataset:
    """Read a file with an image in it. Raises :class:`StudyError`."""
    dataset = _read(path, header_only=False)
    refuse_without_image(dataset, path)
    if not dataset.get("PixelData"):
        if "FloatPixelData" in dataset or "DoubleFloatPixelData" in dataset:
            raise StudyError(
                f"{shown(path.name)} holds floating-point pixels, which Pinfill cannot show: "
                "export it as a 16-bit image."
            )
        end = refuse_if_cut(path)
        if not end.has_pixels and end.last and end.last > _PIXEL_DATA:
            raise missing_element("PixelData", shown(path.name))
        refuse_if_without_pixels(path, end)
        raise DamagedError(
            f"{element_name('PixelData')} of {shown(path.name)} is empty: "
            "fetch the file again from its source."
        )
    return dataset


def open_header(path: Path) -> FileDataset:
    """Read what tells whether and where an image is, and no pixels. Raises :class:`StudyError`."""
    return _read(path, header_only=True)


def sop_class(dataset: Dataset) -> UID:
    """The SOP class, from the dataset or else from its file header; may be empty."""
    for source, keyword in (
        (dataset, "SOPClassUID"),
        (getattr(dataset, "file_meta", Dataset()), "MediaStorageSOPClassUID"),
    ):
        try:
            if value := source.get(keyword):
                return UID(str(value))
        except Exception:  # values are parsed on first access, and pydicom raises nearly any type
            continue
    return UID("")


def refuse_without_image(dataset: Dataset, path: Path) -> None:
    """Raises :class:`StudyError` for DICOM objects that are no pictures."""
    uid = sop_class(dataset)
    if uid == MediaStorageDirectoryStorage:
        raise NotAnImageError(
            f"{shown(path.name)} is a DICOMDIR, the index of a disc: open it with Open, or open "
            "the folder that it lies in.",
            "index of a disc",
        )
    kind = ""
    if uid.startswith(_STORAGE):
        rest = uid.removeprefix(_STORAGE)
        kind = next((kind for start, kind in _NO_IMAGE if rest.startswith(start)), "")
    if kind:
        told = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
        if kind == _DERIVED:
            told += " (a segmentation, registration or the like)"
        raise NotAnImageError(
            f"{shown(path.name)} is {told}, not an image: open an image of the study.", kind
        )
    if "Rows" not in dataset:
        end = refuse_if_cut(path)
        if uid and not end.has_pixels and "Image Storage" not in uid.name:
            raise NotAnImageError(
                f"{shown(path.name)} is of the kind {uid.name}, not an image: open an image of "
                "the study."
            )
        refuse_if_without_pixels(path, end)
        raise missing_element("Rows", shown(path.name))


def _read(path: Path, *, header_only: bool) -> FileDataset:
    try:
        if path.is_dir():
            raise StudyError(
                f"{shown_path(path)} is a folder, not a file: open the images inside it."
            )
        if path.exists() and not path.is_file():  # a pipe would block for ever
            raise StudyError(
                f"{shown_path(path)} is no regular file: choose a DICOM image instead."
            )
        with path.open("rb") as file:
            whole = without_repeated_header(file)
            try:
                return _parse(whole, header_only=header_only, force=False)
            except InvalidDicomError:
                file.seek(0)
                return _parse_without_preamble(file, path, header_only=header_only)
    except StudyError:
        raise
    except deflate.TooLarge as error:
        raise StudyError(
            f"{shown(path.name)} unpacks to far more than its picture takes, so it was not opened: "
            "fetch it again from its source."
        ) from error
    except FileNotFoundError as error:
        raise StudyError(
            f"{shown_path(path)} does not exist: it was moved or deleted, or its drive is not "
            "connected."
        ) from error
    except PermissionError as error:
        raise StudyError(
            f"{shown_path(path)} cannot be read: you lack the permission, so ask its owner for "
            "access."
        ) from error
    except OSError as error:
        if error.errno is None:  # pydicom's own, of what the file holds
            raise damaged(path, error) from error
        advice = "check the drive" if error.errno in _DRIVE_ERRORS else "try again"
        raise StudyError(
            f"{shown_path(path)} cannot be read ({error.strerror or 'unknown reason'}): {advice}."
        ) from error
    except Exception as error:  # pydicom raises nearly any type on damaged input
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> DamagedError:
    """What to say of a file on which a parser failed: cut short, or damaged, and where."""
    try:
        refuse_if_cut(path)
    except DamagedError as cut:
        return cut
    return unreadable_element(error, shown(path.name)) or DamagedError(
        f"{shown(path.name)} is a damaged DICOM file: fetch it again from its source."
    )


def _parse(file: BinaryIO, *, header_only: bool, force: bool) -> FileDataset:
    tags = list(_HEADER_TAGS) if header_only else None
    unpacked = deflate.inflated(file, header_only=header_only)
    dataset = pydicom.dcmread(
        unpacked or file, force=force, stop_before_pixels=header_only, specific_tags=tags
    )
    if unpacked is not None:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return dataset


def _parse_without_preamble(file: BinaryIO, path: Path, *, header_only: bool) -> FileDataset:
    """Old archives hold datasets without preamble and file header: take those, nothing else."""
    not_dicom = _not_dicom(path)
    try:
        dataset = _parse(file, header_only=header_only, force=True)
        known = sop_class(dataset).startswith("1.2.840.10008.")
    except Exception as error:
        raise not_dicom from error
    if not known:
        raise not_dicom
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit, little_endian = dataset.original_encoding
        explicit = ExplicitVRLittleEndian if little_endian else ExplicitVRBigEndian
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit
    return dataset


def _not_dicom(path: Path) -> NotDicomError:
    size = path.stat().st_size
    if not size:
        return NotDicomError(f"{shown(path.name)} is empty: fetch it again from its source.")
    if size < PREAMBLE + 4:
        return NotDicomError(
            f"{shown(path.name)} is not a DICOM file, or one that was cut short after {size} "
            "bytes: "
            "choose a DICOM image instead, or fetch it again from its source."
        )
    return NotDicomError(f"{shown(path.name)} is not a DICOM file: choose a DICOM image instead.")
