"""Compressed pixel data, decoded by imagecodecs as a pydicom decoder plugin.

imagecodecs frees the interpreter lock while it decodes and covers every still-image transfer
syntax of DICOM PS3.5 section 8.2 without a GPL licence.
"""

from __future__ import annotations

import re
from typing import Final, cast

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder
from pydicom.pixels.utils import get_j2k_parameters
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from desktop.studies.codestream_colour import adobe_transform, is_mixed
from desktop.studies.codestreams import Extent, hold_jpeg, hold_jpeg_2000, hold_rle
from desktop.studies.frame_ends import jpeg_2000_end, jpeg_end, without_rle_padding
from desktop.studies.stored_bits import clipped

PLUGIN: Final = "imagecodecs"

_JPEG: Final = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1})
_JPEG_LS: Final = frozenset({JPEGLSLossless, JPEGLSNearLossless})
_JPEG_2000: Final = frozenset({JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K})
SYNTAXES: Final = _JPEG | _JPEG_LS | _JPEG_2000 | {RLELossless}

DECODER_DEPENDENCIES: Final = dict.fromkeys(SYNTAXES, ("imagecodecs",))
"""Read by pydicom."""

LOSSY: Final = frozenset({JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000, HTJ2K})
"""Transfer syntaxes whose pixels may have lost something."""

_FRAME_HEADERS: Final = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_SCAN_HEADER: Final = frozenset({0xDA})
"""Second bytes of markers (ISO/IEC 10918-1 table B.1, ISO/IEC 14495-1 C.1.1)."""
_FILL: Final = 0xFF
"""May stand before any marker."""

_WHY: Final = re.compile(rf"{PLUGIN}: ((?:the|a) [^\n]*\bframe\b[^\n]*)")

OUT_OF_MEMORY: Final = "memory ran out"

_END: Final = b"\xff\xd9"
"""End of image in JPEG and JPEG-LS, end of codestream in JPEG 2000."""


def is_available(uid: str) -> bool:
    """Asked by pydicom before it takes the plugin."""
    return uid in SYNTAXES


def register() -> None:
    """Offer the plugin to pydicom; harmless when done twice."""
    for syntax in SYNTAXES:
        decoder = get_decoder(syntax)
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, decode_frame.__name__))


def why_not(error: Exception) -> str:
    """What :func:`decode_frame` found, from the error that pydicom makes of it."""
    found = _WHY.search(str(error))
    return found[1].replace(": ", ", ") if found else "it is cut short or damaged"


def decode_frame(source: bytes, runner: DecodeRunner) -> memoryview:
    """Decode one frame; raises :class:`ValueError` on a frame that is damaged or cut short.

    The bytes may be written to, and are the codec's own: a large picture leaves no room for copies.
    A lack of memory is a :class:`ValueError` as well, for pydicom hands on the text of an error
    alone.
    """
    try:
        return _decoded(source, runner)
    except MemoryError as error:
        raise ValueError(OUT_OF_MEMORY) from error


def _decoded(source: bytes, runner: DecodeRunner) -> memoryview:
    syntax = runner.transfer_syntax
    if syntax == RLELossless:
        return _decode_rle(source, runner)
    claimed = Extent(runner.rows, runner.columns, runner.samples_per_pixel)
    (hold_jpeg_2000 if syntax in _JPEG_2000 else hold_jpeg)(source, claimed)
    if _END not in source[-16:]:
        end = (jpeg_2000_end if syntax in _JPEG_2000 else jpeg_end)(source)
        if end is None:  # libjpeg fills the missing part with grey and says nothing
            raise ValueError("the frame has no end marker: it is cut short")
        source = source[:end]
    if syntax in _JPEG:
        # Naming one colour space for both ends keeps libjpeg from guessing and converting.
        space = {1: "GRAYSCALE", 3: "RGB"}.get(runner.samples_per_pixel)
        frame = imagecodecs.jpeg8_decode(source, colorspace=space, outcolorspace=space)
    elif syntax in _JPEG_LS:
        frame = imagecodecs.jpegls_decode(source)
    else:
        frame = imagecodecs.jpeg2k_decode(source)
    expected: tuple[int, ...] = (runner.rows, runner.columns)
    if runner.samples_per_pixel > 1:
        expected += (runner.samples_per_pixel,)
        runner.set_option("planar_configuration", 0)
        runner.set_option("photometric_interpretation", _colours(source, runner))
    if frame.shape != expected:
        raise ValueError(f"the frame holds {frame.shape} samples, the file says {expected}")
    depth = _depth(source, syntax)
    if depth > runner.bits_stored and _is_lossy(source, syntax):
        signed = runner.samples_per_pixel == 1 and runner.pixel_representation == 1
        frame = clipped(frame, runner.bits_stored, signed=signed)
    runner.set_option("bits_stored", depth)
    return _in_words(frame, runner.bits_allocated)


def _colours(source: bytes, runner: DecodeRunner) -> str:
    """The photometric interpretation of decoded samples; the codestream knows better."""
    told = str(runner.photometric_interpretation)
    if runner.transfer_syntax in _JPEG_2000:
        return "RGB" if told in ("YBR_ICT", "YBR_RCT") or is_mixed(source) else told
    if runner.transfer_syntax in _JPEG:
        transform = adobe_transform(source)
        if transform == 0 and told.startswith("YBR_FULL"):
            return "RGB"
        if transform == 1 and told == "RGB":
            return "YBR_FULL"
    return told


def _depth(source: bytes, syntax: UID) -> int:
    """Bits of a value in the codestream, which may be more or fewer than the file says."""
    if syntax in _JPEG_2000:
        return int(get_j2k_parameters(source)["precision"])
    return source[_segment(source, _FRAME_HEADERS) + 4]


def _is_lossy(source: bytes, syntax: UID) -> bool:
    """Whether decoded values may differ from those before compression."""
    if syntax in _JPEG_LS:  # the bound of the error, behind the components of the scan
        start = _segment(source, _SCAN_HEADER)
        return source[start + 5 + 2 * source[start + 4]] > 0
    return syntax in LOSSY


def _segment(source: bytes, markers: frozenset[int]) -> int:
    """Where the first segment with one of these markers starts in a JPEG or JPEG-LS frame."""
    at = 2
    while source[at + 1] not in markers:
        if source[at + 1] == _FILL:
            at += 1
        else:  # a marker, then the length of its segment
            at += 2 + int.from_bytes(source[at + 2 : at + 4], "big")
    return at


def _in_words(frame: NDArray[np.integer], bits: int) -> memoryview:
    """A frame in words of ``bits`` bits, two's complement where it is signed."""
    if frame.dtype.itemsize * 8 > bits and frame.max() >= 2**bits:
        raise ValueError(f"the frame holds values of more than {bits} bits")
    kind = frame.dtype.kind
    words = np.ascontiguousarray(frame.astype(f"<{kind}{bits // 8}", copy=False))
    return words.data.cast("B")


def _decode_rle(source: bytes, runner: DecodeRunner) -> memoryview:
    """PS3.5 annex G: one segment for each byte plane, the most significant first."""
    hold_rle(source, runner.samples_per_pixel * (runner.bits_allocated // 8))
    dtype = np.dtype(f"<u{runner.bits_allocated // 8}")
    plane = runner.rows * runner.columns
    wanted = plane * runner.samples_per_pixel * dtype.itemsize
    try:
        data = cast(bytes, imagecodecs.dicomrle_decode(source, dtype))
    except imagecodecs.DicomrleError:
        data = b""
    if len(data) != wanted:
        unpadded = without_rle_padding(source, plane)
        data = cast(bytes, imagecodecs.dicomrle_decode(unpadded, dtype))
    if len(data) != wanted:
        raise ValueError("the frame is shorter than its image: it is cut short")
    if runner.samples_per_pixel > 1:
        runner.set_option("planar_configuration", 1)
    return memoryview(bytearray(data))
