"""DICOM images through pydicom: modality LUT, VOI LUT or window, inversion (PS3.3 C.11).

The same picture as the viewer shows by default, so that a checkpoint is trained on what it will
meet at the workstation.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from inference.training.data.images import GreyImage, UnreadableImage, stretched, to_8_bits
from inference.training.data.rows import DataError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_FUNCTIONAL_MACROS: Final = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_FARTHEST: Final = 1e12
"""Beyond every window: what a window makes of it is the end of the range that it writes."""


def read_dicom(path: Path) -> GreyImage:
    """Grey levels (rows, columns) of the first frame, white is dense; padding is black.

    Raises :class:`UnreadableImage`, or :class:`DataError` where pydicom is not installed.
    """
    pydicom = _pydicom()
    try:
        dataset = pydicom.dcmread(path)
        _refuse_undecodable(dataset, path)
        pixels = _first_frame(dataset)
        if pixels.ndim == 3:
            return _grey_of(pixels)
        return _shown(pixels, _with_macros(dataset))
    except UnreadableImage:
        raise
    except Exception as error:  # pydicom and its codecs raise nearly any type on damaged input
        raise _damaged(path) from error


def check_dicom(path: Path) -> None:
    """Make sure that the header can be read and that pixels follow it.

    Raises :class:`UnreadableImage`, or :class:`DataError` where pydicom is not installed.
    """
    pydicom = _pydicom()
    from pydicom.pixels.utils import get_expected_length
    from pydicom.uid import DeflatedExplicitVRLittleEndian

    try:
        with path.open("rb") as file:
            dataset = pydicom.dcmread(file, stop_before_pixels=True)
            left = os.fstat(file.fileno()).st_size - file.tell()
        if not (dataset.Rows and dataset.Columns):
            raise ValueError("the image has no size")
        _refuse_undecodable(dataset, path)
        syntax = dataset.file_meta.TransferSyntaxUID
        if syntax == DeflatedExplicitVRLittleEndian:
            return  # the place in the file says nothing of the place in the dataset
        if left <= (8 if syntax.is_encapsulated else get_expected_length(dataset)):
            raise ValueError("pixels are missing")
    except UnreadableImage:
        raise
    except Exception as error:  # values are parsed on first access, and damage shows only then
        raise _damaged(path) from error


def _pydicom() -> ModuleType:
    try:
        import pydicom
    except ImportError as error:
        raise DataError(
            "DICOM images need pydicom, which is not installed; "
            "install it with: pip install 'pinfill[studies]'."
        ) from error
    return pydicom


def _damaged(path: Path) -> UnreadableImage:
    return UnreadableImage(f"The DICOM image {path} is cut short or damaged; fetch it again.")


def _refuse_undecodable(dataset: Dataset, path: Path) -> None:
    from pydicom.pixels.decoders.base import get_decoder

    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        has_decoder = get_decoder(syntax).is_available
    except NotImplementedError:
        has_decoder = False
    if not has_decoder:
        raise UnreadableImage(
            f"The DICOM image {path} is stored in a way for which there is no decoder here "
            f"({syntax.name}); convert it to an uncompressed one."
        )


def _first_frame(dataset: Dataset) -> NDArray[Any]:
    """Stored values (rows, columns), or (rows, columns, 3) where the image is in colour."""
    from pydicom.pixels.processing import apply_color_lut
    from pydicom.pixels.utils import pixel_array

    pixels = pixel_array(dataset, index=0)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(pixels, dataset)
    return pixels


def _grey_of(colour: NDArray[Any]) -> GreyImage:
    from PIL import Image

    brightest = np.iinfo(colour.dtype).max
    rgb = to_8_bits(colour[..., :3].astype(np.float64) / brightest)
    return np.asarray(Image.fromarray(rgb).convert("L"), np.uint8)


def _with_macros(dataset: Dataset) -> Dataset:
    """What is said of the first frame, where pydicom looks for it.

    Enhanced objects say it in functional groups (PS3.3 C.7.6.16).
    """
    from pydicom.dataset import Dataset

    flat = Dataset()
    flat.file_meta = dataset.file_meta
    keywords = (
        *("PhotometricInterpretation", "PixelRepresentation", "BitsStored", "ModalityLUTSequence"),
        *("RescaleSlope", "RescaleIntercept", "VOILUTSequence", "VOILUTFunction"),
        *("WindowCenter", "WindowWidth", "PixelPaddingValue", "PixelPaddingRangeLimit"),
    )
    for keyword in keywords:
        if keyword in dataset:
            flat[keyword] = dataset[keyword]
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for group in (dataset.get(groups) or ())[:1]:
            for macro in _FUNCTIONAL_MACROS:
                for item in (group.get(macro) or ())[:1]:
                    flat.update(item)
    return flat


def _shown(pixels: NDArray[Any], dataset: Dataset) -> GreyImage:
    from pydicom.pixels.processing import apply_modality_lut

    padding = _padding(pixels, dataset)
    values = apply_modality_lut(pixels, dataset).astype(np.float64)
    if table := dataset.get("VOILUTSequence"):
        grey = _through_table(values, dataset, int(table[0].LUTDescriptor[2]))
    elif _mend_window(dataset):
        grey = _through_window(values, dataset)
    else:
        grey = stretched(values, None if padding is None else ~padding)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        grey = np.uint8(255) - grey
    if padding is not None:
        grey[padding] = 0
    return grey


def _through_table(values: NDArray[np.float64], dataset: Dataset, bits: int) -> GreyImage:
    from pydicom.pixels.processing import apply_voi

    item = dataset.VOILUTSequence[0]
    count, first, _ = item.LUTDescriptor
    # pydicom keeps its index in the table's own type, where one of 8 bits runs over behind 255.
    item.LUTDescriptor = [count, first, 16]
    try:
        inputs = np.clip(np.floor(values), first, first + (count or 65536) - 1)
        return to_8_bits(apply_voi(inputs.astype(np.int32), dataset) / (2**bits - 1))
    finally:
        item.LUTDescriptor = [count, first, bits]


def _through_window(values: NDArray[np.float64], dataset: Dataset) -> GreyImage:
    from pydicom.pixels.processing import apply_windowing

    with np.errstate(over="ignore"):  # a sigmoid's exponent far from its centre
        low, high = apply_windowing(np.array([-_FARTHEST, _FARTHEST]), dataset)
        return to_8_bits((apply_windowing(values, dataset) - low) / (high - low))


def _mend_window(dataset: Dataset) -> bool:
    """Whether there is a usable window; a linear one narrower than 1 is made an exact one."""
    center, width = _first_number(dataset, "WindowCenter"), _first_number(dataset, "WindowWidth")
    if center is None or width is None or width <= 0:
        return False
    function = str(dataset.get("VOILUTFunction") or "LINEAR").upper()
    if function not in {"LINEAR", "LINEAR_EXACT", "SIGMOID"}:
        function = "LINEAR"
    dataset.VOILUTFunction = "LINEAR_EXACT" if function == "LINEAR" and width < 1 else function
    return True


def _first_number(dataset: Dataset, keyword: str) -> float | None:
    value = dataset.get(keyword)
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value) if dataset[keyword].VM == 1 else float(value[0])
    except (TypeError, ValueError, IndexError):
        return None
    return number if math.isfinite(number) else None


def _padding(pixels: NDArray[Any], dataset: Dataset) -> NDArray[np.bool_] | None:
    """Where the stored values are no part of the image (PS3.3 C.7.5.1.1.2)."""
    value = dataset.get("PixelPaddingValue")
    if not isinstance(value, int):
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    ends = sorted((value, limit if isinstance(limit, int) else value))
    mask: NDArray[np.bool_] = (pixels >= ends[0]) & (pixels <= ends[1])
    return mask if mask.any() else None
