"""The calibration of ultrasound regions (PS3.3 C.8.5.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from pydicom.dataset import Dataset

from desktop.studies.numbers import SPACINGS

_TWO_DIMENSIONAL: Final = 1
"""Region Spatial Format of tissue and flow; M-mode, spectra and graphs have others."""

_CENTIMETRES: Final = 3
"""Physical Units of a distance."""

_MM: Final = 10.0


@dataclass(frozen=True)
class _Region:
    """``spacing`` in mm between rows and between columns, ``None`` for what is no picture."""

    spacing: tuple[float, float] | None
    covers: bool


def region_spacing(dataset: Dataset) -> tuple[tuple[float, float] | None, str]:
    """mm between rows and between columns where one calibration holds for the whole image.

    Else ``None``, and a caution where the file has regions at all.
    """
    items = _items(dataset)
    regions = [found for item in items if (found := _region(item, dataset)) is not None]
    if not items:
        return None, ""
    spacings = {region.spacing for region in regions}
    if not regions:
        why_not = "The regions of this image do not say where they lie"
    elif len(spacings) > 1:
        why_not = "The spacing differs between the regions of this image"
    elif regions[0].spacing is None:
        why_not = "The regions of this image have no spacing in space"
    elif not any(region.covers for region in regions):
        why_not = "The file gives the spacing of a part of the image alone"
    else:
        return regions[0].spacing, ""
    return None, f"{why_not}: nothing can be measured."


def _items(dataset: Dataset) -> list[Dataset]:
    sequence = dataset.get("SequenceOfUltrasoundRegions")
    return [item for item in sequence or () if len(item)]


def _region(item: Dataset, dataset: Dataset) -> _Region | None:
    """``None`` for an item that says nothing of where it lies."""
    left, top, right, bottom = (
        _number(item, f"RegionLocation{name}") for name in ("MinX0", "MinY0", "MaxX1", "MaxY1")
    )
    if any(math.isnan(edge) for edge in (left, top, right, bottom)):
        return None
    covers = (
        left <= 0
        and top <= 0
        and right >= int(dataset.Columns) - 1
        and bottom >= int(dataset.Rows) - 1
    )
    return _Region(_spacing(item), covers)


def _spacing(item: Dataset) -> tuple[float, float] | None:
    units = {_number(item, f"PhysicalUnits{axis}Direction") for axis in "XY"}
    if units != {_CENTIMETRES} or _number(item, "RegionSpatialFormat") != _TWO_DIMENSIONAL:
        return None
    # A delta is negative where values grow towards the left or the top.
    rows, columns = (abs(_number(item, f"PhysicalDelta{axis}")) * _MM for axis in "YX")
    least, most = SPACINGS
    return (rows, columns) if least <= rows <= most and least <= columns <= most else None


def _number(item: Dataset, keyword: str) -> float:
    """NaN for what is missing, damaged or no number."""
    try:
        value: Any = item.get(keyword)
        return math.nan if value is None else float(value)
    except Exception:  # values are parsed on first access, and pydicom raises nearly any type
        return math.nan
