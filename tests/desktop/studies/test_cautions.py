from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from desktop.studies import presentation_states
from desktop.studies.cautions import FROM_IMAGE
from desktop.studies.reading import Study, read_study
from desktop.viewer.pixels import voi_lookup
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def read(folder: Path, pixels: np.ndarray | None = None, **changes: Any) -> Study:
    return read_study(save(folder / "image.dcm", make_dataset(pixels, **changes)))


def told(study: Study, words: str) -> bool:
    return any(words in caution for caution in study.cautions)


def greys(study: Study, preset: int = 0) -> np.ndarray:
    image = study.image
    return voi_lookup(image, image.presets[preset].voi)[image.stored.view(np.uint16)]


# What leaves nothing to see


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"WindowCenter": 60000}, 'preset "Window 1" of the file the whole picture is black'),
        ({"WindowCenter": -9000}, 'preset "Window 1" of the file the whole picture is white'),
        ({"WindowWidth": 1e8}, 'preset "Window 1" of the file the whole picture is grey'),
        (
            {"WindowCenter": 60000, "PhotometricInterpretation": "MONOCHROME1"},
            'preset "Window 1" of the file the whole picture is white',
        ),
        (
            {"RescaleSlope": 1e-5},
            "of the file and the rescale slope 1e-05 the whole picture is black",
        ),
        (
            {"RescaleSlope": 1e6},
            "of the file and the rescale slope 1e+06 the whole picture is white",
        ),
    ],
)
def test_an_invisible_picture_is_told_and_made_visible(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    study = read(tmp_path, **changes)
    assert told(study, words)
    assert study.image.presets[-1].name == FROM_IMAGE
    shown = greys(study, -1)
    assert (shown.min(), shown.max()) == (0, 255)


@pytest.mark.parametrize(
    "changes", [{"RescaleSlope": 1.5e-12}, {"RescaleSlope": 1.5e-12, "WindowCenter": None}]
)
def test_a_slope_that_leaves_no_differences_is_told(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    if "WindowCenter" in changes:
        changes["WindowWidth"] = None
    assert told(read(tmp_path, **changes), "slope of the file (1.5e-12) leaves no differences")


def test_another_window_of_the_file_is_named(tmp_path: Path) -> None:
    study = read(tmp_path, WindowCenter=[60000, 2048], WindowWidth=[10, 4096])
    assert told(study, 'whole picture is black: choose the preset "Window 2".')
    assert len(study.image.presets) == 2


def test_wholly_padded_pictures_are_told(tmp_path: Path) -> None:
    flat = np.full((8, 8), 7, np.uint16)
    assert told(read(tmp_path, flat, PixelPaddingValue=7), "calls padding: all is black")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"WindowCenter": 4000, "WindowWidth": 10},  # a few pixels
        {"PixelPaddingValue": 0, "PixelPaddingRangeLimit": 2000},
        {"WindowCenter": None, "WindowWidth": None},
    ],
)
def test_what_can_be_seen_needs_no_caution(tmp_path: Path, changes: dict[str, Any]) -> None:
    study = read(tmp_path, **changes)
    assert not told(study, "whole picture")
    assert FROM_IMAGE not in [preset.name for preset in study.image.presets]


def test_flat_pictures_need_no_caution(tmp_path: Path) -> None:
    assert not told(read(tmp_path, np.full((9, 9), 12, np.uint16)), "whole picture")


def test_a_small_thing_between_the_pixels_of_a_glance_is_seen(tmp_path: Path) -> None:
    pixels = np.zeros((1000, 1000), np.uint16)
    pixels[::2, 1::2] = 4000  # a glance takes every seventh row and column
    pixels[:, ::7] = 10
    assert not told(read(tmp_path, pixels), "whole picture")


# Depth of tables


def table_item(bits: int, top: int) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, bits])
    entries = np.linspace(0, top, 4096).astype("<u2")
    item.add_new("LUTData", "OW", entries.tobytes())
    item.LUTExplanation = "NORMAL"
    return item


@pytest.mark.parametrize(
    ("bits", "top", "words"),
    [
        (16, 4095, "claims 16 bits and is filled with 12, so the picture is darker"),
        (16, 255, "claims 16 bits and is filled with 8, so the picture is darker"),
        (12, 255, "claims 12 bits and is filled with 8, so the picture is darker"),
        (12, 65535, "claims 12 bits and is filled with 16, so the picture is brighter"),
    ],
)
def test_tables_of_another_depth_than_they_claim(
    tmp_path: Path, bits: int, top: int, words: str
) -> None:
    study = read(tmp_path, VOILUTSequence=Sequence([table_item(bits, top)]))
    assert told(study, words)
    assert [preset.name for preset in study.image.presets][:2] == ["NORMAL", "NORMAL, as meant"]
    shown = greys(study, 1)
    assert (shown.min(), shown.max()) == (0, 255)


@pytest.mark.parametrize(("bits", "top"), [(16, 65535), (16, 9000), (12, 4095), (12, 600), (8, 9)])
def test_honest_tables(tmp_path: Path, bits: int, top: int) -> None:
    study = read(tmp_path, VOILUTSequence=Sequence([table_item(bits, top)]))
    assert not told(study, "claims")


def test_a_palette_in_the_low_byte(tmp_path: Path) -> None:
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    dataset = make_dataset(pixels, PhotometricInterpretation="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        data = np.arange(256).astype("<u2").tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", data)
    study = read_study(save(tmp_path / "a.dcm", dataset))
    assert told(study, "claims 16 bits and is filled with 8")
    names = [preset.name for preset in study.image.presets]
    assert names[:2] == ["Whole range", "Whole range, as meant"]
    np.testing.assert_array_equal(greys(study, 1), pixels)


# What is not shown, and what contradicts itself


def overlay(**elements: Any) -> Dataset:
    dataset = make_dataset()
    at = {"bits": 0x0100, "position": 0x0102, "data": 0x3000}
    for name, value in elements.items():
        dataset.add_new((0x6002, at[name]), "OW" if name == "data" else "US", value)
    return dataset


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"data": bytes(240)}, True),
        ({"bits": 16, "position": 12}, True),
        ({"bits": 16, "position": 0}, True),
        ({"position": 15}, True),
        ({"bits": 1, "position": 0}, False),
        ({"bits": None, "position": None}, False),
    ],
)
def test_overlays(tmp_path: Path, elements: dict[str, Any], expected: bool) -> None:
    study = read_study(save(tmp_path / "a.dcm", overlay(**elements)))
    assert told(study, "graphic overlays, which are not shown") is expected


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PixelPresentation": "COLOR"}, "supplemental palette"),
        ({"PixelPresentation": "MIXED"}, "supplemental palette"),
        ({"ShutterShape": "CIRCULAR"}, "shutter"),
        ({"MaskSubtractionSequence": Sequence([Dataset()])}, "mask frame subtracted"),
        ({"PresentationLUTShape": "INVERSE"}, "MONOCHROME2 with the presentation LUT shape INV"),
        (
            {"PresentationLUTShape": "IDENTITY", "PhotometricInterpretation": "MONOCHROME1"},
            "MONOCHROME1 with the presentation LUT shape IDENTITY",
        ),
    ],
)
def test_what_the_reader_must_know(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    study = read(tmp_path, **changes)
    assert told(study, words)
    assert study.image.pixel_aspect == 1
    np.testing.assert_array_equal(study.image.stored, gradient())


@pytest.mark.parametrize(
    "changes", [{"PresentationLUTShape": "IDENTITY"}, {"PixelSpacing": [1, 9]}]
)
def test_what_needs_no_caution(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert read(tmp_path, **changes).cautions == ()


# Presentation states


def save_state(
    path: Path, *instances: str, sop_class: str = "1.2.840.10008.5.1.4.1.1.11.1"
) -> None:
    state = make_dataset(PixelData=None, Rows=None, Columns=None, SOPClassUID=sop_class)
    references = [Dataset() for _ in instances]
    for reference, instance in zip(references, instances, strict=True):
        reference.ReferencedSOPInstanceUID = instance
    series = Dataset()
    series.ReferencedImageSequence = Sequence(references)
    state.ReferencedSeriesSequence = Sequence([series])
    save(path, state)


def test_presentation_states_of_the_folder_are_told_of_their_images(tmp_path: Path) -> None:
    images = {name: make_dataset(SOPInstanceUID=f"1.2.3.{name}") for name in ("1", "2", "22")}
    save_state(tmp_path / "GSPS1", "1.2.3.22", "1.2.3.1")
    save_state(tmp_path / "GSPS2", "1.2.3.1")
    save_state(tmp_path / "report", "1.2.3.2", sop_class="1.2.840.10008.5.1.4.1.1.88.11")
    cautions = {
        name: read_study(save(tmp_path / name, dataset)).cautions
        for name, dataset in images.items()
    }
    assert "holds 2 presentation state(s) for this image" in cautions["1"][0]
    assert cautions["2"] == ()
    assert "holds 1 presentation state(s)" in cautions["22"][0]


def test_a_folder_too_slow_to_be_searched_for_states_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presentation_states, "_SECONDS", -1.0)
    assert told(read_study(save(tmp_path / "a.dcm")), "too slow to be searched")


def test_a_state_that_comes_later_is_found(tmp_path: Path) -> None:
    image = save(tmp_path / "image", make_dataset(SOPInstanceUID="1.2.3"))
    assert read_study(image).cautions == ()
    save_state(tmp_path / "state", "1.2.3")
    assert told(read_study(image), "presentation state")
