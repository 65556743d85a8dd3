"""DICOM files with mutations inside the items of their sequences (PS3.5 section 7.5).

Sequences and items are of undefined length as often as not, so that bytes that come or go inside
one spoil that item alone, and what reads it is reached.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final

import imagecodecs
import numpy as np
from pydicom.charset import default_encoding
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from desktop.fuzz.mutations import Draw, mutated
from desktop.fuzz.seeds import described, picture, written

_SYNTAXES: Final = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEGLSLossless,
)
_MOST_ITEMS: Final = 60
_DEEPEST: Final = 60
_MOST_SPOILT: Final = 4
_HEADER: Final = 8
"""Bytes of a tag and a length before a value without its representation (PS3.5 section 7.1.3)."""

_IN_VALUES: Final = 0.6
"""The share of the files whose structure stays whole, so that what reads values is reached."""

_PRESENT: Final = 0.6
"""The share of the sequences that a file has."""


def nested_file(draw: Draw) -> bytes:
    """A file of which one sequence is changed as a whole, then in some bytes of its items."""
    syntax = _SYNTAXES[int(draw.integers(len(_SYNTAXES)))]
    dataset = _radiograph()
    names = [name for name in _SEQUENCES if draw.random() < _PRESENT] or ["VOILUTSequence"]
    for name in names:
        setattr(dataset, name, Sequence([_item(**item) for item in _SEQUENCES[name]]))
    name = names[int(draw.integers(len(names)))]
    _SHAPES[int(draw.integers(len(_SHAPES)))](dataset, name, draw)
    if draw.random() < 0.5:
        _leave_lengths_open(dataset)
    if draw.random() < _IN_VALUES:
        _spoil_values(dataset[name].value, syntax, draw)
        return _file(dataset, syntax)
    start, end = _place(dataset, name, syntax)
    data = _file(dataset, syntax)
    return data[:start] + mutated(data[start:end], draw) + data[end:]


def _file(dataset: Dataset, syntax: UID) -> bytes:
    pixels = picture(np.uint8, colour=False)
    frame = bytes(imagecodecs.jpegls_encode(pixels)) if syntax == JPEGLSLossless else None
    return written(dataset, syntax, pixels, frame)


def _place(dataset: Dataset, name: str, syntax: UID) -> tuple[int, int]:
    """From where to where the items of a sequence lie in the file, by what stands before them."""
    tag = dataset[name].tag
    start = len(written(_part(dataset, tag - 1), syntax))
    head = written(_part(dataset, tag), syntax)
    item = b"\xff\xfe\xe0\x00" if syntax == ExplicitVRBigEndian else b"\xfe\xff\x00\xe0"
    return max(start, head.find(item, start)), len(head)


def _spoil_values(items: Sequence, syntax: UID, draw: Draw) -> None:
    """Mutate values of some elements, wherever they are nested; their lengths stay true."""
    places = list(_leaves(items))
    count = min(int(draw.integers(1, _MOST_SPOILT + 1)), len(places))
    for place in draw.choice(len(places), count, replace=False) if places else ():
        item, element = places[place]
        value = mutated(_value(element, syntax), draw)
        value += b"\0" * (len(value) % 2)
        little = syntax != ExplicitVRBigEndian
        implicit = syntax == ImplicitVRLittleEndian
        vr = element.VR if len(value) < 2**16 else "UN"
        item[element.tag] = RawDataElement(element.tag, vr, len(value), value, 0, implicit, little)
        item.set_original_encoding(implicit, little, default_encoding)  # written as they are


def _leaves(items: Sequence) -> Iterator[tuple[Dataset, DataElement]]:
    for item in items:
        for element in item:
            if element.VR == "SQ":
                yield from _leaves(element.value)
            else:
                yield item, element


def _value(element: DataElement, syntax: UID) -> bytes:
    """The bytes of a value as they stand in a file."""
    buffer = DicomBytesIO()
    buffer.is_little_endian = syntax != ExplicitVRBigEndian
    buffer.is_implicit_VR = True
    write_data_element(buffer, element)
    return buffer.getvalue()[_HEADER:]


def _part(dataset: Dataset, last: int) -> Dataset:
    """The elements up to the tag ``last``."""
    part = Dataset()
    part.update({tag: element for tag, element in dataset.items() if tag <= last})
    return part


@cache
def _described() -> Dataset:
    return described(picture(np.uint8, colour=False))


def _radiograph() -> Dataset:
    return copy.deepcopy(_described())


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        nested = isinstance(value, list) and value and isinstance(value[0], dict)
        setattr(item, keyword, Sequence([_item(**each) for each in value]) if nested else value)
        if keyword in _REPRESENTATIONS:
            item[keyword].VR = _REPRESENTATIONS[keyword]
    return item


_GROUPS: Final[dict[str, Any]] = {
    "PixelMeasuresSequence": [{"PixelSpacing": [0.2, 0.2]}],
    "PlaneOrientationSequence": [{"ImageOrientationPatient": [1.0, 0, 0, 0, 1, 0]}],
    "PixelValueTransformationSequence": [
        {"RescaleSlope": "2.0", "RescaleIntercept": "-1024.0", "RescaleType": "HU"}
    ],
    "FrameVOILUTSequence": [
        {
            "WindowCenter": ["40.0", "60.0"],
            "WindowWidth": ["400.0", "40.0"],
            "WindowCenterWidthExplanation": ["A", "B"],
            "VOILUTFunction": "SIGMOID",
        }
    ],
}
"""Functional groups (PS3.3 C.7.6.16) that say how a frame is shown."""

_REPRESENTATIONS: Final = {"LUTDescriptor": "US", "LUTData": "OW"}
"""Of elements that have a choice, which an incomplete item leaves open."""

_TABLE: Final = np.arange(0, 4096, 64, dtype=np.uint16).tobytes()
_SEQUENCES: Final[dict[str, list[dict[str, Any]]]] = {
    "SharedFunctionalGroupsSequence": [_GROUPS],
    "PerFrameFunctionalGroupsSequence": [_GROUPS, _GROUPS],
    "VOILUTSequence": [
        {"LUTDescriptor": [64, 0, 12], "LUTExplanation": "BONE", "LUTData": _TABLE},
        {"LUTDescriptor": [64, 0xFFFB, 16], "LUTData": _TABLE},
    ],
    "ModalityLUTSequence": [
        {"LUTDescriptor": [64, 0, 12], "ModalityLUTType": "US", "LUTData": _TABLE}
    ],
    "SequenceOfUltrasoundRegions": [
        {
            "RegionSpatialFormat": 1,
            "RegionLocationMinX0": 0,
            "RegionLocationMinY0": 0,
            "RegionLocationMaxX1": 31,
            "RegionLocationMaxY1": 39,
            "PhysicalUnitsXDirection": 3,
            "PhysicalUnitsYDirection": 3,
            "PhysicalDeltaX": 0.05,
            "PhysicalDeltaY": 0.05,
        }
    ],
    "MaskSubtractionSequence": [{"MaskOperation": "AVG_SUB", "MaskFrameNumbers": 1}],
    "RequestAttributesSequence": [
        {
            "RequestedProcedureDescription": "Chest",
            "RequestedProcedureCodeSequence": [{"CodeValue": "1", "CodeMeaning": "Chest"}],
        }
    ],
}


def _as_it_is(dataset: Dataset, name: str, draw: Draw) -> None:
    """Nothing but bytes is to change."""


def _repeated(dataset: Dataset, name: str, draw: Draw) -> None:
    items = dataset[name].value
    setattr(dataset, name, Sequence([*items] * int(draw.integers(2, _MOST_ITEMS // len(items)))))


def _emptied(dataset: Dataset, name: str, draw: Draw) -> None:
    items: list[Dataset] = list(dataset[name].value)
    items.insert(int(draw.integers(len(items) + 1)), Dataset())
    setattr(dataset, name, Sequence(items if draw.integers(2) else []))


def _without_an_element(dataset: Dataset, name: str, draw: Draw) -> None:
    item = dataset[name].value[0]
    tags = list(item.keys())
    del item[tags[int(draw.integers(len(tags)))]]


def _nested_in_itself(dataset: Dataset, name: str, draw: Draw) -> None:
    inner = list(dataset[name].value)
    first = inner[0]
    for _ in range(int(draw.integers(1, _DEEPEST))):
        outer = Dataset()
        outer.update(first)
        setattr(outer, name, Sequence(inner))
        inner = [outer]
    setattr(dataset, name, Sequence(inner))


def _with_items_of_another(dataset: Dataset, name: str, draw: Draw) -> None:
    others = list(_SEQUENCES)
    other = others[int(draw.integers(len(others)))]
    setattr(dataset, name, Sequence([_item(**item) for item in _SEQUENCES[other]]))


_SHAPES: Final[tuple[Callable[[Dataset, str, Draw], None], ...]] = (
    _as_it_is,
    _as_it_is,
    _repeated,
    _emptied,
    _without_an_element,
    _nested_in_itself,
    _with_items_of_another,
)


def _leave_lengths_open(dataset: Dataset) -> None:
    """Let sequences and their items end with delimiters (PS3.5 section 7.5.1)."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _leave_lengths_open(item)
