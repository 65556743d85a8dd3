from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from desktop.studies.reading import Study, read_study
from tests.desktop.studies.factory import gradient, make_dataset, save

PIXELS = gradient(48, 40, 255).astype(np.uint8)


def region(**changes: Any) -> Dataset:
    """One that covers the image, 0.5 mm between rows and 0.4 between columns."""
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionLocationMinX0": 0,
        "RegionLocationMinY0": 0,
        "RegionLocationMaxX1": 39,
        "RegionLocationMaxY1": 47,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.04,
        "PhysicalDeltaY": 0.05,
    }
    for keyword, value in {**values, **changes}.items():
        if value is not None:
            setattr(item, keyword, value)
    return item


def read(folder: Path, *regions: Dataset, **changes: Any) -> Study:
    dataset = make_dataset(
        PIXELS,
        SequenceOfUltrasoundRegions=Sequence(regions),
        Modality="US",
        **{"PixelSpacing": None, **changes},
    )
    return read_study(save(folder / "a.dcm", dataset))


def measured(study: Study) -> str:
    told = [text for text in study.cautions if "measured" in text]
    return told[0] if told else ""


@pytest.mark.parametrize(
    "regions",
    [
        [region()],
        [region(PhysicalDeltaY=-0.05)],
        [region(), region(RegionLocationMinX0=5, RegionDataType=2)],
        [Dataset(), region()],
        [region(RegionLocationMaxX1=40, RegionLocationMaxY1=48)],
    ],
    ids=["one", "upside down", "flow in tissue", "an empty item", "ends behind the image"],
)
def test_a_calibration_that_holds_for_the_whole_image_is_used(
    tmp_path: Path, regions: list[Dataset]
) -> None:
    study = read(tmp_path, *regions)
    assert study.image.pixel_spacing == pytest.approx((0.5, 0.4))
    assert study.image.pixel_aspect == pytest.approx(1.25)
    assert measured(study) == ""


@pytest.mark.parametrize(
    ("regions", "words"),
    [
        ([region(RegionLocationMaxX1=30)], "of a part of the image alone"),
        ([region(), region(PhysicalDeltaX=0.02)], "differs between the regions"),
        ([region(), region(RegionSpatialFormat=3)], "differs between the regions"),
        ([region(PhysicalUnitsXDirection=4)], "no spacing in space"),
        ([region(RegionSpatialFormat=2)], "no spacing in space"),
        ([region(PhysicalDeltaX=0.0)], "no spacing in space"),
        ([region(PhysicalDeltaX=None)], "no spacing in space"),
        ([region(RegionLocationMaxX1=None)], "do not say where they lie"),
        ([Dataset()], "gives no pixel spacing"),
        ([], "gives no pixel spacing"),
    ],
)
def test_why_nothing_is_measured(tmp_path: Path, regions: list[Dataset], words: str) -> None:
    study = read(tmp_path, *regions)
    assert study.image.pixel_spacing is None
    assert words in measured(study)


def test_pixel_spacing_comes_before_regions(tmp_path: Path) -> None:
    study = read(tmp_path, region(), PixelSpacing=[0.3, 0.3])
    assert study.image.pixel_spacing == (0.3, 0.3)
