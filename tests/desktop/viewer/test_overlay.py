from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import Study
from desktop.viewer.overlay import EdgeLetters, ScaleBar, corners
from desktop.viewer.pixels import StoredImage, Window


def study_of(image: StoredImage, **texts: str) -> Study:
    names = (
        "patient_name",
        "patient_id",
        "sex",
        "age",
        "study_date",
        "description",
        "modality",
        "body_part",
        "view",
        "study_uid",
        "series_uid",
        "instance_uid",
    )
    filled: dict[str, Any] = {name: texts.get(name, "") for name in names}
    return Study(path=Path("a"), identity=StudyIdentity("1.2.3"), image=image, **filled)


def blank(**extra: object) -> StoredImage:
    return StoredImage(np.zeros((4, 4), np.uint16), **extra)  # type: ignore[arg-type]


def test_corner_texts() -> None:
    study = study_of(
        blank(pixel_spacing=(0.143, 0.143), unit="HU"),
        patient_name="Morgan, Alex",
        sex="F",
        age="001Y",
        modality="CT",
        study_date="2024-05-17",
    )
    texts = corners(study, Window(-600, 1500.4), 0.355, inverted=True)
    assert texts.top_left == ("Morgan, Alex", "female · 1 year")
    assert texts.top_right == ("2024-05-17", "CT")
    assert texts.bottom_left == (
        "Inverted",
        "W 1500   L -600 HU",
        "Zoom 36 %",
        "0.143 mm per pixel",
    )


def test_a_silent_header_leaves_no_empty_lines() -> None:
    texts = corners(study_of(blank()), "NORMAL", 1.0, inverted=False)
    assert texts.top_left == texts.top_right == ()
    assert texts.bottom_left == ("NORMAL", "Zoom 100 %")


def test_edge_letters_name_both_ends() -> None:
    letters = EdgeLetters.of(blank(orientation=("LA", "F")))
    assert letters == EdgeLetters(left="RP", right="LA", top="H", bottom="F")
    assert EdgeLetters.of(blank()) is None


@pytest.mark.parametrize(
    ("mm_per_pixel", "available", "label", "length"),
    [
        (0.5, 200, "10 cm", 200),
        (0.5, 199, "5 cm", 100),
        (0.05, 30, "0.1 cm", 20),
        (1.0, 5000, "50 cm", 500),
    ],
)
def test_scale_bar_has_a_round_length(
    mm_per_pixel: float, available: float, label: str, length: float
) -> None:
    bar = ScaleBar.within(mm_per_pixel, available)
    assert bar is not None
    assert (bar.label, bar.length) == (label, pytest.approx(length))


def test_no_scale_bar_where_none_fits() -> None:
    assert ScaleBar.within(1.0, 0.5) is None
