"""DICOM files made in code, for tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)


def gradient(rows: int = 48, columns: int = 40, top: int = 4095) -> NDArray[np.uint16]:
    """A slope with some texture, from 0 to ``top``."""
    y, x = np.mgrid[0:rows, 0:columns]
    texture = np.random.default_rng(7).integers(0, 30, (rows, columns))
    slope = (x / (columns - 1) + y / (rows - 1)) / 2 * (top - 30)
    picture = slope.astype(np.int64) + texture
    picture[0, 0], picture[-1, -1] = 0, top
    return picture.astype(np.uint16)


def make_dataset(pixels: NDArray[Any] | None = None, **changes: Any) -> Dataset:
    """A chest radiograph; ``changes`` set attributes, ``None`` deletes them.

    Colour pixels are (rows, columns, 3).
    """
    pixels = gradient() if pixels is None else pixels
    dataset = Dataset()
    dataset.SOPClassUID = ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientName = "Morgan^Alex"
    dataset.PatientID = "PF-0042"
    dataset.PatientSex = "F"
    dataset.PatientAge = "063Y"
    dataset.StudyDate = "20240517"
    dataset.StudyTime = ""
    dataset.AccessionNumber = ""
    dataset.StudyDescription = "Chest PA"
    dataset.Modality = "CR"
    dataset.ViewPosition = "PA"
    dataset.PatientOrientation = ["L", "F"]
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    colour = pixels.ndim == 3
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "RGB" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    bits = pixels.dtype.itemsize * 8
    dataset.BitsAllocated = bits
    dataset.BitsStored = bits if bits == 8 or pixels.dtype.kind == "i" else 12
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelSpacing = [0.143, 0.143]
    dataset.WindowCenter = 2048
    dataset.WindowWidth = 4096
    dataset.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    dataset["PixelData"].VR = "OB" if bits == 8 else "OW"
    for keyword, value in changes.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def save(
    path: Path,
    dataset: Dataset | None = None,
    *,
    syntax: UID = ExplicitVRLittleEndian,
    frames: list[bytes | bytearray] | None = None,
) -> Path:
    """Write a file; ``frames`` are compressed frames in place of the dataset's own pixels."""
    dataset = make_dataset() if dataset is None else dataset
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    if frames is not None:
        dataset.PixelData = encapsulate([bytes(frame) for frame in frames])
        dataset["PixelData"].VR = "OB"
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path
