"""Every way to damage a file at every element that the reader uses: is the damage what is named?"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from desktop.studies.elements import element_name
from desktop.studies.reading import Study, StudyError, read_study
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

_LONG: Final = ("OB", "OW", "SQ", "UN", "UT", "UC", "UR")
_PIXELS: Final = gradient(6, 5)


class Place(NamedTuple):
    """An element in the bytes of a file: where its tag, its value and the next element begin."""

    vr: str
    start: int
    value: int
    end: int


def _dataset() -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = "1.2.3"
    dataset = make_dataset(
        _PIXELS,
        SpecificCharacterSet="ISO_IR 100",
        BodyPartExamined="CHEST",
        ImageLaterality="L",
        PatientBirthDate="19610518",
        ImagerPixelSpacing=[0.2, 0.2],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        NumberOfFrames=1,
        RescaleSlope=2,
        RescaleIntercept=-5,
        RescaleType="US",
        PixelPaddingValue=4000,
        VOILUTFunction="LINEAR",
        WindowCenterWidthExplanation="Whole",
        BurnedInAnnotation="NO",
        LossyImageCompression="00",
        PixelAspectRatio=[1, 1],
        ReferencedImageSequence=Sequence([item, item]),
    )
    dataset["ReferencedImageSequence"].is_undefined_length = True
    return dataset


def _bytes(dataset: Dataset, syntax: UID = ExplicitVRLittleEndian) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        if syntax == ExplicitVRBigEndian:
            dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
        return save(Path(folder, "a.dcm"), dataset, syntax=syntax).read_bytes()


WHOLE: Final = _bytes(_dataset())


def _places() -> dict[str, Place]:
    dataset = pydicom.dcmread(io.BytesIO(WHOLE))
    found = {}
    for element in (*dataset.file_meta, *dataset):
        value = element.file_tell or 0
        if not value or element.VR == "SQ":
            continue
        start = value - (12 if element.VR in _LONG else 8)
        length = struct.unpack_from(
            "<I" if element.VR in _LONG else "<H", WHOLE, value - 4 + 2 * (element.VR not in _LONG)
        )[0]
        found[element.keyword] = Place(element.VR, start, value, value + length)
    return found


PLACES: Final = _places()


def _put(keyword: str, vr: str, value: bytes) -> bytes:
    """The whole file with another value in one element."""
    place = PLACES[keyword]
    length = (
        b"\0\0" + struct.pack("<I", len(value)) if vr in _LONG else struct.pack("<H", len(value))
    )
    tag = WHOLE[place.start : place.start + 4]
    return WHOLE[: place.start] + tag + vr.encode() + length + value + WHOLE[place.end :]


def _damages() -> Iterator[tuple[str, str, bytes]]:
    for keyword, place in PLACES.items():
        yield keyword, "removed", WHOLE[: place.start] + WHOLE[place.end :]
        yield keyword, "empty", _put(keyword, place.vr, b"")
        yield keyword, "text", _put(keyword, "LO", b"damaged!")
        yield keyword, "bytes", _put(keyword, "FD", b"\x07\x07")
        yield keyword, "unknown", _put(keyword, "XX", b"\x07\x07")
        yield keyword, "sequence", _put(keyword, "SQ", b"")
        if place.vr == "US":
            yield keyword, "large", _put(keyword, "US", b"\xfe\xfe")
            yield keyword, "zero", _put(keyword, "US", b"\0\0")
            yield keyword, "several", _put(keyword, "US", b"\x01\0\x02\0")
        if place.vr in ("DS", "IS"):
            for text in ("NaN ", "1e999 ", "-1", "0 ", "99999999999 ", "1\\2\\3 "):
                yield keyword, text, _put(keyword, place.vr, text.encode())


def _outcome(content: bytes, folder: Path) -> Study | str:
    path = folder / "a.dcm"
    path.write_bytes(content)
    try:
        return read_study(path)
    except StudyError as error:
        return str(error)


_SHAPING: Final = ("Rows", "Columns", "BitsStored", "HighBit", "PixelRepresentation")
_UNUSED: Final = (
    *("FileMetaInformationVersion", "ImplementationClassUID", "ImplementationVersionName"),
    *("MediaStorageSOPClassUID", "MediaStorageSOPInstanceUID", "StudyTime", "AccessionNumber"),
)
DAMAGES: Final = list(_damages())


@pytest.mark.parametrize("keyword", PLACES)
def test_the_damaged_element_is_named(keyword: str, tmp_path: Path) -> None:
    for damaged, how, content in DAMAGES:
        if damaged != keyword:
            continue
        outcome = _outcome(content, tmp_path)
        if isinstance(outcome, Study):
            _check_opened(outcome, keyword, how)
        elif (keyword, how) == ("PixelData", "removed"):  # nothing but the end of a file is told
            assert "before its pixel data" in outcome
        else:
            assert element_name(keyword) in outcome, (how, outcome)
            assert "drive" not in outcome, (how, outcome)
            assert "cut short" not in outcome, (how, outcome)


def _check_opened(study: Study, keyword: str, how: str) -> None:
    """What damage may do without a refusal: change what the element says, and nothing else."""
    if keyword not in _SHAPING:
        np.testing.assert_array_equal(study.image.stored, _PIXELS)
    if keyword.startswith("Rescale") and how in ("text", "bytes", "unknown", "sequence"):
        assert (study.image.slope, study.image.intercept) == (2, -5), how
    if how in ("bytes", "unknown") and keyword not in _UNUSED:
        assert any(element_name(keyword) in caution for caution in study.cautions), how


@pytest.mark.parametrize(
    "syntax",
    [
        ExplicitVRLittleEndian,
        ImplicitVRLittleEndian,
        ExplicitVRBigEndian,
        DeflatedExplicitVRLittleEndian,
    ],
    ids=lambda syntax: syntax.name,
)
def test_a_file_cut_at_any_place_is_said_to_be_cut_short(syntax: UID, tmp_path: Path) -> None:
    dataset = make_dataset(_PIXELS[:3, :2], PatientOrientation=None, PixelSpacing=None)
    dataset.ReferencedImageSequence = _dataset().ReferencedImageSequence
    whole = _bytes(dataset, syntax)
    step = 1 if syntax == ExplicitVRLittleEndian else 11
    for length in range(1, len(whole) - 1, step):
        outcome = _outcome(whole[:length], tmp_path)
        assert isinstance(outcome, str), length
        assert "cut short" in outcome, (length, outcome)
        assert "drive" not in outcome, (length, outcome)


def test_a_cut_names_the_element_that_it_is_in(tmp_path: Path) -> None:
    for keyword, place in PLACES.items():
        if place.end == place.value:
            continue
        outcome = _outcome(WHOLE[: place.end - 1], tmp_path)
        assert isinstance(outcome, str)
        assert f"it ends inside {element_name(keyword)}" in outcome
    sequence = WHOLE.index(b"\x08\x00\x40\x11SQ")
    outcome = _outcome(WHOLE[: sequence + 20], tmp_path)
    assert "it ends inside Referenced Image Sequence (0008,1140)" in str(outcome)
