"""The first frame of a dataset as grey stored values."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MPEGTransferSyntaxes,
)

from desktop.studies import codecs
from desktop.studies.errors import StudyError
from desktop.viewer.resampling import Stored

_MAX_PIXELS: Final = 200_000_000
"""More than any radiograph; a damaged or hostile header must not eat the memory."""

_LOSSY: Final = frozenset(f"1.2.840.10008.1.2.4.{end}" for end in ("50", "51", "81", "91", "203"))
"""JPEG baseline and extended, JPEG-LS near-lossless, JPEG 2000 and HTJ2K (which may be lossy)."""

_NATIVE: Final = frozenset(
    {
        ImplicitVRLittleEndian,
        ExplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    }
)

codecs.register()


def first_frame(dataset: FileDataset, name: str) -> tuple[Stored, list[str]]:
    """Stored values, (rows, columns), int16 or uint16, and cautions. Raises StudyError."""
    _refuse_unshowable(dataset, name)
    frame, cautions = _decode(dataset, name), _frame_cautions(dataset)
    photometric = str(dataset.PhotometricInterpretation)
    if photometric == "PALETTE COLOR":
        frame = apply_color_lut(frame, dataset)
    if frame.ndim == 3:
        frame = _luma(frame)
        cautions.append("This is a colour image, shown in grey.")
    signed = photometric.startswith("MONOCHROME") and int(dataset.PixelRepresentation) == 1
    kind = np.int16 if signed else np.uint16
    return np.ascontiguousarray(frame, dtype=kind), cautions


def _refuse_unshowable(dataset: FileDataset, name: str) -> None:
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise StudyError(
            f"{name} does not say how its pixels are stored (no transfer syntax): "
            "export it again from its source."
        )
    if syntax in MPEGTransferSyntaxes:
        raise StudyError(
            f"{name} is a video ({syntax.name}), which Pinfill does not play: "
            "open a still image of the study."
        )
    if syntax not in codecs.SYNTAXES and syntax not in _NATIVE:
        raise StudyError(
            f"{name} is compressed in a way that Pinfill cannot decode ({syntax.name}): "
            "export it uncompressed or in JPEG 2000."
        )
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if not rows or not columns:
        raise StudyError(
            f"{name} does not give the size of its image: export it again from its source."
        )
    if rows * columns > _MAX_PIXELS:
        raise StudyError(
            f"{name} claims {columns} x {rows} pixels, more than Pinfill can show: "
            "export it at a smaller size."
        )
    bits = int(dataset.get("BitsAllocated") or 0)
    if bits not in (8, 16) or int(dataset.get("BitsStored") or bits) > bits:
        raise StudyError(
            f"{name} has pixels of {bits} bits, and Pinfill shows 8 or 16: "
            "export it as a 16-bit image."
        )
    if not 0 <= _bits_below(dataset) <= bits - int(dataset.get("BitsStored") or bits):
        raise StudyError(
            f"{name} contradicts itself on where the bits of a pixel lie (High Bit "
            f"{dataset.HighBit}): export it again from its source."
        )


def _bits_below(dataset: FileDataset) -> int:
    """Unused bits below a pixel's value, which older computed radiographs have (PS3.5 8.1.1)."""
    stored, high = dataset.get("BitsStored"), dataset.get("HighBit")
    return 0 if stored is None or high is None else int(high) + 1 - int(stored)


def _decode(dataset: FileDataset, name: str) -> NDArray[np.integer]:
    syntax = dataset.file_meta.TransferSyntaxUID
    plugin = codecs.PLUGIN if syntax.is_encapsulated else ""
    below = _bits_below(dataset)
    bits: dict[str, Any] = {"bits_stored": int(dataset.HighBit) + 1} if below else {}
    try:
        frame, _ = get_decoder(syntax).as_array(dataset, index=0, decoding_plugin=plugin, **bits)
    except Exception as error:  # pydicom and the codecs raise nearly any type on damaged input
        how = f" ({syntax.name})" if syntax.is_encapsulated else ""
        raise StudyError(
            f"The pixel data of {name} cannot be decoded{how}, it is cut short or damaged: "
            "fetch the file again from its source."
        ) from error
    return np.right_shift(frame, below) if below else frame


def _frame_cautions(dataset: FileDataset) -> list[str]:
    cautions = []
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        cautions.append(f"This file holds {frames} frames; only the first is shown.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if dataset.get("LossyImageCompression") == "01" or syntax in _LOSSY:
        ratio = _last_number(dataset, "LossyImageCompressionRatio")
        told = f" (about {ratio:.0f}:1)" if ratio and ratio > 1 else ""
        cautions.append(f"The image was compressed with loss{told}: fine detail may be missing.")
    return cautions


def _last_number(dataset: Dataset, keyword: str) -> float | None:
    value = dataset.get(keyword)
    if value is None or isinstance(value, str):
        return None
    try:
        return float(value)
    except TypeError:  # several values, one for each round of compression
        return float(value[-1]) if len(value) else None


def _luma(colour: NDArray[np.integer]) -> NDArray[np.uint32]:
    """ITU-R BT.601 luma of (rows, columns, 3) RGB in whole numbers."""
    red, green, blue = (colour[..., band].astype(np.uint32) for band in range(3))
    return (299 * red + 587 * green + 114 * blue + 500) // 1000
