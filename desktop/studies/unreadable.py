"""Elements whose bytes are no value: left out with a caution, or refused where pixels need them."""

from __future__ import annotations

import re
from typing import Final

from pydicom.dataset import Dataset

from desktop.studies.elements import element_name
from desktop.studies.errors import DamagedError

_DISPENSABLE: Final = (
    *("PatientName", "PatientID", "PatientSex", "PatientAge", "PatientBirthDate"),
    *("StudyDate", "StudyDescription", "SeriesDescription", "Modality", "BodyPartExamined"),
    *("ViewPosition", "ImageLaterality", "Laterality", "BurnedInAnnotation"),
    *("SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"),
    "PresentationIntentType",
    *("WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction"),
    *("VOILUTSequence", "PixelPaddingValue", "PixelPaddingRangeLimit", "RescaleType"),
    *("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing", "PixelAspectRatio"),
    *("PixelSpacingCalibrationType", "PatientOrientation", "ImageOrientationPatient"),
    *("SequenceOfUltrasoundRegions", "LossyImageCompression", "LossyImageCompressionRatio"),
)
"""What an image can be shown without."""

_NUMBER: Final = re.compile(r"\(([0-9A-Fa-f]{4}),\s*([0-9A-Fa-f]{4})\)")


def leave_out_unreadable(dataset: Dataset) -> list[str]:
    """Delete dispensable elements that cannot be read, and say so in cautions."""
    cautions = []
    for keyword in _DISPENSABLE:
        try:
            dataset.get(keyword)
        except Exception:  # pydicom raises nearly any type on damaged input
            delattr(dataset, keyword)
            cautions.append(f"{element_name(keyword)} of the file is damaged and was left out.")
    return cautions


def unreadable_element(error: BaseException, name: str) -> DamagedError | None:
    """What to say of ``name`` where the ``error`` of a parser tells which element it was at."""
    found = _NUMBER.search(str(error))
    if not found:
        return None
    tag = int(found[1] + found[2], 16)
    return DamagedError(
        f"{element_name(tag)} of {name} is damaged and cannot be read: "
        "fetch the file again from its source."
    )
