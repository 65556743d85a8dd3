"""Stored values and grey levels by the formulas of PS3.3 and PS3.5, in whole numbers.

Written for truth and not for speed, and apart from everything that reads or shows images.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

_WHITE: Final = 255


def stored_values(words: Integers, stored: int, high: int, *, signed: bool) -> Integers:
    """PS3.5 8.1.1: ``stored`` bits up to bit ``high``, two's complement where signed."""
    bits: Integers = (words >> (high + 1 - stored)) & (2**stored - 1)
    if not signed:
        return bits
    negative: Integers = np.where(bits >= 2 ** (stored - 1), bits - 2**stored, bits)
    return negative


def through_table(values: Integers, first: int, entries: Integers) -> Integers:
    """PS3.3 C.11.1.1.1: inputs beyond either end take the entry there."""
    found: Integers = entries[np.clip(values - first, 0, len(entries) - 1)]
    return found


def linear(values: Integers, unit: int, center: int, width: int) -> Integers:
    """PS3.3 C.11.2.1.2.1, of ``values / unit``."""
    return _ramp(2 * values - 2 * center * unit + unit, 2 * unit * (width - 1))


def linear_exact(values: Integers, unit: int, center: int, width: int) -> Integers:
    """PS3.3 C.11.2.1.3.2, of ``values / unit``."""
    return _ramp(values - center * unit, unit * width)


def sigmoid(values: Integers, unit: int, center: int, width: int) -> Integers:
    """PS3.3 C.11.2.1.3.1, of ``values / unit``."""
    levels = _WHITE / (1 + np.exp(-4 * (values / unit - center) / width))
    return np.floor(levels + 0.5).astype(np.int64)


def scaled(levels: Integers, bits: int) -> Integers:
    """Levels of ``bits`` bits in eight, halves rounded up."""
    top = 2**bits - 1
    eight: Integers = (2 * levels * _WHITE + top) // (2 * top)
    return eight


def inverted(grey: Integers) -> Integers:
    """MONOCHROME1: the least value is white (PS3.3 C.7.6.3.1.2)."""
    return _WHITE - grey


def luma(red: Integers, green: Integers, blue: Integers) -> Integers:
    """ITU-R BT.601, as in the Y of YBR_FULL (PS3.3 C.7.6.3.1.2), in thousandths."""
    weighed: Integers = (299 * red + 587 * green + 114 * blue + 500) // 1000
    return weighed


def _ramp(part: Integers, whole: int) -> Integers:
    """``(part / whole + 1/2) * 255``, held to its ends, halves rounded up."""
    inside = (2 * part * _WHITE + (_WHITE + 1) * whole) // (2 * max(whole, 1))
    ramp: Integers = np.where(2 * part <= -whole, 0, np.where(2 * part > whole, _WHITE, inside))
    return ramp
