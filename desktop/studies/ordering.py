"""The order of images: slices as they lie in the body, files as people count."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset

KEYWORDS: Final = (
    *("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "InstanceNumber"),
    *("FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient"),
)
"""What :func:`slice_of` reads of a header."""

_SAME_COSINE: Final = 1e-3
_SAME_PLACE: Final = 1e-3
"""mm along the normal."""

_DIGITS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Slice:
    """Where an image stands in its series (PS3.3 C.7.6.1, C.7.6.2).

    ``series`` names the series of one patient. ``position`` is that of the first pixel in mm,
    ``cosines`` are those of rows and columns; ``None`` is what the file leaves open.
    """

    path: Path
    series: tuple[str, ...]
    number: int | None = None
    frame_of_reference: str = ""
    position: tuple[float, ...] | None = None
    cosines: tuple[float, ...] | None = None


def slice_of(header: Dataset, path: Path) -> Slice:
    """What a header says of the place of its image; nothing it says can raise."""
    ids = [_text(header, keyword) for keyword in KEYWORDS[:3]]
    number = _numbers(header, "InstanceNumber", 1)
    return Slice(
        path=path,
        series=tuple(ids) if ids[-1] else (str(path),),
        number=int(number[0]) if number else None,
        frame_of_reference=_text(header, "FrameOfReferenceUID"),
        position=_numbers(header, "ImagePositionPatient", 3),
        cosines=_numbers(header, "ImageOrientationPatient", 6),
    )


def in_order(slices: Sequence[Slice]) -> list[Path]:
    """The paths, series by series as these first come, each from its first slice to its last.

    Slices go along the normal of their planes where all of a series say where they lie, in planes
    that are parallel and apart; else by instance number where all have one; else as they came.
    """
    series: dict[tuple[str, ...], list[Slice]] = {}
    for one in slices:
        series.setdefault(one.series, []).append(one)
    return [one.path for members in series.values() for one in _along_series(members)]


def natural_key(name: str) -> tuple[list[str | int], str]:
    """Sorts ``IM2`` before ``IM10``."""
    parts: list[str | int] = list(_DIGITS.split(name.casefold()))
    parts[1::2] = map(int, parts[1::2])
    return parts, name


def _along_series(members: list[Slice]) -> list[Slice]:
    if len(members) < 2:
        return members
    places = _places(members)
    if places is not None:
        order = sorted(range(len(members)), key=places.__getitem__)
        return [members[index] for index in order]
    if all(one.number is not None for one in members):
        return sorted(members, key=lambda one: one.number or 0)
    return members


def _places(members: list[Slice]) -> list[float] | None:
    """Millimetres along the common normal; ``None`` where they cannot be told for all."""
    positions = [one.position for one in members if one.position is not None]
    cosines = [one.cosines for one in members if one.cosines is not None]
    if not len(positions) == len(cosines) == len(members):
        return None
    if len({one.frame_of_reference for one in members}) > 1:
        return None
    directions = np.array(cosines)
    row, column = directions[0, :3], directions[0, 3:]
    if np.abs(directions).max() > 2 or np.ptp(directions, axis=0).max() > _SAME_COSINE:
        return None
    products = row @ row, column @ column, 1 + row @ column  # of unit vectors at right angles
    if not np.allclose(products, 1, atol=20 * _SAME_COSINE):
        return None
    with np.errstate(all="ignore"):  # absurd positions are finite, their products need not be
        places: list[float] = (np.array(positions) @ np.cross(row, column)).tolist()
    apart = (after - before for before, after in itertools.pairwise(sorted(places)))
    return places if min(apart) > _SAME_PLACE else None


def _text(header: Dataset, keyword: str) -> str:
    return str(_value(header, keyword) or "").strip()


def _numbers(header: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    value = _value(header, keyword)
    try:
        numbers = tuple(map(float, [value] if count == 1 else value))
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def _value(header: Dataset, keyword: str) -> Any:
    try:
        return header.get(keyword)
    except Exception:  # values are parsed on first access, and damage shows only then
        return None
