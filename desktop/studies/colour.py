"""Grey from colour: the luma of each photometric interpretation (PS3.3 C.7.6.3.1.2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

GREY: Final = frozenset({"MONOCHROME1", "MONOCHROME2"})
PALETTE: Final = "PALETTE COLOR"
_LUMA_FIRST: Final = frozenset({"YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT"})
_HALVED: Final = "YBR_FULL_422"
YBR_PARTIAL: Final = "YBR_PARTIAL_422"
KNOWN: Final = GREY | _LUMA_FIRST | {PALETTE, "RGB", YBR_PARTIAL}
"""What can be shown. Of the retired ones HSV, ARGB and CMYK the standard never said the scale."""

_MISTAKEN: Final = {
    *(("RGB", space) for space in ("YBR_FULL", "YBR_FULL_422")),
    *((space, "RGB") for space in ("YBR_FULL", "YBR_FULL_422")),
}
"""What a file may say, and what its samples are instead."""

_STRIP: Final = 1 << 17
"""Pixels at a time: sums need 32 bits, and a large picture would fill the memory with them."""


def normalise_photometric(dataset: Dataset) -> None:
    """Write the photometric interpretation in capitals, which some files do not."""
    if photometric := dataset.get("PhotometricInterpretation"):
        dataset.PhotometricInterpretation = str(photometric).strip().upper()


def contradictions(dataset: Dataset, decoded: str) -> list[str]:
    """Cautions where the photometric interpretation is not that of the samples.

    ``decoded`` is what the samples are, as the codestream says.
    """
    told, samples = str(dataset.PhotometricInterpretation), int(dataset.SamplesPerPixel)
    if (samples == 1) != (told in GREY or told == PALETTE):
        return [f"The file contradicts itself: {told} with {samples} sample(s) a pixel."]
    if samples == 3 and (told, decoded) in _MISTAKEN:
        return [f"The file says {told} and its codestream {decoded}: it is taken for {decoded}."]
    return []


def sampling(dataset: Dataset) -> str:
    """The space of full range in which pydicom finds the samples of a dataset; ``""`` for its own.

    The spaces named 422 have half as many chroma samples as pixels where nothing is compressed;
    some writers keep all and the name as well.
    """
    told = str(dataset.PhotometricInterpretation)
    if told not in (_HALVED, YBR_PARTIAL):
        return ""
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return "YBR_FULL" if told == YBR_PARTIAL else ""
    frames = max(int(dataset.get("NumberOfFrames") or 1), 1)
    samples = 3 * frames * int(dataset.Rows) * int(dataset.Columns)
    whole = len(dataset.PixelData) >= samples * (int(dataset.BitsAllocated) // 8)
    return "YBR_FULL" if whole else _HALVED


def luma(rgb: NDArray[np.integer]) -> NDArray[np.uint16]:
    """ITU-R BT.601 luma of (…, 3) unsigned RGB in whole numbers."""

    def weighed(strip: NDArray[np.integer]) -> NDArray[np.integer]:
        red, green, blue = (strip[..., band].astype(np.uint32) for band in range(3))
        return (299 * red + 587 * green + 114 * blue + 500) // 1000

    return _by_strips(rgb, weighed)


def grey_of(colour: NDArray[np.unsignedinteger], photometric: str) -> NDArray[np.uint16]:
    """The luma of (rows, columns, 3) samples; in the YBR spaces that is the first sample."""
    if photometric in _LUMA_FIRST:
        return colour[..., 0].astype(np.uint16)
    if photometric == YBR_PARTIAL:
        return _by_strips(colour, _widened)
    return luma(colour)


def _widened(strip: NDArray[np.integer]) -> NDArray[np.integer]:
    """Luma of eight bits, black at 16 and white at 235, over the full range."""
    above_black = np.clip(strip[..., 0].astype(np.int32) - 16, 0, 219)
    return (above_black * 510 + 219) // 438


def _by_strips(
    colour: NDArray[np.integer], grey_of_strip: Callable[[NDArray[np.integer]], NDArray[np.integer]]
) -> NDArray[np.uint16]:
    grey = np.empty(colour.shape[:-1], np.uint16)
    step = max(1, _STRIP // grey[0].size)
    for top in range(0, len(grey), step):
        grey[top : top + step] = grey_of_strip(colour[top : top + step])
    return grey
