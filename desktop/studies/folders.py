"""Which of the files and folders that the reader dropped are DICOM images."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import pydicom
from pydicom.uid import MediaStorageDirectoryStorage

from desktop.studies.datasets import open_header, refuse_without_image, sop_class
from desktop.studies.errors import StudyError
from desktop.studies.listing import Listed, files_below
from desktop.studies.names import shown, shown_path
from desktop.studies.ordering import Slice, in_order, slice_of
from desktop.studies.passed_over import Tally

_PREFIX_AT: Final = 128
_FIRST_GROUPS: Final = (b"\x02\x00", b"\x08\x00", b"\x00\x08")
"""File header and first dataset group in either byte order: how a file without preamble starts."""

_MayLook = Callable[[Path], bool]


def find_studies(
    paths: Sequence[Path],
    stop: threading.Event | None = None,
    may_look: _MayLook = lambda path: True,
    listed: Listed = lambda folder, count: None,
) -> tuple[list[Path], list[StudyError]]:
    """DICOM images among files and folders, each once, slices of a series in order, and what the
    reader should know.

    Folders are searched to the bottom; what is no DICOM image in them is passed over, which a
    :class:`PassedOver` behind all errors tells. A DICOMDIR that is named itself stands for the
    files that it lists. Another thread ends the search by setting ``stop``; the answer is then
    without meaning. ``may_look`` is asked before each file is opened, and ``listed`` is told
    while folders are listed.
    """
    stop = stop or threading.Event()
    found: dict[Path, Slice] = {}
    errors: list[StudyError] = []
    passed = Tally()
    for path in paths:
        if stop.is_set():
            break
        try:
            listed(path, 0)
            if path.is_dir():
                here, unreadable, passed_here = _search(path, stop, may_look, listed)
                errors += unreadable
                if here or unreadable:
                    passed += passed_here
                else:
                    listed(path, 0)
                    errors.append(_empty(path, passed_here))
            else:
                here, missing = _named_file(path, stop, may_look, listed, passed)
                errors += missing
        except StudyError as error:
            errors.append(error)
            continue
        except OSError as error:  # the path itself cannot be looked at
            reason = error.strerror or "unknown reason"
            errors.append(
                StudyError(f"{shown_path(path)} cannot be read ({reason}): ask for access to it.")
            )
            continue
        except Exception:  # one file keeps none of the others from opening
            errors.append(
                StudyError(
                    f"{shown(path.name)} is a damaged DICOM file: fetch it again from its source."
                )
            )
            continue
        for image in here:
            found.setdefault(image.path, image)
    if passed:
        errors.append(passed.note())
    return in_order(list(found.values())), errors


def _empty(folder: Path, passed: Tally) -> StudyError:
    if any(folder.iterdir()):
        told = f" ({passed})" if passed else ""
        return StudyError(
            f"No DICOM image was found in {shown_path(folder)}{told}: choose another folder."
        )
    return StudyError(f"{shown_path(folder)} is empty: choose a folder with DICOM images.")


def _search(
    folder: Path, stop: threading.Event, may_look: _MayLook, listed: Listed
) -> tuple[list[Slice], list[StudyError], Tally]:
    errors: list[StudyError] = []
    passed = Tally()

    def cannot_list(folder: Path, error: OSError) -> None:
        reason = error.strerror or "unknown reason"
        errors.append(
            StudyError(f"{shown_path(folder)} cannot be searched ({reason}): ask for access to it.")
        )

    found: list[Slice] = []
    for paths in files_below(folder, stop, listed, cannot_list):
        for path in paths:
            if stop.is_set():
                break
            if may_look(path) and (image := _image(path, passed)):
                found.append(image)
    return found, errors, passed


def looks_like_dicom(path: Path) -> bool:
    """Decide by the first bytes, so that a folder full of other files costs little."""
    try:
        return _begins_as_dicom(path)
    except OSError:
        return False


def _begins_as_dicom(path: Path) -> bool:
    if not path.is_file():  # a pipe would block the search
        return False
    with path.open("rb") as file:
        start = file.read(_PREFIX_AT + 4)
    return start[_PREFIX_AT:] == b"DICM" or start[:2] in _FIRST_GROUPS


def _image(path: Path, passed: Tally) -> Slice | None:
    """An image of a search, or ``None`` for what was counted as passed over."""
    try:
        if not _begins_as_dicom(path):
            passed.add(None)
            return None
        header = open_header(path)
        refuse_without_image(header, path)
    except OSError:
        passed.add(StudyError())
        return None
    except Exception as error:  # StudyError, and what pydicom raises where a value is read
        passed.add(error)
        return None
    return slice_of(header, path)


def _named_file(
    path: Path, stop: threading.Event, may_look: _MayLook, listed: Listed, passed: Tally
) -> tuple[list[Slice], list[StudyError]]:
    if not may_look(path):
        return [], []
    header = open_header(path)
    if sop_class(header) == MediaStorageDirectoryStorage:
        return _expand_directory(path, stop, may_look, listed, passed)
    refuse_without_image(header, path)
    return [slice_of(header, path)], []


def _expand_directory(
    directory: Path, stop: threading.Event, may_look: _MayLook, listed: Listed, passed: Tally
) -> tuple[list[Slice], list[StudyError]]:
    """The images that a DICOMDIR lists (PS3.3 F.3), none of them outside its own folder."""
    root = directory.parent.resolve()
    found: list[Slice] = []
    missing = outside = 0
    for number, parts in enumerate(_referenced_files(directory)):
        if stop.is_set():
            break
        listed(root, number)  # whether a file is there is asked of the drive, not of the file
        path = _below(root, parts)
        if path is None:
            outside += 1
        elif not path.is_file():
            missing += 1
        elif may_look(path) and (image := _image(path, passed)):
            found.append(image)
    errors = []
    if outside:
        errors.append(
            StudyError(
                f"{shown(directory.name)} points to {outside} file(s) outside its own folder: "
                "they were left alone, do not trust this disc."
            )
        )
    if missing:
        errors.append(
            StudyError(
                f"{missing} file(s) that {shown(directory.name)} lists are missing: copy the "
                "whole disc, not the DICOMDIR alone."
            )
        )
    if not found and not errors:
        errors.append(
            StudyError(f"{shown(directory.name)} lists no image: open the folder instead.")
        )
    return found, errors


def _referenced_files(directory: Path) -> Iterator[list[str]]:
    try:
        for record in pydicom.dcmread(directory).get("DirectoryRecordSequence") or []:
            file_id = record.get("ReferencedFileID")
            if file_id:
                yield [file_id] if isinstance(file_id, str) else [str(part) for part in file_id]
    except Exception as error:  # pydicom raises nearly any type on damaged input
        raise StudyError(
            f"{shown(directory.name)} is a damaged DICOMDIR: open the folder that it lies in "
            "instead."
        ) from error


def _below(root: Path, parts: Sequence[str]) -> Path | None:
    """``root`` joined with ``parts``, or ``None`` where that would leave ``root``."""
    if any(part in ("", ".", "..") or set(part) & set("/\\:\0") for part in parts):
        return None
    path = root.joinpath(*parts).resolve()
    return path if path.is_relative_to(root) else None
