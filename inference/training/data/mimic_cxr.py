"""MIMIC-CXR: ``files/p10/p10000032/s50414267.txt``, the study's images in the folder beside it.

Images are DICOM (MIMIC-CXR) or JPEG (MIMIC-CXR-JPG). ``mimic-cxr-2.0.0-split.csv`` says which
split a study is in, ``mimic-cxr-2.0.0-metadata.csv`` which view an image is; both may end in
``.gz``. A row is a study: its FINDINGS and IMPRESSION, its indication as context, one image.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from inference.training.data.fields import NOT_UTF_8
from inference.training.data.files import is_utf_8, read_text
from inference.training.data.images import Gallery, relative_name
from inference.training.data.layout import Layout, Read, Request, attempt
from inference.training.data.rows import (
    SPLITS,
    BadRow,
    DataError,
    LeftOut,
    Malformed,
    Origin,
    Row,
    Split,
)
from inference.training.data.sections import cut

_SPLIT: Final = "mimic-cxr-2.0.0-split.csv"
_METADATA: Final = "mimic-cxr-2.0.0-metadata.csv"
_FRONTAL: Final = ("PA", "AP")
"""The views to learn from, the better one first."""

_SUFFIXES: Final = (".dcm", ".jpg")

_Views = dict[str, list[tuple[str, str]]]
"""Study -> (view, image) of all that were taken."""


def _splits(path: Path) -> dict[Split, Path]:
    if not any((path / "files").glob("p[0-9][0-9]")):
        return {}
    return dict.fromkeys(SPLITS, path)


def _rows(request: Request) -> Iterator[Read]:
    split_of: dict[str, str] = {}
    yield from _read_splits(request.source, split_of)
    views: _Views = {}
    if request.gallery.wanted:
        yield from _read_views(request.source, views)
    missing = {study for study, split in split_of.items() if split == request.split}
    for file in sorted((request.source / "files").glob("p[0-9][0-9]/p*/s*.txt")):
        missing.discard(file.stem)
        yield attempt(Origin(file, 1), partial(_row, file, request, split_of, views))
    for _ in missing:
        yield LeftOut("studies of the split whose report is not here")


def _row(file: Path, request: Request, split_of: dict[str, str], views: _Views) -> Read:
    study, patient = file.stem, file.parent.name
    if study not in split_of:
        raise BadRow(f"The study {study} stands in no line of {_SPLIT}; add it there.")
    if split_of[study] != request.split:
        return LeftOut("studies of other splits")
    try:
        text = read_text(file)
    except DataError as error:  # one of very many files, each with one row
        raise BadRow(str(error)) from error
    if not is_utf_8(text):
        raise BadRow("The report is not UTF-8; save it as UTF-8.")
    sections = cut(text)
    if not sections.is_report:
        raise BadRow("The report has neither FINDINGS nor IMPRESSION; head them, or delete it.")
    return Row(
        id=f"mimic-cxr/{study}",
        origin=Origin(file, sections.line),
        image=_image(file.with_suffix(""), views.get(study, []), request.gallery),
        question=None,
        context=sections.indication,
        answer=sections.written(),
        kind="report",
        group=f"mimic-cxr/{patient}",
    )


def _image(folder: Path, views: list[tuple[str, str]], gallery: Gallery) -> Path | None:
    """The best view that is on disk: a lateral one only where no frontal one was taken."""
    if not gallery.wanted:
        return None
    if not views:
        raise BadRow(f"The study {folder.name} stands in no line of {_METADATA}; add it there.")
    frontal = sorted(
        (_FRONTAL.index(view), image) for view, image in views if view in _FRONTAL
    ) or sorted((0, image) for _, image in views)
    paths = [
        folder / relative_name(f"{image}{suffix}") for _, image in frontal for suffix in _SUFFIXES
    ]
    return gallery.check(next((path for path in paths if path.exists()), paths[-1]))


def _read_splits(folder: Path, split_of: dict[str, str]) -> Iterator[Malformed]:
    for origin, (study, split) in _table(folder, _SPLIT, ("study_id", "split")):
        if not is_utf_8(study + split):
            yield Malformed(origin, NOT_UTF_8)
        elif not study or split not in SPLITS:
            yield Malformed(origin, f"The line puts study {study!r} in split {split!r}; mend it.")
        elif split_of.setdefault(f"s{study}", split) != split:
            yield Malformed(origin, f"The line puts study {study} in a second split; mend it.")


def _read_views(folder: Path, views: _Views) -> Iterator[Malformed]:
    columns = ("study_id", "dicom_id", "ViewPosition")
    for origin, (study, image, view) in _table(folder, _METADATA, columns):
        if not is_utf_8(study + image + view):
            yield Malformed(origin, NOT_UTF_8)
        elif study and image:
            views.setdefault(f"s{study}", []).append((view, image))
        else:
            yield Malformed(origin, "The line names no study or no image; mend it.")


def _table(
    folder: Path, name: str, columns: Sequence[str]
) -> Iterator[tuple[Origin, tuple[str, ...]]]:
    """The values of some columns, ``""`` where a line ends before them.

    Raises :class:`DataError` where the table or a column is missing.
    """
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if not found:
        raise DataError(f"{folder} holds no {name}, packed or not; put it beside files.")
    reader = csv.DictReader(io.StringIO(read_text(found[0])), restval="")
    try:
        absent = [column for column in columns if column not in (reader.fieldnames or ())]
        if absent:
            raise DataError(f"{found[0]} has no column {absent[0]}; fetch it again.")
        for record in reader:
            values = tuple(record[column].strip() for column in columns)
            yield Origin(found[0], reader.line_num), values
    except csv.Error as error:
        line = reader.line_num
        raise DataError(f"{found[0]} is damaged at line {line}; fetch it again.") from error


MIMIC_CXR: Final = Layout(name="MIMIC-CXR", splits=_splits, rows=_rows, language="en")
