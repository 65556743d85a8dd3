"""Whose study it is: what a report is kept under.

A Study Instance UID alone does not tell two patients apart: anonymisers and phantoms give one UID
to many (PS3.3 C.7.1.1 has the attributes of the patient, C.7.2.1 that of the study).
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from desktop.studies.names import person_name, shown


@dataclass(frozen=True)
class StudyIdentity:
    """A study of one patient. Texts are as the file has them, empty where it is silent.

    ``study`` is the Study Instance UID; where that is missing the SOP Instance UID, else the path.
    ``issuer`` is that of the patient ID, ``birth_date`` a DICOM date.
    """

    study: str
    patient_id: str = ""
    issuer: str = ""
    name: str = ""
    birth_date: str = ""

    @classmethod
    def of(cls, dataset: Dataset, path: Path) -> StudyIdentity:
        return cls(
            study=_text(dataset, "StudyInstanceUID")
            or _text(dataset, "SOPInstanceUID")
            or escaped(str(path.absolute())),
            patient_id=_text(dataset, "PatientID"),
            issuer=_text(dataset, "IssuerOfPatientID"),
            name=_text(dataset, "PatientName"),
            birth_date=_text(dataset, "PatientBirthDate"),
        )

    @property
    def key(self) -> tuple[str, ...]:
        """What two files of the same study of the same patient have in common.

        The ways to write one name count as one: case, width, and what separates its parts.
        """
        return (self.study, self.patient_id, self.issuer, _plain(self.name), self.birth_date)

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of the patient's part of the key."""
        return hashlib.sha256(json.dumps(self.key[1:]).encode()).hexdigest()[:16]

    @property
    def named(self) -> bool:
        """Whether the file says by number whose study it is."""
        return bool(self.patient_id)

    @property
    def who(self) -> str:
        """The patient for a sentence, e.g. ``"Morgan, Alex (PF-0042)"``."""
        name = person_name(self.name)
        number = shown(self.patient_id)
        if name and number:
            return f"{name} ({number})"
        return name or number or "a patient without name and number"

    def may_be(self, other: StudyIdentity) -> bool:
        """Whether both may be the same patient, though not all that they say agrees."""
        if self.patient_id and other.patient_id:
            issuers = {self.issuer, other.issuer} - {""}
            return self.patient_id == other.patient_id and len(issuers) < 2
        names = {_plain(self.name), _plain(other.name)} - {""}
        births = {self.birth_date, other.birth_date} - {""}
        return len(names) < 2 and len(births) < 2


def escaped(text: str) -> str:
    """``text`` as valid Unicode: a path that is none has its bytes escaped."""
    return text.encode(errors="backslashreplace").decode()


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    return "" if value is None else escaped(str(value)).strip(" \0")


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("^", " ").split())
