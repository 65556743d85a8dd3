"""Numbers of a header, checked once: finite, within bounds, or left out and told."""

from __future__ import annotations

import math
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from desktop.studies.elements import element_name
from desktop.studies.names import shown

Bounds = tuple[float, float]
"""The least and the greatest value."""

LEVELS: Final[Bounds] = (-1e15, 1e15)
"""Modality values, and the centres and widths of windows over them."""

SLOPES: Final[Bounds] = (-1e12, 1e12)
LEAST_SLOPE: Final = 1e-12

SPACINGS: Final[Bounds] = (1e-6, 1e3)
"""mm: from a nanometre, finer than any microscope's, to a metre."""

COSINES: Final[Bounds] = (-1e3, 1e3)
"""Direction cosines, which not every writer normalises."""

ASPECTS: Final[Bounds] = (0.01, 100.0)
"""Height of a pixel over its width."""

_LONGEST: Final = 40


def numbers(dataset: Dataset, keyword: str, bounds: Bounds, cautions: list[str]) -> list[float]:
    """The values of an attribute; none, and a caution, where one is no number within ``bounds``."""
    try:
        value = dataset.get(keyword)
        found = _floats(value)
    except Exception:  # values are parsed on first access, and pydicom raises nearly any type
        value, found = "damaged", [math.nan]
    least, most = bounds
    if all(least <= number <= most for number in found):
        return found
    told = shown(str(value))
    told = told if len(told) <= _LONGEST else told[:_LONGEST] + "…"
    cautions.append(f"{element_name(keyword)} of the file is no usable number ({told}): left out.")
    return []


def _floats(value: Any) -> list[float]:
    """Raises :class:`TypeError`, :class:`ValueError` and :class:`OverflowError`."""
    if value is None or value == "":
        return []
    values = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return [float(number) for number in values]
