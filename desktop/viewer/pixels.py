"""From stored pixel values to grey levels: pure NumPy, no Qt.

The greyscale pipeline of DICOM PS3.3 C.11 and PS3.4 N.2: stored value, modality LUT, VOI LUT,
inversion. Stored values have at most 16 bits, so the whole pipeline is one table of 65,536
entries. A view is resampled first and then looked up, which leaves little to do on a large image.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from desktop.viewer.resampling import Region, Stored, axes, resample

WHITE: Final = 255
MIN_EXACT_WIDTH: Final = 1e-6
"""The narrowest window where the standard only asks for a width above zero."""

_STRIP: Final = 1 << 17
"""Pixels whose 64-bit copies stay in the processor's cache: counting takes half as long."""


class VoiFunction(StrEnum):
    """VOI LUT Function (0028,1056)."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True)
class Window:
    """A window in modality values (PS3.3 C.11.2.1.2)."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR

    def __post_init__(self) -> None:
        if not (math.isfinite(self.center) and math.isfinite(self.width)):
            raise ValueError("a window needs finite numbers")
        if self.width < self.narrowest:
            raise ValueError(f"a {self.function} window cannot be {self.width} wide")

    @property
    def narrowest(self) -> float:
        return 1.0 if self.function is VoiFunction.LINEAR else MIN_EXACT_WIDTH

    def adjusted(self, center: float, width: float) -> Window:
        """The same function at another place, no narrower than it allows."""
        return replace(self, center=center, width=max(width, self.narrowest))

    def grey(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Grey levels 0 to 255, not yet rounded."""
        center, width = self.center, self.width
        if self.function is VoiFunction.SIGMOID:
            # The exponent is bounded: beyond it the curve is flat in 8 bits and exp() overflows.
            exponent = np.clip(-4 * (values - center) / width, -60, 60)
            curve: NDArray[np.float64] = WHITE / (1 + np.exp(exponent))
            return curve
        if self.function is VoiFunction.LINEAR:
            center, width = center - 0.5, width - 1
        low, high = center - width / 2, center + width / 2
        # One rounding only, in the division: whole numbers then give the exact grey level.
        ramp: NDArray[np.float64] = (values - center) * WHITE / (width or 1) + WHITE / 2
        ramp[values <= low] = 0
        ramp[values > high] = WHITE
        return ramp


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A modality or VOI LUT (PS3.3 C.11.1.1, C.11.2.1.1).

    ``first`` is the input value of the first entry; inputs beyond either end take the entry at
    that end. ``bits`` is the depth of the entries.
    """

    first: int
    bits: int
    entries: NDArray[np.uint16]
    explanation: str = ""

    def __post_init__(self) -> None:
        if self.entries.ndim != 1 or not self.entries.size:
            raise ValueError("a lookup table needs entries")
        if not 1 <= self.bits <= 16:
            raise ValueError(f"a lookup table cannot have entries of {self.bits} bits")

    def lookup(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        index = np.clip(np.floor(values) - self.first, 0, self.entries.size - 1)
        entries: NDArray[np.float64] = self.entries[index.astype(np.intp)].astype(np.float64)
        return entries

    def grey(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Grey levels 0 to 255, not yet rounded."""
        share = self.lookup(values) * WHITE / (2**self.bits - 1)
        grey: NDArray[np.float64] = np.minimum(share, WHITE)
        return grey

    @property
    def window(self) -> Window:
        """A window over the same input values, to start from when the reader takes over."""
        count = self.entries.size
        return Window(self.first + count / 2, max(count, 1))


Voi = Window | LookupTable


@dataclass(frozen=True, eq=False)
class Preset:
    """One way to show the image that the file offers."""

    name: str
    voi: Voi


@dataclass(frozen=True, eq=False)
class StoredImage:
    """Stored values with everything needed to show them.

    ``stored`` is (rows, columns), int16 or uint16. ``padding`` is an inclusive range of stored
    values that are no part of the image; they are shown black. ``inverted`` is MONOCHROME1.
    ``pixel_spacing`` is (between rows, between columns) in mm. ``pixel_aspect`` is the height of
    a pixel over its width. ``orientation`` names where rows and columns point to, e.g.
    ``("L", "F")`` (PS3.3 C.7.6.1.1.1).
    """

    stored: Stored
    slope: float = 1.0
    intercept: float = 0.0
    modality_lut: LookupTable | None = None
    presets: tuple[Preset, ...] = ()
    inverted: bool = False
    padding: tuple[int, int] | None = None
    pixel_spacing: tuple[float, float] | None = None
    pixel_aspect: float = 1.0
    orientation: tuple[str, str] | None = None
    unit: str = ""

    def __post_init__(self) -> None:
        if self.stored.ndim != 2 or not self.stored.size:
            raise ValueError(f"an image needs rows and columns, not shape {self.stored.shape}")
        if self.stored.dtype not in (np.uint16, np.int16):
            raise TypeError(f"stored values must be 16-bit integers, not {self.stored.dtype}")

    @property
    def rows(self) -> int:
        return int(self.stored.shape[0])

    @property
    def columns(self) -> int:
        return int(self.stored.shape[1])

    @cached_property
    def padded(self) -> NDArray[np.bool_] | None:
        """Where the padding lies, or ``None`` where there is none."""
        if self.padding is None:
            return None
        low, high = self.padding
        mask = (self.stored >= low) & (self.stored <= high)
        return mask if mask.any() else None

    @cached_property
    def solid(self) -> Stored:
        """Stored values with the padding filled, so that averages near its rim stay true.

        The filling is the stored value that is shown darkest.
        """
        if self.padded is None or self.padded.all():
            return self.stored
        present = np.flatnonzero(self.histogram).astype(np.uint16).view(self.stored.dtype)
        shown = modality_values(self, present)
        darkest = present[np.argmax(shown) if self.inverted else np.argmin(shown)]
        return np.where(self.padded, darkest, self.stored)

    @cached_property
    def histogram(self) -> NDArray[np.int64]:
        """How often each stored value occurs outside the padding, by its 16-bit pattern."""
        counts = np.zeros(65536, np.int64)
        step = max(1, _STRIP // self.columns)
        for top in range(0, self.rows, step):  # in strips: bincount wants 64-bit copies
            strip = np.ascontiguousarray(self.stored[top : top + step]).view(np.uint16)
            pixels = strip if self.padded is None else strip[~self.padded[top : top + step]]
            counts += np.bincount(pixels.ravel(), minlength=65536)
        return counts

    @cached_property
    def default_voi(self) -> Voi:
        """The first preset of the file, else a window over what the image holds."""
        return self.presets[0].voi if self.presets else percentile_window(self)


def modality_values(image: StoredImage, stored: Stored) -> NDArray[np.float64]:
    """Stored values as modality values, e.g. Hounsfield units (PS3.3 C.11.1)."""
    values = stored.astype(np.float64)
    if image.modality_lut is not None:
        return image.modality_lut.lookup(values)
    return values * image.slope + image.intercept


def percentile_window(image: StoredImage, low: float = 0.5, high: float = 99.5) -> Window:
    """A window from one percentile of the modality values to another, padding left out."""
    patterns = np.flatnonzero(image.histogram)
    if not patterns.size:
        return Window(0.0, 1.0, VoiFunction.LINEAR_EXACT)
    values = modality_values(image, patterns.astype(np.uint16).view(image.stored.dtype))
    order = np.argsort(values)
    reached = np.cumsum(image.histogram[patterns][order])
    ends = np.searchsorted(reached, np.array([low, high]) / 100 * reached[-1])
    bottom, top = values[order][np.minimum(ends, order.size - 1)]
    width = max(float(top - bottom), MIN_EXACT_WIDTH)
    return Window(float(bottom + top) / 2, width, VoiFunction.LINEAR_EXACT)


def voi_lookup(
    image: StoredImage, voi: Voi | None = None, *, invert: bool = False
) -> NDArray[np.uint8]:
    """The grey level of every 16-bit pattern: 65,536 entries, white is 255.

    Negative stored values are found under their two's complement. ``invert`` is the reader's
    wish and comes on top of MONOCHROME1.
    """
    stored = np.arange(65536, dtype=np.uint16).view(image.stored.dtype)
    grey = (voi or image.default_voi).grey(modality_values(image, stored))
    table = np.floor(grey + 0.5).astype(np.uint8)
    return WHITE - table if image.inverted != invert else table


@dataclass(frozen=True, eq=False)
class View:
    """Stored values as resampled for a viewport, before any lookup.

    ``inside`` says where in ``shape`` the picture lies; the rest, and ``background``, is black.
    """

    values: Stored
    shape: tuple[int, int]
    inside: tuple[slice, slice]
    background: NDArray[np.bool_] | None

    def grey(self, table: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """``shape`` grey levels through a table of :func:`voi_lookup`."""
        picture = np.take(table, self.values.view(np.uint16))
        if self.background is not None:
            picture[self.background] = 0
        if picture.shape == self.shape:
            return picture
        whole = np.zeros(self.shape, np.uint8)
        whole[self.inside] = picture
        return whole


def sample_view(image: StoredImage, region: Region, shape: tuple[int, int]) -> View:
    """Resample ``region`` of the image to ``shape`` = (rows, columns) pixels."""
    vertical, horizontal = axes(image.stored, region, shape)
    background = None
    if image.padded is not None:
        background = image.padded[np.ix_(vertical.nearest(), horizontal.nearest())]
    return View(
        values=resample(image.solid, vertical, horizontal),
        shape=shape,
        inside=(vertical.covered, horizontal.covered),
        background=background,
    )


def render_view(
    image: StoredImage,
    region: Region,
    shape: tuple[int, int],
    voi: Voi | None = None,
    *,
    invert: bool = False,
) -> NDArray[np.uint8]:
    """``region`` of the image as ``shape`` = (rows, columns) grey levels.

    Resampled to the viewport first, then one lookup. Outside the image all is black.
    """
    return sample_view(image, region, shape).grey(voi_lookup(image, voi, invert=invert))


def model_image(image: StoredImage, longest_side: int = 512) -> NDArray[np.uint8]:
    """The (height, width) 8-bit picture that the model sees: default window, white is dense.

    Pixels become square, the longest side at most ``longest_side``; nothing is ever enlarged.
    """
    height, width = image.rows * image.pixel_aspect, float(image.columns)
    unit = max(image.pixel_aspect, 1.0, max(height, width) / longest_side)
    shape = max(1, round(height / unit)), max(1, round(width / unit))
    return render_view(image, Region(0, 0, image.rows, image.columns), shape)
