"""Fictional studies as DICOM: honest headers, lossless pixels, the same from the same seed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.encaps import generate_frames
from pydicom.uid import DigitalXRayImageStorageForPresentation, JPEG2000Lossless

from inference.training.demo_dicom import BUNDLED_SEEDS, main, to_dataset, write_study
from inference.training.findings import sample_case
from inference.training.phantom import render

BUNDLED = Path(__file__).parents[3] / "resources" / "studies"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("studies") / "case.dcm"
    return write_study(sample_case(BUNDLED_SEEDS[0]), path, rows=128)


def decoded(dataset: pydicom.Dataset) -> np.ndarray:
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    return np.asarray(imagecodecs.jpeg2k_decode(frame))


def test_pixels_survive_the_file(study: Path) -> None:
    dataset = pydicom.dcmread(study)
    assert dataset.file_meta.TransferSyntaxUID == JPEG2000Lossless
    assert np.array_equal(decoded(dataset), render(sample_case(BUNDLED_SEEDS[0]), 128).pixels)


def test_header_agrees_with_the_case(study: Path) -> None:
    case, dataset = sample_case(BUNDLED_SEEDS[0]), pydicom.dcmread(study)
    assert dataset.SOPClassUID == DigitalXRayImageStorageForPresentation
    assert dataset.PatientSex == case.sex
    assert dataset.PatientAge == f"{case.age:03d}Y"
    assert dataset.ViewPosition == case.view
    assert (dataset.Rows, dataset.Columns) == (128, 128)
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit) == (16, 12, 11)
    assert dataset.ImagerPixelSpacing == [3.125, 3.125]


def test_header_says_that_nothing_is_real(study: Path) -> None:
    dataset = pydicom.dcmread(study)
    assert "FICTIONAL" in dataset.StudyDescription
    assert str(dataset.PatientName).startswith("PHANTOM^")
    assert dataset.ImageType[0] == "DERIVED"


def test_birth_date_fits_the_age() -> None:
    for seed in range(10):
        dataset = to_dataset(sample_case(seed), render(sample_case(seed), 32))
        born, taken = int(dataset.PatientBirthDate), int(dataset.StudyDate)
        assert (taken - born) // 10_000 == int(dataset.PatientAge[:3])


def test_uids_are_valid_and_follow_the_seed() -> None:
    phantom = render(sample_case(1), 32)
    names = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    first, again = (to_dataset(sample_case(1), phantom) for _ in range(2))
    other = to_dataset(sample_case(2), phantom)
    for name in names:
        assert first[name].value == again[name].value != other[name].value
        assert first[name].value.is_valid
    assert len({first[name].value for name in names}) == 3


@pytest.mark.skipif(shutil.which("dcmftest") is None, reason="DCMTK is not installed")
def test_dcmtk_reads_it(study: Path) -> None:
    subprocess.run(["dcmftest", str(study)], check=True, capture_output=True)
    dumped = subprocess.run(["dcmdump", "-q", str(study)], check=True, capture_output=True)
    assert b"DigitalXRayImageStorageForPresentation" in dumped.stdout
    assert dumped.stderr == b""


def test_command_writes_the_seeds_it_is_given(tmp_path: Path) -> None:
    main([str(tmp_path), "7", "1000063", "--rows", "64"])
    assert {path.name for path in tmp_path.iterdir()} == {"case-0000007.dcm", "case-1000063.dcm"}


def looks_alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two 12-bit images are one drawing, computed by processors that round differently.

    Vector units differ in the last bit of a sine, and noise and thresholds carry that on to a few
    levels of a few pixels: nothing of it reaches one step of an 8-bit screen.
    """
    apart = np.abs(one.astype(int) - other.astype(int))
    return bool(apart.mean() < 0.01 and (apart > 2).mean() < 0.001 and apart.max() < 4096 / 256)


@pytest.mark.parametrize("seed", BUNDLED_SEEDS)
def test_bundled_study_is_what_its_seed_draws(seed: int) -> None:
    path = BUNDLED / f"case-{seed}.dcm"
    assert looks_alike(decoded(pydicom.dcmread(path)), render(sample_case(seed), 1024).pixels)
    assert path.stat().st_size < 1_200_000


def test_another_rounding_looks_alike_and_another_drawing_does_not() -> None:
    drawn = render(sample_case(BUNDLED_SEEDS[0]), 128).pixels
    rounded = drawn.copy()
    rounded.flat[::10_000] += 6  # as much as processors were found to differ
    assert looks_alike(drawn, rounded)
    assert not looks_alike(drawn, render(sample_case(BUNDLED_SEEDS[1]), 128).pixels)
    in_one_corner, everywhere = drawn.copy(), drawn + 1
    in_one_corner[:2, :2] += 16
    assert not looks_alike(drawn, in_one_corner)
    assert not looks_alike(drawn, everywhere)
