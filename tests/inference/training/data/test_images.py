"""Images come as the viewer shows them, or with a sentence that says why not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import Decoder
from pydicom.sequence import Sequence
from pydicom.uid import MPEG2MPML, JPEG2000Lossless, JPEGLSLossless

from desktop.studies.reading import read_study
from desktop.viewer.pixels import voi_lookup
from inference.training.data.images import Gallery, check_image, read_image
from inference.training.data.rows import BadRow, DataError
from tests.desktop.studies.factory import gradient, make_dataset, save
from tests.inference.training.data.factory import gradient_png, picture, sentence

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

BUNDLED = Path(__file__).parents[4] / "resources" / "studies"


def viewed(path: Path) -> np.ndarray:
    """The whole image as the viewer shows it by default."""
    image = read_study(path).image
    shown = voi_lookup(image)[image.stored.view(np.uint16)]
    return shown if image.padded is None else np.where(image.padded, np.uint8(0), shown)


def lut(first: int, bits: int, entries: list[int]) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item.LUTData = entries
    item["LUTData"].VR = "US"
    return Sequence([item])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"PhotometricInterpretation": "MONOCHROME1"},
        {"WindowCenter": 1000, "WindowWidth": 500},
        {"WindowCenter": [700, 2048], "WindowWidth": [300, 4096]},
        {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 3000, "WindowWidth": 900},
        {"RescaleSlope": -1, "RescaleIntercept": 4095},
        {"VOILUTFunction": "SIGMOID", "WindowCenter": 2000, "WindowWidth": 800},
        {"VOILUTFunction": "LINEAR_EXACT", "WindowCenter": 2000, "WindowWidth": 800},
        {"VOILUTFunction": "OTHER"},
        {"WindowCenter": None, "WindowWidth": None},
        {"WindowWidth": 0},
        {"WindowCenter": 0.5, "WindowWidth": 0.4, "RescaleSlope": "0.001", "RescaleIntercept": 0},
        {"PixelPaddingValue": 0, "WindowCenter": None, "WindowWidth": None},
        {"PixelPaddingValue": 0, "PhotometricInterpretation": "MONOCHROME1"},
        {"PixelPaddingValue": 100, "PixelPaddingRangeLimit": 900},
        {"VOILUTSequence": lut(0, 12, list(range(0, 4096, 2)))},
        {"VOILUTSequence": lut(100, 8, [value // 4 for value in range(1024)])},
        {
            "VOILUTSequence": lut(0, 16, list(range(0, 65536, 16))),
            "RescaleSlope": 1,
            "RescaleIntercept": 5,
        },
        {"ModalityLUTSequence": lut(0, 16, list(range(4096, 0, -1)))},
    ],
)
def test_dicom_is_read_as_the_viewer_shows_it(tmp_path: Path, changes: dict[str, Any]) -> None:
    path = save(tmp_path / "a.dcm", make_dataset(**changes))
    ours, theirs = read_image(path), viewed(path)
    assert ours.dtype == np.uint8
    # Halves may be rounded the other way where the sums are taken in another order.
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 1
    assert (ours != theirs).mean() < 0.02
    check_image(path)


@given(st.integers(-2000, 6000), st.integers(1, 5000), st.booleans())
def test_any_window_is_read_as_the_viewer_shows_it(
    tmp_path_factory: pytest.TempPathFactory, center: int, width: int, inverted: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "window.dcm"
    photometric = "MONOCHROME1" if inverted else "MONOCHROME2"
    save(
        path,
        make_dataset(WindowCenter=center, WindowWidth=width, PhotometricInterpretation=photometric),
    )
    assert np.abs(read_image(path).astype(int) - viewed(path).astype(int)).max() <= 1


def test_signed_values(tmp_path: Path) -> None:
    pixels = gradient().astype(np.int16) - 1024
    path = save(tmp_path / "a.dcm", make_dataset(pixels, WindowCenter=40, WindowWidth=400))
    assert np.abs(read_image(path).astype(int) - viewed(path).astype(int)).max() <= 1


def test_the_first_frame_is_shown_as_its_group_says(tmp_path: Path) -> None:
    first, second = gradient(), gradient()[::-1]
    groups = []
    for center in (800, 3000):
        window, rescale, group = Dataset(), Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, 600
        rescale.RescaleSlope, rescale.RescaleIntercept = 1, -100
        rescale.RescaleType = "US"
        group.FrameVOILUTSequence = Sequence([window])
        group.PixelValueTransformationSequence = Sequence([rescale])
        groups.append(group)
    dataset = make_dataset(first, NumberOfFrames=2, WindowCenter=None, WindowWidth=None)
    dataset.PixelData = first.tobytes() + second.tobytes()
    dataset.PerFrameFunctionalGroupsSequence = Sequence(groups)
    path = save(tmp_path / "a.dcm", dataset)
    check_image(path)
    assert np.abs(read_image(path).astype(int) - viewed(path).astype(int)).max() <= 1


def test_colour_is_shown_in_grey(tmp_path: Path) -> None:
    colours = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    path = save(tmp_path / "a.dcm", make_dataset(colours, WindowCenter=None, WindowWidth=None))
    png = tmp_path / "a.png"
    Image.fromarray(colours).save(png)
    assert np.array_equal(read_image(path), read_image(png))


def test_bundled_studies_can_be_read() -> None:
    """Losslessly compressed, as archives often are."""
    path = sorted(BUNDLED.glob("*.dcm"))[0]
    check_image(path)
    assert np.abs(read_image(path).astype(int) - viewed(path).astype(int)).max() <= 1


def test_a_file_without_a_telling_name_is_looked_into(tmp_path: Path) -> None:
    path = save(tmp_path / "IM0001")
    check_image(path)
    assert read_image(path).shape == gradient().shape


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_pictures_in_grey_and_colour(tmp_path: Path, name: str, mode: str) -> None:
    image = read_image(picture(tmp_path / name, 100, mode))
    assert image.shape == (6, 8)
    assert image.dtype == np.uint8
    assert np.abs(image.astype(int) - 100).max() <= 2


def test_deep_pictures_are_stretched_not_cut_off(tmp_path: Path) -> None:
    image = read_image(gradient_png(tmp_path / "a.png")).astype(int)
    assert (image.min(), image.max()) == (0, 255)
    assert (np.diff(image.ravel()) >= 0).all()
    assert abs(np.median(image) - 128) <= 2


def test_a_picture_stands_upright(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (8, 6)).save(path, exif=exif)
    assert read_image(path).shape == (8, 6)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_cut_short_pictures_are_found_by_a_look(tmp_path: Path, name: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    path = tmp_path / name
    Image.fromarray(noise).save(path)
    check_image(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    for look in (check_image, read_image):
        with pytest.raises(DataError) as error:
            look(path)
        assert name in sentence(error)
    path.write_bytes(whole + b"\0" * 1000)
    check_image(path)


@pytest.mark.parametrize("syntax", ["raw", "compressed"])
def test_cut_short_dicom_is_found_by_a_look(tmp_path: Path, syntax: str) -> None:
    whole = (
        save(tmp_path / "b.dcm").read_bytes()
        if syntax == "raw"
        else sorted(BUNDLED.glob("*.dcm"))[0].read_bytes()
    )
    keep = len(whole) - 100 if syntax == "raw" else whole.rindex(b"\xe0\x7f\x10\x00")
    path = tmp_path / "a.dcm"
    path.write_bytes(whole[:keep])
    for look in (check_image, read_image):
        with pytest.raises(DataError) as error:
            look(path)
        assert "a.dcm" in sentence(error)


@pytest.mark.parametrize("content", [b"", b"words", b"\0" * 128 + b"DICM", b"GIF89a" + b"\0" * 99])
@pytest.mark.parametrize("name", ["a.dcm", "a.png"])
def test_what_is_no_image(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for look in (check_image, read_image):
        with pytest.raises(DataError) as error:
            look(path)
        assert name in sentence(error)


def test_what_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.png", tmp_path / "absent.dcm", tmp_path):
        with pytest.raises(DataError) as error:
            check_image(path)
        assert str(path) in sentence(error)


def test_a_compression_without_a_decoder_is_found_by_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = save(tmp_path / "a.dcm", syntax=MPEG2MPML, frames=[b"some"])
    lossless = save(tmp_path / "b.dcm", syntax=JPEGLSLossless, frames=[b"some"])
    monkeypatch.setattr(Decoder, "is_available", False)
    for look in (check_image, read_image):
        for path in (video, lossless):
            with pytest.raises(DataError) as error:
                look(path)
            assert "no decoder here" in sentence(error)


def test_without_pydicom_reading_stops_and_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.dcm")
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(DataError) as error:
        Gallery(wanted=True).find("a.dcm", tmp_path)
    assert "pinfill[studies]" in sentence(error)
    assert not isinstance(error.value, BadRow)


def test_a_gallery_looks_at_each_image_once(tmp_path: Path) -> None:
    gallery, path = Gallery(wanted=True), picture(tmp_path / "a.png")
    assert gallery.find("a.png", tmp_path / "other", tmp_path) == path
    path.write_bytes(b"")
    assert gallery.find("a.png", tmp_path) == path


def test_a_header_that_promises_too_much(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm", make_dataset(Rows=4000), syntax=JPEG2000Lossless, frames=[b"no"]
    )
    with pytest.raises(DataError):
        read_image(path)
