from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from desktop.studies.numbers import ASPECTS
from desktop.studies.reading import StudyError, read_study
from desktop.viewer.pixels import Window, model_image, voi_lookup
from tests.desktop.studies.factory import make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

NAMES = {
    "WindowCenter": "Window Center",
    "WindowWidth": "Window Width",
    "PixelSpacing": "Pixel Spacing",
    "ImagerPixelSpacing": "Imager Pixel Spacing",
    "NominalScannedPixelSpacing": "Nominal Scanned Pixel Spacing",
    "PixelAspectRatio": "Pixel Aspect Ratio",
    "ImageOrientationPatient": "Image Orientation (Patient)",
}
PAIRS = {name for name in NAMES if name.endswith(("Spacing", "Ratio"))}
HOSTILE = [
    b"nan",
    b"inf",
    b"-inf",
    b"1e308",
    b"-1e308",
    b"1e999",
    b"abc",
    b"0x10",
    b"--1",
    b"1e4000000",
]
RESCALES = ["RescaleSlope", "RescaleIntercept"]


def with_text(path: Path, keyword: str, text: bytes) -> Path:
    """A file in which an attribute holds a text that its writer would have refused."""
    count = {"ImageOrientationPatient": 6}.get(keyword, 2 if keyword in PAIRS else 1)
    marks = [str(1234567 + number) for number in range(count)]
    dataset = make_dataset(PixelSpacing=None, PatientOrientation=None)
    setattr(dataset, keyword, marks if count > 1 else marks[0])
    data = save(path, dataset).read_bytes()
    for mark in marks:
        assert data.count(mark.encode()) == 1
        data = data.replace(mark.encode(), text[:7].ljust(7))
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("text", HOSTILE, ids=repr)
@pytest.mark.parametrize("keyword", NAMES)
def test_what_is_no_usable_number_is_left_out_and_told(
    tmp_path: Path, keyword: str, text: bytes
) -> None:
    study = read_study(with_text(tmp_path / "a.dcm", keyword, text))
    assert any(NAMES[keyword] in caution for caution in study.cautions)
    image = study.image
    assert image.pixel_spacing is None
    assert image.pixel_aspect == 1.0
    assert image.orientation is None
    voi_lookup(image)
    assert model_image(image).shape == (48, 40)


@pytest.mark.parametrize("text", [*HOSTILE, b"1e-300"], ids=repr)
@pytest.mark.parametrize("keyword", RESCALES)
def test_a_rescale_that_is_no_usable_number_is_refused(
    tmp_path: Path, keyword: str, text: bytes
) -> None:
    path = with_text(tmp_path / "a.dcm", keyword, text)
    if (keyword, text) == ("RescaleIntercept", b"1e-300"):
        read_study(path)
        return
    with pytest.raises(StudyError, match=r"not one usable number|is 1e-300"):
        read_study(path)


@pytest.mark.parametrize("pair", [[1e-6, 1e3], [1000, 1e-3], [0.0, 1.0], [-1.0, 1.0], [1e9, 1]])
def test_pixels_of_an_impossible_shape_are_shown_square(tmp_path: Path, pair: list[float]) -> None:
    study = read_study(save(tmp_path / "a.dcm", make_dataset(PixelSpacing=pair)))
    assert study.image.pixel_spacing is None
    assert study.image.pixel_aspect == 1.0
    assert any("Pixel Spacing" in caution for caution in study.cautions)
    assert "The file gives no usable pixel spacing: nothing can be measured." in study.cautions


@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_extremes_that_are_taken_can_be_shown(tmp_path: Path, aspect: float) -> None:
    path = save(tmp_path / "a.dcm", make_dataset(PixelSpacing=[aspect * 2, 2]))
    image = read_study(path).image
    assert image.pixel_aspect == aspect
    assert min(model_image(image).shape) >= 1


def test_several_windows_are_left_out_together(tmp_path: Path) -> None:
    dataset = make_dataset(WindowCenter=["40", "1234567"], WindowWidth=["400", "80"])
    path = save(tmp_path / "a.dcm", dataset)
    path.write_bytes(path.read_bytes().replace(b"1234567", b"nan    "))
    study = read_study(path)
    assert study.image.presets == ()
    assert isinstance(study.image.default_voi, Window)
    assert np.unique(voi_lookup(study.image)).size > 100
