"""Stored values out of their words: unused bits dropped, signs extended (PS3.5 section 8.1.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop.viewer.resampling import Stored


@dataclass(frozen=True)
class BitLayout:
    """Where the bits of a stored value lie in a word.

    ``stored`` bits hold the value, two's complement where ``signed``; ``below`` unused bits lie
    under it, and what lies above it has no meaning either.
    """

    stored: int
    below: int
    signed: bool


def stored_values(words: NDArray[np.integer], layout: BitLayout) -> Stored:
    """int16 or uint16 values of words of 8 or 16 bits, which are used up."""
    sixteen = _unsigned(words)
    if words.dtype == np.uint8 and layout == BitLayout(8, 0, signed=False):
        return sixteen  # as they are: a large picture is not gone through twice for nothing
    unused_above = 16 - layout.below - layout.stored
    if unused_above:
        np.left_shift(sixteen, unused_above, out=sixteen)
    values: Stored = sixteen.view(np.int16) if layout.signed else sixteen
    if unused := 16 - layout.stored:
        np.right_shift(values, unused, out=values)  # brings copies of the sign where signed
    return values


def clipped(words: NDArray[np.integer], stored: int, *, signed: bool) -> NDArray[np.integer]:
    """Words of lossy compression, held to values of ``stored`` bits.

    Its errors carry a value over the end of its range, where dropping bits would turn white into
    black. Signed values whose upper bits were zero before compression have no such room.
    """
    if not signed:
        held: NDArray[np.integer] = np.clip(words, 0, 2**stored - 1)
        return held
    values = words.view(f"i{words.dtype.itemsize}")
    if values.min() >= 0 and values.max() < 2**stored:
        return words
    held = np.clip(values, -(2 ** (stored - 1)), 2 ** (stored - 1) - 1)
    return held


def _unsigned(words: NDArray[np.integer]) -> NDArray[np.uint16]:
    if words.dtype == np.int16:
        return words.view(np.uint16)
    return words.astype(np.uint16, copy=False)
