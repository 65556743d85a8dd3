"""Small valid DICOM files, one for every transfer syntax, to be mutated."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    HTJ2K,
    UID,
    ComputedRadiographyImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

Pixels = NDArray[np.unsignedinteger]
_ROWS: Final = 40
_COLUMNS: Final = 32
_RLE_SEGMENTS: Final = 15


@dataclass(frozen=True)
class Seed:
    """A whole file; ``frame`` is where its compressed frame lies in it, from and to."""

    name: str
    data: bytes
    frame: tuple[int, int] | None


def picture(dtype: type[np.unsignedinteger], colour: bool) -> Pixels:
    """A small pattern that no codec makes nothing of."""
    y, x = np.mgrid[0:_ROWS, 0:_COLUMNS]
    top = 255 if dtype is np.uint8 else 4095
    grey = ((x * 31 + y * 17 + (x * y) % 13) % (top + 1)).astype(dtype)
    return np.dstack([grey, grey[::-1], grey[:, ::-1]]) if colour else grey


def _rle(pixels: Pixels) -> bytes:
    """PS3.5 annex G."""
    samples = pixels.reshape(_ROWS * _COLUMNS, -1)
    planes = samples.astype(samples.dtype.newbyteorder(">")).view(np.uint8)
    segments = [
        imagecodecs.packbits_encode(np.ascontiguousarray(planes[:, number]).tobytes())
        for number in range(planes.shape[1])
    ]
    segments = [segment + b"\0" * (len(segment) % 2) for segment in segments]
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    unused = [0] * (_RLE_SEGMENTS - len(segments))
    return struct.pack("<16I", len(segments), *offsets, *unused) + b"".join(segments)


_ENCODERS: Final[dict[UID, Callable[[Pixels], bytes] | None]] = {
    ExplicitVRLittleEndian: None,
    ImplicitVRLittleEndian: None,
    ExplicitVRBigEndian: None,
    DeflatedExplicitVRLittleEndian: None,
    RLELossless: _rle,
    JPEGBaseline8Bit: lambda p: bytes(imagecodecs.jpeg8_encode(p)),
    JPEGLosslessSV1: lambda p: bytes(imagecodecs.jpeg8_encode(p, lossless=True)),
    JPEGLSLossless: lambda p: bytes(imagecodecs.jpegls_encode(p)),
    JPEG2000Lossless: lambda p: bytes(imagecodecs.jpeg2k_encode(p, codecformat="j2k")),
    HTJ2K: lambda p: bytes(imagecodecs.htj2k_encode(p)),
}


def described(pixels: Pixels) -> Dataset:
    """A radiograph without its pixels, and all that is said of them."""
    dataset = Dataset()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2.3.4"
    dataset.PatientName, dataset.PatientID, dataset.PatientSex = "Fuzz^Fay", "F-1", "F"
    dataset.StudyDate, dataset.Modality = "20240517", "CR"
    dataset.PatientOrientation = ["L", "F"]
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 3 if pixels.ndim == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored = 8 if pixels.dtype == np.uint8 else 12
    dataset.HighBit, dataset.PixelRepresentation = dataset.BitsStored - 1, 0
    dataset.NumberOfFrames = 1
    dataset.PixelSpacing = [0.143, 0.143]
    dataset.RescaleSlope, dataset.RescaleIntercept = "1.0", "-1024.0"
    dataset.WindowCenter, dataset.WindowWidth = ["40.0", "600.0"], ["400.0", "1600.0"]
    dataset.PixelPaddingValue = 0
    table = Dataset()
    table.LUTDescriptor = [256, 0, 12]
    table.LUTData = np.arange(0, 4096, 16, dtype=np.uint16).tobytes()
    dataset.VOILUTSequence = Sequence([table])
    return dataset


def dicom_file(syntax: UID, pixels: Pixels, frame: bytes | None) -> bytes:
    """A radiograph with these pixels; ``frame`` is what they are compressed to."""
    return written(described(pixels), syntax, pixels, frame)


def written(
    dataset: Dataset, syntax: UID, pixels: Pixels | None = None, frame: bytes | None = None
) -> bytes:
    """A dataset as a file, with these pixels if any; ``frame`` is what they are compressed to."""
    if pixels is not None:
        if frame is None:
            big = syntax == ExplicitVRBigEndian
            dataset.PixelData = (pixels.byteswap() if big else pixels).tobytes()
        else:
            dataset.PixelData = encapsulate([frame])
        dataset["PixelData"].VR = "OW" if frame is None and pixels.dtype != np.uint8 else "OB"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    file = io.BytesIO()
    dcmwrite(file, dataset, enforce_file_format=True)
    return file.getvalue()


def _seed(syntax: UID, pixels: Pixels) -> Seed:
    encoder = _ENCODERS[syntax]
    kind = f"{'colour' if pixels.ndim == 3 else 'grey'} {pixels.dtype}"
    name = f"{syntax.name}, {kind}"
    if encoder is None:
        return Seed(name, dicom_file(syntax, pixels, None), None)
    frame = encoder(pixels)
    frame += b"\0" * (len(frame) % 2)
    data = dicom_file(syntax, pixels, frame)
    at = data.rindex(frame)
    return Seed(name, data, (at, at + len(frame)))


@cache
def seeds() -> tuple[Seed, ...]:
    """Every transfer syntax with grey of 8 and 12 bits, and colour."""
    kinds: list[tuple[Any, bool]] = [(np.uint8, False), (np.uint16, False), (np.uint8, True)]
    return tuple(
        _seed(syntax, picture(dtype, colour))
        for syntax in _ENCODERS
        for dtype, colour in kinds
        if not (syntax == JPEGBaseline8Bit and dtype is np.uint16)
    )
