"""The elements of the Image Pixel module (PS3.3 C.7.6.3), checked before pixels are decoded."""

from __future__ import annotations

from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from desktop.studies import colour
from desktop.studies.elements import element_name, missing_element
from desktop.studies.errors import DamagedError, StudyError
from desktop.studies.names import shown

_LARGEST: Final = 65535
_ADVICE: Final = "export it again from its source"


def check_pixel_elements(dataset: Dataset, name: str) -> None:
    """Raises :class:`StudyError`, which names the element, where no pixel can be read for one.

    Numbers that were written as text are numbers in ``dataset`` afterwards.
    """
    _number(dataset, "Rows", name, 1, _LARGEST)
    _number(dataset, "Columns", name, 1, _LARGEST)
    samples = _number(dataset, "SamplesPerPixel", name, 0, _LARGEST)
    if samples not in (1, 3):
        raise StudyError(
            f"{element_name('SamplesPerPixel')} of {name} is {samples}, and Pinfill shows 1 or 3: "
            "export it as a grey or an RGB image."
        )
    if samples > 1:
        _number(dataset, "PlanarConfiguration", name, 0, 1)
    photometric = _needed(dataset, "PhotometricInterpretation", name)
    if photometric not in colour.KNOWN:
        raise DamagedError(
            f"{element_name('PhotometricInterpretation')} of {name} is {_shown(photometric)}, "
            "which Pinfill cannot show: export it as MONOCHROME2 or RGB."
        )
    _check_bits(dataset, name)
    _number(dataset, "PixelRepresentation", name, 0, 1)
    if readable_value(dataset, "NumberOfFrames", name) not in (None, ""):
        _number(dataset, "NumberOfFrames", name, 0, 2**31 - 1)


def _check_bits(dataset: Dataset, name: str) -> None:
    allocated = _number(dataset, "BitsAllocated", name, 1, _LARGEST)
    if allocated not in (8, 16):
        raise StudyError(
            f"{name} has pixels of {allocated} bit{'' if allocated == 1 else 's'} "
            f"({element_name('BitsAllocated')}), and Pinfill shows 8 or 16: "
            "export it as a 16-bit image."
        )
    stored = _number(dataset, "BitsStored", name, 1, _LARGEST)
    if stored > allocated:
        raise _contradiction(dataset, name, "BitsStored", "more than", "BitsAllocated")
    if readable_value(dataset, "HighBit", name) in (None, ""):
        return
    high = _number(dataset, "HighBit", name, 0, _LARGEST)
    if high >= allocated:
        raise _contradiction(dataset, name, "HighBit", "beyond", "BitsAllocated")
    if high + 1 < stored:
        raise _contradiction(dataset, name, "HighBit", "too few for", "BitsStored")


def _contradiction(
    dataset: Dataset, name: str, keyword: str, relation: str, other: str
) -> DamagedError:
    return DamagedError(
        f"{name} contradicts itself: {element_name(keyword)} is {dataset[keyword].value}, "
        f"{relation} {element_name(other)}, which is {dataset[other].value}: {_ADVICE}."
    )


def readable_value(dataset: Dataset, keyword: str, name: str) -> Any:
    """The value of an element or ``None``. Raises :class:`DamagedError` where it is no value."""
    try:
        return dataset.get(keyword)
    except Exception as error:  # pydicom raises nearly any type on damaged input
        raise DamagedError(
            f"{element_name(keyword)} of {name} is damaged and cannot be read: "
            "fetch the file again from its source."
        ) from error


def _needed(dataset: Dataset, keyword: str, name: str) -> Any:
    value = readable_value(dataset, keyword, name)
    if keyword not in dataset:
        raise missing_element(keyword, name)
    if value is None or value == "" or value == []:
        raise DamagedError(
            f"{element_name(keyword)} of {name} is empty, and without it the image cannot be "
            f"read: {_ADVICE}."
        )
    return value


def _number(dataset: Dataset, keyword: str, name: str, least: int, most: int) -> int:
    value = _needed(dataset, keyword, name)
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise DamagedError(
            f"{element_name(keyword)} of {name} is {_shown(value)}, not a whole number: {_ADVICE}."
        ) from error
    if not least <= number <= most:
        raise DamagedError(
            f"{element_name(keyword)} of {name} is {number}, not between {least} and {most}: "
            f"{_ADVICE}."
        )
    if type(value) is str:
        dataset[keyword].VR = "US" if keyword != "NumberOfFrames" else "IS"
        dataset[keyword].value = number
    return number


def _shown(value: Any) -> str:
    """A value in a sentence, with its beginning alone where it is long."""
    if isinstance(value, (MultiValue, list)):
        return f"{len(value)} values"
    if isinstance(value, (str, int, float)):
        text = shown(str(value))
        return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
    return "of another type"
