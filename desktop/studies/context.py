"""What the prompt tells of a study beside its image, from the DICOM header."""

from __future__ import annotations

import re
from typing import Final, Protocol

_ISOLATES: Final = dict.fromkeys(map(ord, "\u2068\u2069"))
"""What :func:`~desktop.studies.names.shown` puts around text from right to left."""
_UNITS: Final = {"D": "day", "W": "week", "M": "month", "Y": "year"}
_AGE: Final = re.compile(r"([0-9]{1,3})\s*(Y|M|W|D)?", re.IGNORECASE)
_RADIOGRAPHS: Final = frozenset({"CR", "DX"})
_CHEST: Final = frozenset({"", "CHEST", "THORAX"})
"""A radiograph that does not name its body part is nearly always one of the chest."""


class Header(Protocol):
    """The part of a :class:`~desktop.studies.reading.Study` that is told."""

    @property
    def modality(self) -> str: ...
    @property
    def body_part(self) -> str: ...
    @property
    def view(self) -> str: ...
    @property
    def age(self) -> str: ...
    @property
    def sex(self) -> str: ...
    @property
    def description(self) -> str: ...


def prompt_context(study: Header) -> str:
    """One or two short sentences in the form that checkpoints are trained with, e.g. ``"Chest
    radiograph, AP view. 63-year-old woman."``; what the header does not say is left out.
    """
    image = _image(study)
    patient = _patient(study)
    return " ".join(f"{sentence}." for sentence in (image, patient) if sentence)


def _image(study: Header) -> str:
    if study.modality in _RADIOGRAPHS and study.body_part.upper() in _CHEST:
        name = "Chest radiograph"
    elif study.modality in _RADIOGRAPHS:
        name = f"{_plain(study.body_part).capitalize()} radiograph"
    else:
        name = _plain(study.description) or _plain(study.modality)
    view = _plain(study.view)
    return f"{name}, {view} view" if name and view else name


def _patient(study: Header) -> str:
    age = _age(study.age)
    grown = not age or (age[1] == "year" and age[0] >= 18)
    person = {"F": "woman" if grown else "girl", "M": "man" if grown else "boy"}.get(study.sex)
    if age:
        return f"{age[0]}-{age[1]}-old {person or 'patient'}"
    return person.capitalize() if person else ""


def _age(age: str) -> tuple[int, str] | None:
    """Number and unit of a DICOM age string (PS3.5 section 6.2, ``AS``), or of a plain number."""
    match = _AGE.match(age.strip())
    return (int(match[1]), _UNITS[(match[2] or "Y").upper()]) if match else None


def _plain(text: str) -> str:
    """On one line, without the full stop that the sentence gets anyway."""
    return " ".join(text.translate(_ISOLATES).split()).rstrip(".")
