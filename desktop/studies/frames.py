"""The first frame of a dataset as grey stored values."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.pixels.decoders.base import Decoder, get_decoder

from desktop.studies import codecs, colour
from desktop.studies.elements import element_name
from desktop.studies.errors import DamagedError, StudyError
from desktop.studies.lookup_tables import looked_up, palette
from desktop.studies.pixel_elements import check_pixel_elements, readable_value
from desktop.studies.stored_bits import BitLayout, stored_values
from desktop.studies.syntaxes import NATIVE, refuse_unknown_syntax, syntax_name
from desktop.viewer.pixels import LookupTable
from desktop.viewer.resampling import Stored

_ITEM: Final = b"\xfe\xff\x00\xe0"
"""How encapsulated pixel data begins (PS3.5 A.4)."""

_MAX_PIXELS: Final = 200_000_000
"""More than any radiograph; a damaged or hostile header must not eat the memory."""

_UNCORRECTED: Final[dict[str, Any]] = {
    "correct_unused_bits": False,
    "apply_jls_sign_correction": False,
    "apply_j2k_sign_correction": False,
}
"""pydicom corrects unused bits in some transfer syntaxes only; here that is done for all alike."""

_SHOWN_IN_GREY: Final = "This is a colour image, shown in grey."

codecs.register()


def first_frame(dataset: FileDataset, name: str) -> tuple[Stored, list[str]]:
    """Stored values, (rows, columns), int16 or uint16, and cautions. Raises StudyError.

    Colour becomes grey: these values are its luma.
    """
    _refuse_unshowable(dataset, name)
    words, photometric, depth = _decode(dataset, name)
    layout = _layout(dataset, depth)
    cautions = [*_frame_cautions(dataset), *colour.contradictions(dataset, photometric)]
    if words.ndim == 3:
        cautions.append(_SHOWN_IN_GREY)
        return colour.grey_of(_samples(words, layout), photometric), cautions
    stored = stored_values(words, layout)
    if photometric == colour.PALETTE:
        cautions.append(_SHOWN_IN_GREY)
        stored = looked_up(_palette(dataset, name), stored)
    return np.ascontiguousarray(stored), cautions


def _refuse_unshowable(dataset: FileDataset, name: str) -> None:
    refuse_unknown_syntax(dataset, name)
    readable_value(dataset, "PhotometricInterpretation", name)
    colour.normalise_photometric(dataset)
    check_pixel_elements(dataset, name)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    if rows * columns > _MAX_PIXELS:
        raise StudyError(
            f"{name} claims {columns} x {rows} pixels, more than Pinfill can show: "
            "export it at a smaller size."
        )
    if dataset.file_meta.TransferSyntaxUID in NATIVE:
        _refuse_too_few_bytes(dataset, name)
    elif not dataset.PixelData.startswith(_ITEM):
        raise DamagedError(
            f"{name} contradicts itself: {element_name('TransferSyntaxUID')} says that its pixels "
            f"are compressed ({syntax_name(dataset.file_meta.TransferSyntaxUID)}), and "
            f"{element_name('PixelData')} is not in fragments: export it again from its source."
        )


def _refuse_too_few_bytes(dataset: FileDataset, name: str) -> None:
    """Uncompressed pixel data that is shorter than what describes it (PS3.5 section 8.1)."""
    frames = max(int(dataset.get("NumberOfFrames") or 1), 1)
    samples, subsampled = int(dataset.SamplesPerPixel), dataset.PhotometricInterpretation
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) * samples
    if samples == 3 and str(subsampled).endswith("_422"):
        bits = bits * 2 // 3
    frame, held = bits // 8, len(dataset.PixelData)
    if held >= frame * frames:
        return
    if held >= frame:
        raise DamagedError(
            f"{name} contradicts itself: {element_name('NumberOfFrames')} is {frames}, and its "
            f"pixel data holds {held // frame}: fetch it again from its source."
        )
    raise DamagedError(
        f"{name} contradicts itself: {element_name('PixelData')} holds {held} bytes, and "
        f"{element_name('Rows')} {dataset.Rows} by {element_name('Columns')} {dataset.Columns} "
        f"need {frame}: fetch it again from its source."
    )


def _bits_below(dataset: FileDataset) -> int:
    """Unused bits below a pixel's value, which older computed radiographs have (PS3.5 8.1.1)."""
    stored, high = dataset.get("BitsStored"), dataset.get("HighBit")
    return 0 if stored is None or high is None else int(high) + 1 - int(stored)


def _layout(dataset: FileDataset, depth: int) -> BitLayout:
    """How the words of ``depth`` bits lie that were decoded."""
    stored = int(dataset.BitsStored)
    # A codestream no deeper than the values holds them as they are, wherever the words had them.
    below = _bits_below(dataset) if depth > stored else 0
    signed = int(dataset.PixelRepresentation) == 1 and int(dataset.SamplesPerPixel) == 1
    return BitLayout(stored, below, signed)


def _samples(words: NDArray[np.integer], layout: BitLayout) -> NDArray[np.unsignedinteger]:
    """The samples of a colour image, which are never signed."""
    unsigned = words.view(f"u{words.dtype.itemsize}")
    if layout.stored == 8 * words.dtype.itemsize:
        return unsigned
    return stored_values(unsigned, layout).view(np.uint16)


def _decode(dataset: FileDataset, name: str) -> tuple[NDArray[np.integer], str, int]:
    """Words with their unused bits, what colours they are, and how many bits they have."""
    syntax = dataset.file_meta.TransferSyntaxUID
    sampling = colour.sampling(dataset)
    options: dict[str, Any] = {"bits_stored": int(dataset.BitsStored) + _bits_below(dataset)}
    if sampling:
        options["photometric_interpretation"] = sampling
    read = _decompressed if syntax.is_encapsulated else _native
    try:
        frame, told = read(get_decoder(syntax), dataset, {**_UNCORRECTED, **options})
    except Exception as error:  # pydicom and the codecs raise nearly any type on damaged input
        how = f" ({syntax.name})" if syntax.is_encapsulated else ""
        raise DamagedError(
            f"The pixel data of {name} cannot be decoded{how}, {codecs.why_not(error)}: "
            "fetch the file again from its source."
        ) from error
    words = frame.astype(frame.dtype.newbyteorder("="), copy=False)
    photometric = str(told["photometric_interpretation"])
    if dataset.PhotometricInterpretation == colour.YBR_PARTIAL:
        photometric = colour.YBR_PARTIAL
    depth = int(told["bits_stored"]) if syntax.is_encapsulated else int(dataset.BitsAllocated)
    return words, photometric, depth


def _native(
    decoder: Decoder, dataset: FileDataset, options: dict[str, Any]
) -> tuple[NDArray[np.integer], dict[str, Any]]:
    return decoder.as_array(dataset, index=0, raw=True, **options)


def _decompressed(
    decoder: Decoder, dataset: FileDataset, options: dict[str, Any]
) -> tuple[NDArray[np.integer], dict[str, Any]]:
    """The first frame where its codec put it: pydicom's own array would be one more copy."""
    plugin = codecs.PLUGIN
    words, told = decoder.as_buffer(dataset, index=0, decoding_plugin=plugin, **options)
    kind = "i" if told["pixel_representation"] else "u"
    frame = np.frombuffer(words, f"<{kind}{int(told['bits_allocated']) // 8}")
    rows, columns = int(told["rows"]), int(told["columns"])
    samples = int(told["samples_per_pixel"])
    if samples == 1:
        return frame.reshape(rows, columns), told
    if told["planar_configuration"]:
        return frame.reshape(samples, rows, columns).transpose(1, 2, 0), told
    return frame.reshape(rows, columns, samples), told


def _palette(dataset: FileDataset, name: str) -> LookupTable:
    try:
        return palette(dataset)
    except (ValueError, TypeError, AttributeError, LookupError) as error:
        raise StudyError(
            f"{name} has a damaged palette, so its colours are lost: "
            "export it again from its source."
        ) from error


def _frame_cautions(dataset: FileDataset) -> list[str]:
    cautions = []
    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        cautions.append(f"This file holds {frames} frames; only the first is shown.")
    syntax = dataset.file_meta.TransferSyntaxUID
    if dataset.get("LossyImageCompression") == "01" or syntax in codecs.LOSSY:
        ratio = _last_number(dataset, "LossyImageCompressionRatio")
        told = f" (about {ratio:.0f}:1)" if ratio and 1 < ratio < 1e6 else ""
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
