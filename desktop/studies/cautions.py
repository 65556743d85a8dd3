"""What the reader must know of a picture: what is not shown of it, and what contradicts itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from desktop.viewer.pixels import (
    MIN_EXACT_WIDTH,
    LookupTable,
    Preset,
    StoredImage,
    percentile_window,
    voi_lookup,
)

_OVERLAY_GROUPS: Final = range(0x6000, 0x6020, 2)
_BITS, _POSITION, _DATA = 0x0100, 0x0102, 0x3000
"""Elements of an overlay plane: Bits Allocated, Bit Position and Data (PS3.3 C.9.2)."""

_NEARLY_ALL: Final = 0.999
_GLANCE: Final = 128
"""Rows and columns to look at before a whole picture is counted."""

FROM_IMAGE: Final = "From the image"
"""The preset that is made where those of the file show nothing."""


def what_is_not_shown(dataset: Dataset) -> list[str]:
    """What the file wants shown and Pinfill does not show."""
    cautions = []
    if any(_has_overlay(dataset, group) for group in _OVERLAY_GROUPS):
        cautions.append("The file holds graphic overlays, which are not shown.")
    if str(dataset.get("PixelPresentation") or "").upper() in ("COLOR", "MIXED"):
        cautions.append(
            "The file wants some values shown in colour (supplemental palette): all are grey here."
        )
    if dataset.get("ShutterShape"):
        cautions.append("The file wants parts of the picture covered (shutter): all is shown.")
    if dataset.get("MaskSubtractionSequence"):
        cautions.append("The file wants a mask frame subtracted: the frame is shown without.")
    return cautions


def contradicting_shape(dataset: Dataset) -> list[str]:
    """INVERSE belongs to MONOCHROME1 and IDENTITY to MONOCHROME2 (PS3.3 C.11.6, C.8.11.3)."""
    shape = str(dataset.get("PresentationLUTShape") or "").upper()
    photometric = str(dataset.PhotometricInterpretation)
    if (photometric, shape) not in (("MONOCHROME2", "INVERSE"), ("MONOCHROME1", "IDENTITY")):
        return []
    return [
        f"The file contradicts the standard: {photometric} with the presentation LUT shape "
        f"{shape}. It is shown as {photometric}; if it looks inverted, press I."
    ]


def misfilled(name: str, table: LookupTable) -> tuple[list[str], LookupTable | None]:
    """A caution, and the table as it was meant, where entries have not the depth that it claims.

    By its own word the picture is nearly black, or much of it white. ``name`` is that of the
    preset that shows what was meant.
    """
    depth = max(8, int(table.entries.max()).bit_length())
    if table.bits - 4 < depth <= table.bits:
        return [], None
    looks = "darker" if depth < table.bits else "brighter"
    caution = (
        f"A lookup table of the file claims {table.bits} bits and is filled with {depth}, so the "
        f'picture is {looks} than was meant: choose the preset "{name}".'
    )
    return [caution], replace(table, bits=depth)


def made_visible(image: StoredImage) -> tuple[StoredImage, list[str]]:
    """The image, with a caution where the file's own values leave nothing to see of it.

    The caution names a preset that shows the picture; there is one more where the file has none.
    """
    table = voi_lookup(image)
    if _varies(image, table):
        return image, []
    if image.padded is not None and image.padded.all():
        return image, ["Every pixel has the value that the file calls padding: all is black."]
    greys = np.bincount(table, weights=image.histogram, minlength=256)
    if not _is_flat(greys) or _is_flat(image.histogram):
        return image, []  # seen after all, or the pixels themselves do not differ
    shade = {0: "black", 255: "white"}.get(int(greys.argmax()), "grey")
    window = percentile_window(image)
    if not image.presets or window.width <= MIN_EXACT_WIDTH:
        return image, [
            f"The rescale slope of the file ({image.slope:g}) leaves no differences between "
            f"pixels to show: the picture is all {shade}."
        ]
    better = next(
        (one for one in image.presets if _varies(image, voi_lookup(image, one.voi))), None
    )
    if better is None:
        better = Preset(FROM_IMAGE, window)
        image = replace(image, presets=(*image.presets, better))
    scale = "" if image.slope == 1 else f" and the rescale slope {image.slope:g}"
    return image, [
        f'With the preset "{image.presets[0].name}" of the file{scale} the whole picture is '
        f'{shade}: choose the preset "{better.name}".'
    ]


def _varies(image: StoredImage, table: NDArray[np.uint8]) -> bool:
    """Whether a glance at some pixels shows more than one grey, which is much faster than all."""
    rows, columns = (slice(None, None, max(1, size // _GLANCE)) for size in image.stored.shape)
    stored = image.stored[rows, columns]
    if image.padding is not None:
        low, high = image.padding
        stored = stored[(stored < low) | (stored > high)]
    return not _is_flat(np.bincount(table[stored.ravel().view(np.uint16)], minlength=256))


def _is_flat(counts: NDArray[Any]) -> bool:
    """Whether a histogram has nearly all in neighbours that no eye tells apart."""
    return bool(np.convolve(counts, (1, 1, 1)).max() >= _NEARLY_ALL * counts.sum())


def _has_overlay(dataset: Dataset, group: int) -> bool:
    """Whether an overlay plane has data of its own or lies in bits of the pixels."""
    if (group, _DATA) in dataset:
        return True
    for element, least in ((_BITS, 1), (_POSITION, 0)):
        try:
            if (group, element) in dataset and int(dataset[group, element].value) > least:
                return True
        except (TypeError, ValueError):
            continue
    return False
