"""Reading a study: one DICOM file becomes a :class:`Study`, or a sentence that says why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import pydicom.config
from pydicom.dataset import Dataset

from desktop.studies.cautions import what_is_not_shown
from desktop.studies.colour import GREY
from desktop.studies.datasets import damaged, open_dataset
from desktop.studies.elements import refuse_if_cut
from desktop.studies.errors import DamagedError, StudyError
from desktop.studies.folders import find_studies
from desktop.studies.frames import first_frame
from desktop.studies.grey_levels import stored_image
from desktop.studies.identity import StudyIdentity
from desktop.studies.names import person_name, shown
from desktop.studies.presentation_states import states_beside
from desktop.studies.unreadable import leave_out_unreadable
from desktop.viewer.pixels import StoredImage

__all__ = ["Study", "StudyError", "find_studies", "read_study"]

# Real archives break the rules on value representations; what matters here is checked here.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

_AGE: Final = re.compile(r"[0-9]{3}[DWMY]")


@dataclass(frozen=True, eq=False)
class Study:
    """What a file says about its patient and its image. Texts are empty where it is silent.

    ``identity`` is what its report is kept under. ``age`` is a DICOM age string, e.g. ``"063Y"``;
    ``study_date`` is ISO 8601. ``cautions`` are whole sentences about the pixels that the reader
    must know. Texts of the header are as a reader is :func:`shown` them. ``in_colour`` and
    ``frames`` are of the file: of what it holds, the first frame is here, in grey.
    """

    path: Path
    identity: StudyIdentity
    patient_name: str
    patient_id: str
    sex: str
    age: str
    study_date: str
    description: str
    modality: str
    body_part: str
    view: str
    study_uid: str
    series_uid: str
    instance_uid: str
    image: StoredImage
    cautions: tuple[str, ...] = ()
    series_description: str = ""
    in_colour: bool = False
    frames: int = 1


def read_study(path: Path) -> Study:
    """Read one DICOM image. Raises :class:`StudyError`, and nothing else, on any bad file."""
    name = shown(path.name)
    try:
        dataset = open_dataset(path)
        left_out = leave_out_unreadable(dataset)
        stored, frame_cautions = first_frame(dataset, name)
        image, grey_cautions = stored_image(dataset, stored, name)
        return Study(
            path=path,
            identity=StudyIdentity.of(dataset, path),
            patient_name=person_name(dataset.get("PatientName")),
            patient_id=_text(dataset, "PatientID"),
            sex=_text(dataset, "PatientSex"),
            age=_age(dataset),
            study_date=_date_text(_text(dataset, "StudyDate")),
            description=_text(dataset, "StudyDescription") or _text(dataset, "SeriesDescription"),
            modality=_text(dataset, "Modality"),
            body_part=_text(dataset, "BodyPartExamined"),
            view=_view(dataset),
            study_uid=_text(dataset, "StudyInstanceUID"),
            series_uid=_text(dataset, "SeriesInstanceUID"),
            instance_uid=_text(dataset, "SOPInstanceUID"),
            image=image,
            cautions=(*left_out, *frame_cautions, *grey_cautions, *_other_cautions(dataset, path)),
            series_description=_text(dataset, "SeriesDescription"),
            in_colour=str(dataset.PhotometricInterpretation) not in GREY,
            frames=max(1, int(dataset.get("NumberOfFrames") or 1)),
        )
    except DamagedError:
        refuse_if_cut(path)
        raise
    except StudyError:
        raise
    except Exception as error:  # values are parsed on first access, and damage shows only then
        raise damaged(path, error) from error


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else shown(str(value).strip(" \0"))


def _age(dataset: Dataset) -> str:
    """A DICOM age string, ``"063Y"``: Patient's Age, else from the dates of birth and study."""
    given = _text(dataset, "PatientAge")
    if _AGE.fullmatch(given):
        return given
    born, seen = _date(_text(dataset, "PatientBirthDate")), _date(_text(dataset, "StudyDate"))
    if born is None or seen is None or seen < born:
        return ""
    years = seen.year - born.year - ((seen.month, seen.day) < (born.month, born.day))
    return f"{years:03d}Y"


def _date(text: str) -> date | None:
    if len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _date_text(text: str) -> str:
    """ISO 8601 where the date is valid, else what the file says."""
    parsed = _date(text)
    return parsed.isoformat() if parsed else text


def _view(dataset: Dataset) -> str:
    """View position with its side where the modality has one, e.g. ``"PA"`` or ``"L CC"``."""
    side = _text(dataset, "ImageLaterality") or _text(dataset, "Laterality")
    side = "" if side == "U" else side  # an unpaired part has no side
    return " ".join(part for part in (side, _text(dataset, "ViewPosition")) if part)


def _other_cautions(dataset: Dataset, path: Path) -> list[str]:
    cautions = what_is_not_shown(dataset)
    count, complete = states_beside(path, _text(dataset, "SOPInstanceUID"))
    if not complete:
        cautions.append(
            "The folder is too slow to be searched for presentation states (other window, marks or "
            "masks): if this image has any, they are not applied."
        )
    if count:
        cautions.append(
            f"The folder holds {count} presentation state(s) for this image (other window, marks "
            "or masks), which are not applied."
        )
    if _text(dataset, "BurnedInAnnotation").upper() == "YES":
        cautions.append("Text is burned into the picture; it may name the patient.")
    if _text(dataset, "PresentationIntentType").upper() == "FOR PROCESSING":
        cautions.append("This is a raw image FOR PROCESSING, not the one meant for reading.")
    return cautions
