"""Fictional studies as DICOM files: Digital X-Ray Image, For Presentation (PS3.3 A.26).

Every header says plainly that the picture was drawn, not exposed. UIDs are UUID-derived
(``2.25.`` roots, PS3.5 B.2), so that a seed always gives the same ones.

    python -m inference.training.demo_dicom resources/studies 1000063 1001403
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID, DigitalXRayImageStorageForPresentation, JPEG2000Lossless

from inference.arguments import ArgumentParser
from inference.training.findings import Case, sample_case
from inference.training.phantom import Phantom, render

BUNDLED_SEEDS: Final = (1_000_063, 1_000_264, 1_001_403, 1_001_922)
"""The studies that come with Pinfill; seeds from a million on are never trained on."""

_UID_NAMESPACE: Final = uuid.UUID("b9cf4ef8-43c0-5b5a-9d0e-0c1d5a3c7f10")
_FIRST_DAY: Final = date(2024, 1, 1)


def _uid(case: Case, what: str) -> UID:
    return UID(f"2.25.{uuid.uuid5(_UID_NAMESPACE, f'{what} {case.seed}').int}")


def _moment(case: Case) -> datetime:
    """A fictional moment within 2024, in working hours, fixed by the seed."""
    rng = random.Random(f"study moment {case.seed}")
    day = _FIRST_DAY + timedelta(days=rng.randrange(366))
    return datetime(day.year, day.month, day.day, rng.randrange(7, 19), rng.randrange(60))


def _code(value: str, scheme: str, meaning: str) -> DicomSequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return DicomSequence([item])


def to_dataset(case: Case, phantom: Phantom) -> Dataset:
    """The whole object with file meta, its pixels losslessly compressed (JPEG 2000, 12 bits)."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    _describe_study(ds, case)
    _describe_image(ds, case, phantom)
    stream = imagecodecs.jpeg2k_encode(
        np.ascontiguousarray(phantom.pixels),
        level=0,
        reversible=True,
        codecformat="j2k",
        bitspersample=12,
    )
    ds.PixelData = encapsulate([bytes(stream)])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    meta.TransferSyntaxUID = JPEG2000Lossless
    meta.ImplementationClassUID = UID(f"2.25.{_UID_NAMESPACE.int}")
    meta.ImplementationVersionName = "PINFILL_PHANTOM"
    ds.file_meta = meta
    return ds


def _describe_study(ds: Dataset, case: Case) -> None:
    """Patient, study, series and equipment: PS3.3 C.7.1 to C.7.5, C.8.11.1."""
    moment = _moment(case)
    day, clock = moment.strftime("%Y%m%d"), moment.strftime("%H%M%S")
    ds.PatientName = f"PHANTOM^CASE {case.seed:07d}"
    ds.PatientID = f"PINFILL-{case.seed:07d}"
    ds.IssuerOfPatientID = "PINFILL FICTIONAL"
    birthday_to_come = (moment.month, moment.day) < (12, 31)
    ds.PatientBirthDate = f"{moment.year - case.age - birthday_to_come:04d}1231"
    ds.PatientSex = case.sex
    ds.PatientAge = f"{case.age:03d}Y"
    ds.PatientComments = "Fictional patient. The image was drawn by a program."
    ds.StudyInstanceUID = _uid(case, "study")
    ds.StudyDate, ds.StudyTime = day, clock
    ds.StudyID = str(case.seed)
    ds.AccessionNumber = f"PF{case.seed}"
    ds.ReferringPhysicianName = ""
    ds.StudyDescription = "CHEST RADIOGRAPH (FICTIONAL)"
    ds.Modality = "DX"
    ds.SeriesInstanceUID = _uid(case, "series")
    ds.SeriesNumber = 1
    ds.SeriesDate, ds.SeriesTime = day, clock
    ds.SeriesDescription = f"CHEST {case.view}"
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.Manufacturer = "Pinfill"
    ds.ManufacturerModelName = "Phantom radiograph"
    ds.InstitutionName = "PINFILL DEMO WORLD (FICTIONAL)"
    ds.SoftwareVersions = "1"


def _describe_image(ds: Dataset, case: Case, phantom: Phantom) -> None:
    """Image, anatomy, detector and display: PS3.3 C.7.6, C.8.11.2 to C.8.11.5, C.11.2."""
    moment = _moment(case)
    rows, columns = phantom.pixels.shape
    ds.SOPClassUID = DigitalXRayImageStorageForPresentation
    ds.SOPInstanceUID = _uid(case, "image")
    ds.InstanceNumber = 1
    ds.ContentDate = ds.AcquisitionDate = moment.strftime("%Y%m%d")
    ds.ContentTime = ds.AcquisitionTime = moment.strftime("%H%M%S")
    ds.ImageType = ["DERIVED", "PRIMARY", ""]
    ds.DerivationDescription = "Drawn by a program; nobody was exposed to X-rays."
    # A front view: the rows run to the patient's left, the columns to the feet.
    ds.PatientOrientation = ["L", "F"]
    ds.BodyPartExamined = "CHEST"
    ds.ViewPosition = case.view
    ds.ImageLaterality = "U"
    ds.AnatomicRegionSequence = _code("51185008", "SCT", "Chest")
    ds.ViewCodeSequence = (
        _code("399348003", "SCT", "antero-posterior")
        if case.view == "AP"
        else _code("272479007", "SCT", "postero-anterior")
    )
    ds.ViewCodeSequence[0].ViewModifierCodeSequence = DicomSequence([])
    ds.AcquisitionContextSequence = DicomSequence([])
    ds.DetectorType = ""
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelRepresentation = 0
    ds.PixelIntensityRelationship = "LOG"
    ds.PixelIntensityRelationshipSign = -1
    ds.ImagerPixelSpacing = [phantom.pixel_spacing_mm] * 2
    ds.PixelSpacing = [phantom.pixel_spacing_mm] * 2
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = 0, 1, "US"
    ds.WindowCenter, ds.WindowWidth = [2048, 1400], [4096, 2400]
    ds.WindowCenterWidthExplanation = ["WHOLE RANGE", "LUNGS"]
    ds.VOILUTFunction = "LINEAR"
    ds.PresentationLUTShape = "IDENTITY"
    ds.LossyImageCompression = "00"
    ds.BurnedInAnnotation = "NO"  # a side marker names nobody
    ds.RecognizableVisualFeatures = "NO"
    ds.QualityControlImage = "NO"


def write_study(case: Case, path: Path, rows: int = 1024) -> Path:
    """Render a case and save it as a DICOM file; returns the path."""
    dataset = to_dataset(case, render(case, rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset.save_as(path, enforce_file_format=True)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    parser = ArgumentParser(
        prog="python -m inference.training.demo_dicom",
        description="Write fictional chest radiographs as DICOM files.",
    )
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument(
        "seeds", type=int, nargs="*", default=list(BUNDLED_SEEDS), help="default: the bundled ones"
    )
    parser.add_argument("--rows", type=int, default=1024, help="pixels across (default 1024)")
    options = parser.parse_args(arguments)
    for seed in options.seeds:
        case = sample_case(seed)
        path = write_study(case, options.folder / f"case-{seed:07d}.dcm", options.rows)
        print(f"{path}: {case.view}, {', '.join(sorted(case.labels)) or 'normal'}")


if __name__ == "__main__":
    main()
