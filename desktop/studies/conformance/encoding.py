"""Words of pixels as each transfer syntax stores them."""

from __future__ import annotations

import struct
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

Words = NDArray[np.unsignedinteger]

NATIVE: Final = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
COMPRESSED: Final = (
    RLELossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    HTJ2KLossless,
)
COLOUR: Final = (*NATIVE, RLELossless, JPEGLSLossless, JPEG2000Lossless)
"""Those in which samples of colour can be written here."""

_RUN: Final = 128


def pixel_data(words: Words, syntax: UID, *, planes: bool = False, signed: bool = False) -> bytes:
    """The value of Pixel Data; words are (rows, columns) or (rows, columns, samples).

    ``planes`` puts each sample's plane for itself where nothing is compressed; ``signed`` makes
    the codestream signed where it can say so.
    """
    if syntax in NATIVE:
        order = ">" if syntax == ExplicitVRBigEndian else "<"
        laid = words.transpose(2, 0, 1) if planes else words
        data = laid.astype(f"{order}u{words.itemsize}").tobytes()
        return data + b"\0" * (len(data) % 2)
    return encapsulate([_frame(words, syntax, signed)])


def words_as_bytes(entries: NDArray[np.int64], syntax: UID, *, packed: bool = False) -> bytes:
    """The entries of a lookup table, each in a word or two in one where ``packed``."""
    words = entries.astype("u1").view("<u2") if packed else entries
    return words.astype(">u2" if syntax == ExplicitVRBigEndian else "<u2").tobytes()


def _frame(words: Words, syntax: UID, signed: bool) -> bytes:
    if syntax == RLELossless:
        return _run_length(words)
    if syntax == JPEGLSLossless:
        return bytes(imagecodecs.jpegls_encode(words))
    if syntax == JPEGLosslessSV1:
        return bytes(imagecodecs.ljpeg_encode(words, bitspersample=8 * words.itemsize))
    pixels = words.view(f"i{words.itemsize}") if signed else words
    if syntax == HTJ2KLossless:
        return bytes(imagecodecs.htj2k_encode(pixels, reversible=True))
    return bytes(
        imagecodecs.jpeg2k_encode(
            pixels,
            level=0,
            reversible=True,
            mct=False,
            bitspersample=8 * words.itemsize,
            codecformat="j2k",
        )
    )


def _run_length(words: Words) -> bytes:
    """PS3.5 annex G, in literal runs alone: the high bytes of a sample before its low ones."""
    samples = words.reshape(*words.shape[:2], -1)
    segments = []
    for sample in range(samples.shape[2]):
        for shift in range(8 * (words.itemsize - 1), -1, -8):
            plane = ((samples[..., sample] >> shift) & 0xFF).astype(np.uint8)
            rows = (_literals(row.tobytes()) for row in plane)
            segment = b"".join(rows)
            segments.append(segment + b"\0" * (len(segment) % 2))
    offsets, at = [], 64
    for segment in segments:
        offsets.append(at)
        at += len(segment)
    offsets += [0] * (15 - len(offsets))
    return struct.pack("<16I", len(segments), *offsets) + b"".join(segments)


def _literals(row: bytes) -> bytes:
    runs = (row[at : at + _RUN] for at in range(0, len(row), _RUN))
    return b"".join(bytes([len(run) - 1]) + run for run in runs)
