from __future__ import annotations

import errno
import os
import struct
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    HEVCMP51,
    MPEG2MPML,
    MPEG4HP41,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
)

from desktop.studies.reading import Study, StudyError, find_studies, read_study
from desktop.viewer.pixels import LookupTable, VoiFunction, Window, modality_values
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def read(path: Path, pixels: np.ndarray | None = None, **changes: Any) -> Study:
    return read_study(save(path / "image.dcm", make_dataset(pixels, **changes)))


def refusal(path: Path) -> str:
    with pytest.raises(StudyError) as caught:
        read_study(path)
    sentence = str(caught.value)
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


# What is read


def test_a_plain_radiograph(tmp_path: Path) -> None:
    study = read(tmp_path)
    assert study.patient_name == "Morgan, Alex"
    assert (study.patient_id, study.sex, study.age) == ("PF-0042", "F", "063Y")
    assert (study.study_date, study.description) == ("2024-05-17", "Chest PA")
    assert (study.modality, study.view) == ("CR", "PA")
    assert study.study_uid
    assert study.series_uid
    assert study.instance_uid
    assert study.cautions == ()
    np.testing.assert_array_equal(study.image.stored, gradient())
    assert study.image.stored.dtype == np.uint16
    assert study.image.default_voi == Window(2048, 4096)
    assert study.image.pixel_spacing == (0.143, 0.143)
    assert study.image.orientation == ("L", "F")


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_uncompressed_transfer_syntaxes(tmp_path: Path, syntax: UID) -> None:
    dataset = make_dataset()
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = gradient().astype(">u2").tobytes()
    study = read_study(save(tmp_path / "image.dcm", dataset, syntax=syntax))
    np.testing.assert_array_equal(study.image.stored, gradient())


def test_a_dataset_without_preamble_and_file_header(tmp_path: Path) -> None:
    path = tmp_path / "old.img"
    make_dataset().save_as(path, implicit_vr=True, little_endian=True)
    assert path.read_bytes()[:4] == b"\x08\x00\x16\x00"
    np.testing.assert_array_equal(read_study(path).image.stored, gradient())


def test_a_big_endian_dataset_without_preamble(tmp_path: Path) -> None:
    dataset = make_dataset()
    dataset.PixelData = gradient().astype(">u2").tobytes()
    path = tmp_path / "old.img"
    dataset.save_as(path, implicit_vr=False, little_endian=False)
    np.testing.assert_array_equal(read_study(path).image.stored, gradient())
    assert find_studies([tmp_path]) == ([path], [])


def test_signed_pixels(tmp_path: Path) -> None:
    pixels = gradient().astype(np.int16) - 2000
    study = read(tmp_path, pixels, RescaleSlope=1, RescaleIntercept=-24, Modality="CT")
    np.testing.assert_array_equal(study.image.stored, pixels)
    assert study.image.stored.dtype == np.int16
    values = modality_values(study.image, study.image.stored)
    np.testing.assert_array_equal(values, pixels.astype(float) - 24)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_garbage_above_the_stored_bits_is_dropped(tmp_path: Path, dtype: type) -> None:
    clean: np.ndarray = gradient(top=2047).astype(dtype) - (1024 if dtype is np.int16 else 0)
    garbage = (clean.view(np.uint16) & 0x0FFF) | 0x5000
    study = read(tmp_path, garbage.view(dtype), BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(study.image.stored, clean)


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
def test_pixels_that_lie_left_in_their_words(tmp_path: Path, dtype: type) -> None:
    """Older computed radiographs have the unused bits below the value (PS3.5 8.1.1)."""
    clean: np.ndarray = gradient(top=2047).astype(dtype) - (1024 if dtype is np.int16 else 0)
    shifted = clean << 4 | 5  # and something in the unused bits
    study = read(tmp_path, shifted.astype(dtype), BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(study.image.stored, clean)


def test_eight_bit_pixels(tmp_path: Path) -> None:
    pixels = gradient(top=255).astype(np.uint8)
    study = read(tmp_path, pixels, WindowCenter=128, WindowWidth=256)
    np.testing.assert_array_equal(study.image.stored, pixels)
    assert study.image.stored.dtype == np.uint16


def test_monochrome1_is_inverted_and_said(tmp_path: Path) -> None:
    study = read(tmp_path, PhotometricInterpretation="MONOCHROME1")
    assert study.image.inverted
    assert any("MONOCHROME1" in caution for caution in study.cautions)


def test_padding_of_signed_pixels_that_was_written_unsigned(tmp_path: Path) -> None:
    pixels = gradient().astype(np.int16)
    pixels[:4] = -2000
    dataset = make_dataset(pixels)
    dataset.add_new("PixelPaddingValue", "US", 63536)
    study = read_study(save(tmp_path / "image.dcm", dataset))
    assert study.image.padding == (-2000, -2000)
    assert study.image.padded is not None
    assert study.image.padded.sum() == 4 * 40


def test_padding_range(tmp_path: Path) -> None:
    study = read(tmp_path, PixelPaddingValue=10, PixelPaddingRangeLimit=3)
    assert study.image.padding == (3, 10)


def test_no_window_uses_percentiles_and_says_so(tmp_path: Path) -> None:
    study = read(tmp_path, WindowCenter=None, WindowWidth=None)
    assert study.image.presets == ()
    assert any("no display window" in caution for caution in study.cautions)
    window = study.image.default_voi
    assert isinstance(window, Window)
    assert 0 < window.width < 4095


def test_several_windows_with_names(tmp_path: Path) -> None:
    study = read(
        tmp_path,
        WindowCenter=[40, -600],
        WindowWidth=[400, 1500],
        WindowCenterWidthExplanation=["Soft tissue", "Lung"],
        VOILUTFunction="SIGMOID",
    )
    told = [(preset.name, preset.voi) for preset in study.image.presets]
    assert told == [
        ("Soft tissue", Window(40, 400, VoiFunction.SIGMOID)),
        ("Lung", Window(-600, 1500, VoiFunction.SIGMOID)),
    ]


def test_an_unusable_window_is_left_out_and_said(tmp_path: Path) -> None:
    study = read(tmp_path, WindowCenter=[10, 2000], WindowWidth=[0, 500])
    assert [preset.voi for preset in study.image.presets] == [Window(2000, 500)]
    assert any("width 0" in caution for caution in study.cautions)
    assert not any("no usable" in caution for caution in study.cautions)
    study = read(tmp_path, WindowCenter=10, WindowWidth=0)
    assert any("gives no usable display window" in caution for caution in study.cautions)


def test_a_linear_window_below_one_is_taken_as_exact(tmp_path: Path) -> None:
    study = read(tmp_path, WindowCenter=0.2, WindowWidth=0.4, RescaleSlope=0.0001)
    assert study.image.default_voi == Window(0.2, 0.4, VoiFunction.LINEAR_EXACT)


def test_an_unknown_window_function_is_said(tmp_path: Path) -> None:
    study = read(tmp_path, VOILUTFunction="CUBIC")
    assert study.image.default_voi == Window(2048, 4096)
    assert any("CUBIC" in caution for caution in study.cautions)


def lut_item(first: int, bits: int, entries: list[int], vr: str = "US") -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) & 0xFFFF, first, bits])
    data: Any = entries
    if vr == "OW":
        data = np.array(entries, "<u2").tobytes()
    item.add_new("LUTData", vr, data)
    return item


def test_a_window_function_in_small_letters(tmp_path: Path) -> None:
    study = read(tmp_path, VOILUTFunction="sigmoid")
    assert study.image.default_voi == Window(2048, 4096, VoiFunction.SIGMOID)


@pytest.mark.parametrize("vr", ["US", "OW"])
def test_a_voi_lut_comes_before_windows(tmp_path: Path, vr: str) -> None:
    entries = list(range(0, 4096, 2))
    item = lut_item(100, 12, entries, vr)
    item.LUTExplanation = "NORMAL"
    study = read(tmp_path, VOILUTSequence=Sequence([item]))
    assert [preset.name for preset in study.image.presets] == ["NORMAL", "Window 1"]
    table = study.image.default_voi
    assert isinstance(table, LookupTable)
    assert (table.first, table.bits) == (100, 12)
    assert table.entries.tolist() == entries


def test_a_signed_voi_lut_that_was_written_unsigned(tmp_path: Path) -> None:
    sequence = Sequence([lut_item(65536 - 1000, 12, list(range(2000)))])
    study = read(tmp_path, VOILUTSequence=sequence, RescaleSlope=1, RescaleIntercept=-1024)
    table = study.image.default_voi
    assert isinstance(table, LookupTable)
    assert table.first == -1000


def test_a_calibrated_spacing_needs_no_caution(tmp_path: Path) -> None:
    changes: dict[str, Any] = {"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}
    study = read(tmp_path, **changes, PixelSpacingCalibrationType="FIDUCIAL")
    assert not any("detector" in caution for caution in study.cautions)


def test_a_full_voi_lut_has_65536_entries(tmp_path: Path) -> None:
    sequence = Sequence([lut_item(0, 16, list(range(65536)), "OW")])
    table = read(tmp_path, VOILUTSequence=sequence).image.default_voi
    assert isinstance(table, LookupTable)
    assert table.entries.size == 65536


def test_a_damaged_voi_lut_is_left_out_and_said(tmp_path: Path) -> None:
    item = lut_item(0, 12, [1, 2, 3])
    item.LUTDescriptor = [4000, 0, 12]
    study = read(tmp_path, VOILUTSequence=Sequence([item]))
    assert study.image.default_voi == Window(2048, 4096)
    assert any("VOI LUT" in caution for caution in study.cautions)


def test_a_modality_lut(tmp_path: Path) -> None:
    entries = [3 * n for n in range(4096)]
    study = read(tmp_path, ModalityLUTSequence=Sequence([lut_item(0, 16, entries)]))
    values = modality_values(study.image, study.image.stored)
    np.testing.assert_array_equal(values, gradient().astype(float) * 3)


def test_a_damaged_modality_lut_is_refused(tmp_path: Path) -> None:
    item = lut_item(0, 16, [1, 2, 3])
    item.LUTDescriptor = [4096, 0, 16]
    path = save(tmp_path / "a.dcm", make_dataset(ModalityLUTSequence=Sequence([item])))
    assert "modality lookup table" in refusal(path)


def empty_lut_item() -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", None)
    item.add_new("LUTData", "OW", b"")
    return item


@pytest.mark.parametrize("item", [Dataset(), empty_lut_item()], ids=["bare", "empty elements"])
def test_empty_lookup_tables_count_as_none(tmp_path: Path, item: Dataset) -> None:
    luts: dict[str, Any] = {
        "ModalityLUTSequence": Sequence([item]),
        "VOILUTSequence": Sequence([item]),
    }
    study = read(tmp_path, **luts, RescaleSlope=2, RescaleIntercept=-5)
    assert (study.image.slope, study.image.intercept, study.image.modality_lut) == (2, -5, None)
    assert study.image.default_voi == Window(2048, 4096)
    assert study.cautions == ()


@pytest.mark.parametrize(
    "keyword",
    [
        "ModalityLUTSequence",
        "VOILUTSequence",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
        "SequenceOfUltrasoundRegions",
    ],
)
def test_empty_sequences_and_items_count_as_none(tmp_path: Path, keyword: str) -> None:
    for items in ([], [Dataset()]):
        study = read(tmp_path, **cast(dict[str, Any], {keyword: Sequence(items)}))
        assert study.image.default_voi == Window(2048, 4096)
        assert study.cautions == ()


def test_colour_becomes_grey_with_a_caution(tmp_path: Path) -> None:
    colour = np.zeros((2, 4, 3), np.uint8)
    colour[0, :, :] = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    study = read(tmp_path, colour)
    assert study.image.stored[0].tolist() == [76, 150, 29, 255]
    assert study.image.default_voi == Window(128, 256)
    assert "This is a colour image, shown in grey." in study.cautions


def test_multi_frame_shows_the_first(tmp_path: Path) -> None:
    dataset = make_dataset(NumberOfFrames=3)
    dataset.PixelData = gradient().tobytes() + bytes(2 * gradient().nbytes)
    study = read_study(save(tmp_path / "a.dcm", dataset))
    np.testing.assert_array_equal(study.image.stored, gradient())
    assert any("3 frames; only the first" in caution for caution in study.cautions)


def test_enhanced_objects_keep_their_attributes_in_functional_groups(tmp_path: Path) -> None:
    def group(**values: Any) -> Sequence:
        item = Dataset()
        for keyword, value in values.items():
            setattr(item, keyword, value)
        return Sequence([item])

    frame = Dataset()
    frame.FrameVOILUTSequence = group(WindowCenter=50, WindowWidth=350)
    frame.PixelValueTransformationSequence = group(
        RescaleSlope=2, RescaleIntercept=-1000, RescaleType="HU"
    )
    shared = Dataset()
    shared.PixelMeasuresSequence = group(PixelSpacing=[0.5, 0.25])
    shared.PlaneOrientationSequence = group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    study = read(
        tmp_path,
        PerFrameFunctionalGroupsSequence=Sequence([frame]),
        SharedFunctionalGroupsSequence=Sequence([shared]),
        WindowCenter=None,
        WindowWidth=None,
        PixelSpacing=None,
        PatientOrientation=None,
    )
    image = study.image
    assert image.default_voi == Window(50, 350)
    assert (image.slope, image.intercept, image.unit) == (2, -1000, "HU")
    assert (image.pixel_spacing, image.pixel_aspect) == ((0.5, 0.25), 2)
    assert image.orientation == ("L", "P")


@pytest.mark.parametrize(
    ("cosines", "expected"),
    [
        ([1, 0, 0, 0, 0, -1], ("L", "F")),
        ([0, 1, 0, 0, 0, -1], ("P", "F")),
        ([0.8, 0.6, 0, 0, 0, -1], ("LP", "F")),
        ([0, 0, 0, 0, 0, 0], None),
    ],
)
def test_orientation_from_direction_cosines(
    tmp_path: Path, cosines: list[float], expected: tuple[str, str] | None
) -> None:
    study = read(tmp_path, PatientOrientation=None, ImageOrientationPatient=cosines)
    assert study.image.orientation == expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"LossyImageCompression": "01", "LossyImageCompressionRatio": 12},
            "with loss (about 12:1",
        ),
        ({"PixelSpacing": None}, "no pixel spacing"),
        ({"PixelSpacing": [0, 1]}, "no usable pixel spacing"),
        ({"PixelSpacing": None, "ImagerPixelSpacing": [0.2, 0.2]}, "at the detector"),
        ({"PixelSpacing": [0.2, 0.2], "ImagerPixelSpacing": [0.2, 0.2]}, "at the detector"),
        ({"PixelSpacing": None, "NominalScannedPixelSpacing": [0.2, 0.2]}, "scanned film"),
        ({"BurnedInAnnotation": "YES"}, "burned into"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
    ],
)
def test_cautions(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    cautions = read(tmp_path, **changes).cautions
    assert any(words in caution for caution in cautions)


@pytest.mark.parametrize(
    ("changes", "age"),
    [
        ({"PatientAge": "003M"}, "003M"),
        ({"PatientAge": "63"}, ""),
        ({"PatientAge": None, "PatientBirthDate": "19610518"}, "062Y"),
        ({"PatientAge": None, "PatientBirthDate": "19610517"}, "063Y"),
        ({"PatientAge": None, "PatientBirthDate": "20990101"}, ""),
        ({"PatientAge": None, "PatientBirthDate": "19619999"}, ""),
        ({"PatientAge": None}, ""),
    ],
)
def test_age(tmp_path: Path, changes: dict[str, Any], age: str) -> None:
    assert read(tmp_path, **changes).age == age


@pytest.mark.parametrize(
    ("changes", "view"),
    [
        ({"ImageLaterality": "L", "ViewPosition": "CC"}, "L CC"),
        ({"ImageLaterality": "U"}, "PA"),
        ({"ViewPosition": None}, ""),
    ],
)
def test_view(tmp_path: Path, changes: dict[str, Any], view: str) -> None:
    assert read(tmp_path, **changes).view == view


def test_names_outside_latin(tmp_path: Path) -> None:
    study = read(tmp_path, SpecificCharacterSet="ISO_IR 192", PatientName="Ødegård^Zoë")
    assert study.patient_name == "Ødegård, Zoë"
    assert read(tmp_path, PatientName="").patient_name == ""


# What is refused


def test_files_that_are_no_dicom(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    assert "empty is empty" in refusal(empty)
    for name, content in {
        "notes.txt": b"Just some words, long enough to be taken for a header." * 9,
        "zeros": bytes(4000),
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(300),
    }.items():
        path = tmp_path / name
        path.write_bytes(content)
        assert f"{name} is not a DICOM file" in refusal(path)


def test_missing_path_and_folder(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "gone.dcm")
    assert "is a folder" in refusal(tmp_path)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.dcm")
    path.chmod(0)
    if os.access(path, os.R_OK):  # the superuser reads everything

        def denied(*_: object, **__: object) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(Path, "open", denied)
    assert "you lack the permission" in refusal(path)


def test_drive_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path / "a.dcm")

    def broken(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    assert "Input/output error" in refusal(path)


@pytest.mark.parametrize("syntax", [MPEG2MPML, MPEG4HP41, HEVCMP51])
def test_video(tmp_path: Path, syntax: UID) -> None:
    path = save(tmp_path / "a.dcm", syntax=syntax, frames=[b"not looked at"])
    assert "is a video" in refusal(path)


def test_unknown_compression(tmp_path: Path) -> None:
    known = UID("1.2.840.10008.1.2.4.92")
    path = save(tmp_path / "a.dcm", syntax=known, frames=[b"\0\0"])
    assert f"cannot decode ({known.name})" in refusal(path)
    newer = b"1.2.840.10008.1.2.4.99"  # one that pydicom has not heard of
    path.write_bytes(path.read_bytes().replace(known.encode(), newer))
    assert f"cannot decode ({newer.decode()})" in refusal(path)


@pytest.mark.parametrize(
    ("sop_class", "words"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.11", "a structured report"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "a key object selection"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "an encapsulated document"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "a presentation state"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "a radiotherapy object"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "a waveform"),
        ("1.2.840.10008.5.1.4.1.1.66.4", "segmentation"),
        ("1.2.840.10008.5.1.4.38.1", "Hanging Protocol Storage"),
    ],
)
def test_objects_that_are_no_image(tmp_path: Path, sop_class: str, words: str) -> None:
    dataset = make_dataset(SOPClassUID=sop_class, PixelData=None, Rows=None, Columns=None)
    sentence = refusal(save(tmp_path / "a.dcm", dataset))
    assert words in sentence
    assert "not an image" in sentence


@pytest.mark.parametrize("changes", [{}, {"Rows": None, "Columns": None}], ids=["", "no size"])
def test_no_pixel_data(tmp_path: Path, changes: dict[str, Any]) -> None:
    sentence = refusal(save(tmp_path / "a.dcm", make_dataset(PixelData=None, **changes)))
    assert "ends after Window Width (0028,1051), before its pixel data" in sentence


def test_floating_point_pixels(tmp_path: Path) -> None:
    dataset = make_dataset(PixelData=None, FloatPixelData=bytes(4 * 48 * 40))
    assert "floating-point" in refusal(save(tmp_path / "a.dcm", dataset))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Rows": 60000, "Columns": 60000}, "60000 x 60000"),
        ({"Rows": 0}, "Rows (0028,0010) of a.dcm is 0"),
        ({"BitsAllocated": 32, "BitsStored": 32}, "32 bits"),
        ({"BitsAllocated": 1, "BitsStored": 1}, "1 bit (Bits Allocated (0028,0100))"),
        ({"BitsStored": 17}, "Bits Stored (0028,0101) is 17, more than Bits Allocated"),
        ({"HighBit": 16}, "High Bit (0028,0102) is 16, beyond Bits Allocated"),
        ({"HighBit": 9}, "High Bit (0028,0102) is 9, too few for Bits Stored"),
        ({"SamplesPerPixel": 2}, "Samples per Pixel (0028,0002) of a.dcm is 2"),
        ({"RescaleSlope": 0}, "Rescale Slope (0028,1053) of a.dcm is zero"),
        ({"Rows": 4000}, "holds 3840 bytes, and Rows (0028,0010) 4000"),
        ({"NumberOfFrames": 2}, "Number of Frames (0028,0008) is 2, and its pixel data holds 1"),
        ({"PhotometricInterpretation": "MADE UP"}, "“MADE UP”, which Pinfill cannot show"),
        ({"PixelRepresentation": None}, "lacks Pixel Representation (0028,0103)"),
        ({"Rows": None}, "lacks Rows (0028,0010)"),
    ],
)
def test_contradictions(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    assert words in refusal(save(tmp_path / "a.dcm", make_dataset(**changes)))


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return save(tmp_path_factory.mktemp("whole") / "a.dcm").read_bytes()


def test_every_cut_file_is_refused(whole_file: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.dcm"
    for length in (*range(0, len(whole_file) - 1, 97), len(whole_file) - 2):
        path.write_bytes(whole_file[:length])
        refusal(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(data=st.data())
def test_damage_anywhere_gives_a_study_or_a_sentence(
    data: st.DataObject, whole_file: bytes, tmp_path: Path
) -> None:
    damaged = bytearray(whole_file)
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(132, 1100))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.dcm"
    path.write_bytes(damaged)
    sentence = "."
    try:
        assert read_study(path).image.stored.ndim == 2
    except StudyError as error:
        sentence = str(error)
    assert sentence.endswith(".")


@pytest.mark.parametrize("repeated", ["preamble", "letters", "group", "another syntax"])
def test_a_repeated_file_header_is_passed_over(
    whole_file: bytes, tmp_path: Path, repeated: str
) -> None:
    start = whole_file.index(b"\x08\0\x16\0UI")
    header = {"preamble": whole_file[:start], "letters": whole_file[128:start]}.get(
        repeated, whole_file[132:start]
    )
    if repeated == "another syntax":
        header = header.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0")
    path = tmp_path / "a.dcm"
    path.write_bytes(whole_file[:start] + header + header + whole_file[start:])
    np.testing.assert_array_equal(read_study(path).image.stored, gradient())
    path.write_bytes(whole_file[:start] + header + whole_file[start:-50])
    assert "cut short, it ends inside Pixel Data" in refusal(path)


@pytest.mark.parametrize(
    ("code", "advice"), [(errno.EIO, "check the drive"), (errno.EMFILE, "try again")]
)
def test_only_a_drive_that_fails_is_to_be_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, advice: str
) -> None:
    path = save(tmp_path / "a.dcm")

    def broken(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "open", broken)
    assert refusal(path).endswith(f"{advice}.")


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.110", "compressed in a way that Pinfill cannot decode (JPEG XL Loss"),
        ("1.2.840.10008.1.2.4.111", "(JPEG XL JPEG Recompression)"),
        ("1.2.840.10008.1.2.4.112", "(JPEG XL)"),
        ("1.2.840.10008.1.2.8.1", "(Deflated Image Frame Compression)"),
        ("1.2.840.10008.1.2.1.98", "stored in a way that Pinfill cannot decode (Encapsulated Unc"),
        ("1.2.840.10008.1.2.4.94", "holds no pixels, only where a server keeps them (JPIP Ref"),
        ("1.2.840.10008.1.2.7.1", "is a video (SMPTE ST 2110-20"),
        ("1.2.3.4", "stored in a way that Pinfill cannot decode (1.2.3.4)"),
    ],
)
def test_other_transfer_syntaxes_are_called_what_they_are(
    whole_file: bytes, tmp_path: Path, syntax: str, words: str
) -> None:
    old = b"\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0"
    uid = syntax.encode() + b"\0" * (len(syntax) % 2)
    assert old in whole_file
    path = tmp_path / "a.dcm"
    path.write_bytes(whole_file.replace(old, old[:6] + struct.pack("<H", len(uid)) + uid))
    assert words in refusal(path)
