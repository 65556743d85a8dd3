from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from desktop.studies.colour import grey_of
from desktop.studies.reading import Study, StudyError, read_study
from tests.desktop.studies.factory import make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SAMPLES = np.random.default_rng(3).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def read(folder: Path, photometric: str, samples: np.ndarray = SAMPLES, **changes: object) -> Study:
    dataset = make_dataset(samples, PhotometricInterpretation=photometric, **changes)
    return read_study(save(folder / "a.dcm", dataset))


@pytest.mark.parametrize(
    "photometric", ["HSV", "ARGB", "CMYK", "YBR_PARTIAL_420", "XYB", "MADE UP", "MONOCHROME"]
)
def test_colours_of_unknown_scale_are_refused_by_name(tmp_path: Path, photometric: str) -> None:
    with pytest.raises(StudyError, match=f"Photometric Interpretation .* is “{photometric}”"):
        read(tmp_path, photometric)


def test_luma_is_the_first_sample_of_full_range_ybr(tmp_path: Path) -> None:
    np.testing.assert_array_equal(read(tmp_path, "YBR_FULL").image.stored, SAMPLES[..., 0])


def halved_chroma(luma: np.ndarray) -> bytes:
    """Two luma samples and one of each chroma, by turns (PS3.3 C.7.6.3.1.2)."""
    pairs = luma.reshape(-1, 2)
    chroma = np.full((len(pairs), 2), 128, np.uint8)
    return np.concatenate([pairs, chroma], axis=1).tobytes()


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_PARTIAL_422"])
def test_halved_chroma(tmp_path: Path, photometric: str) -> None:
    luma = SAMPLES[..., 0]
    dataset = make_dataset(SAMPLES, PhotometricInterpretation=photometric)
    dataset.PixelData = halved_chroma(luma)
    stored = read_study(save(tmp_path / "a.dcm", dataset)).image.stored
    expected = luma.astype(float)
    if photometric == "YBR_PARTIAL_422":
        expected = np.floor(np.clip((expected - 16) * 255 / 219, 0, 255) + 0.5)
    np.testing.assert_array_equal(stored, expected)


@pytest.mark.parametrize("frames", [1, 2])
def test_whole_chroma_under_a_name_of_halved(tmp_path: Path, frames: int) -> None:
    dataset = make_dataset(SAMPLES, PhotometricInterpretation="YBR_FULL_422", NumberOfFrames=frames)
    dataset.PixelData = SAMPLES.tobytes() * frames
    stored = read_study(save(tmp_path / "a.dcm", dataset)).image.stored
    np.testing.assert_array_equal(stored, SAMPLES[..., 0])


def test_partial_range_with_whole_chroma(tmp_path: Path) -> None:
    stored = read(tmp_path, "YBR_PARTIAL_422").image.stored
    assert stored[SAMPLES[..., 0] <= 16].max() == 0
    assert stored[SAMPLES[..., 0] >= 235].min() == 255


def test_colour_in_sixteen_bits_of_which_twelve_are_used(tmp_path: Path) -> None:
    samples = (np.arange(96).reshape(4, 8, 3) * 41).astype(np.uint16)
    study = read(tmp_path, "RGB", samples | 0xA000, BitsStored=12, HighBit=11)
    weighed = (samples * np.array([299, 587, 114])).sum(axis=2)
    np.testing.assert_array_equal(study.image.stored, (weighed + 500) // 1000)


@pytest.mark.parametrize("planar", [0, 1])
def test_planes_and_pixels(tmp_path: Path, planar: int) -> None:
    dataset = make_dataset(SAMPLES, PlanarConfiguration=planar)
    if planar:
        dataset.PixelData = SAMPLES.transpose(2, 0, 1).tobytes()
    weighed = (SAMPLES * np.array([299, 587, 114])).sum(axis=2)
    stored = read_study(save(tmp_path / "a.dcm", dataset)).image.stored
    np.testing.assert_array_equal(stored, (weighed + 500) // 1000)


def test_small_letters_are_understood(tmp_path: Path) -> None:
    dataset = make_dataset(PhotometricInterpretation="monochrome1 ")
    assert read_study(save(tmp_path / "a.dcm", dataset)).image.inverted


def test_samples_that_contradict_the_photometric_interpretation_are_told(tmp_path: Path) -> None:
    assert any(
        "MONOCHROME2 with 3 sample" in text for text in read(tmp_path, "MONOCHROME2").cautions
    )
    grey = np.zeros((4, 4), np.uint8)
    assert any("RGB with 1 sample" in text for text in read(tmp_path, "RGB", grey).cautions)


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_PARTIAL_422"])
def test_grey_of_a_large_picture_takes_little_beside_it(photometric: str) -> None:
    samples = np.full((8000, 250, 3), 128, np.uint8)
    tracemalloc.start()
    try:
        grey = grey_of(samples, photometric)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2.5 * grey.nbytes  # planes of 32 bits take eight times as much
