from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.studies.ordering import Slice, in_order, natural_key
from desktop.studies.reading import find_studies
from tests.desktop.studies.factory import make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

AXIAL = [1, 0, 0, 0, 1, 0]
CORONAL = [1, 0, 0, 0, 0, -1]
OBLIQUE = [0.8, 0.6, 0, 0, 0, -1]


def save_series(folder: Path, slices: list[dict[str, Any]]) -> list[str]:
    """One file for each slice, named as they come; the names in the order that was found."""
    pixels = np.zeros((2, 2), np.uint8)
    for number, changes in enumerate(slices, start=1):
        dataset = make_dataset(pixels, Modality="CT", StudyInstanceUID="1.2", SeriesInstanceUID="1")
        for keyword, value in changes.items():
            setattr(dataset, keyword, value)
        save(folder / f"IM{number}", dataset)
    found, errors = find_studies([folder])
    assert errors == []
    return [path.name for path in found]


def at(distance: float, cosines: Sequence[float] = AXIAL, **more: Any) -> dict[str, Any]:
    """A slice ``distance`` mm along the normal, moved a little in its plane."""
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    position = np.cross(row, column) * distance + 3 * row - column
    return {
        "ImagePositionPatient": [f"{mm:.3f}" for mm in position],
        "ImageOrientationPatient": cosines,
        **more,
    }


@pytest.mark.parametrize("cosines", [AXIAL, CORONAL, OBLIQUE])
def test_slices_go_along_their_normal(tmp_path: Path, cosines: list[float]) -> None:
    distances = random.Random(4).sample(range(-50, 50), 12)
    slices = [at(mm, cosines, InstanceNumber=n) for n, mm in enumerate(distances)]
    expected = [f"IM{distances.index(mm) + 1}" for mm in sorted(distances)]
    assert save_series(tmp_path, slices) == expected


@pytest.mark.parametrize(
    "odd_one",
    [
        {},  # no geometry
        {"ImageOrientationPatient": AXIAL},
        at(30, CORONAL),
        at(10),  # where another one lies
        at(30, [2, 0, 0, 0, 1, 0]),
        {"ImagePositionPatient": [1, 2], "ImageOrientationPatient": AXIAL},
        at(30, FrameOfReferenceUID="1.2.3"),
    ],
)
def test_incomplete_geometry_leaves_the_instance_number(
    tmp_path: Path, odd_one: dict[str, Any]
) -> None:
    slices = [
        at(0, InstanceNumber=3),
        at(10, InstanceNumber=11),
        at(20, InstanceNumber=2),
        {**odd_one, "InstanceNumber": 1},
    ]
    assert save_series(tmp_path, slices) == ["IM4", "IM3", "IM1", "IM2"]


def test_without_numbers_files_go_as_people_count(tmp_path: Path) -> None:
    slices: list[dict[str, Any]] = [{"InstanceNumber": 5}, *({} for _ in range(10))]
    assert save_series(tmp_path, slices) == [f"IM{number}" for number in range(1, 12)]


def test_series_stay_together_in_the_order_of_their_first_files(tmp_path: Path) -> None:
    slices = [
        at(5 - n, InstanceNumber=n, SeriesInstanceUID=f"1.{n % 2}", PatientID=f"{n % 2}")
        for n in range(5)
    ]
    assert save_series(tmp_path, slices) == ["IM5", "IM3", "IM1", "IM4", "IM2"]


def test_patients_who_share_a_series_are_kept_apart(tmp_path: Path) -> None:
    slices = [at(n, PatientID="AB"[n % 2]) for n in (3, 2, 1, 0)]
    assert save_series(tmp_path, slices) == ["IM3", "IM1", "IM4", "IM2"]


def test_images_of_no_series_stay_where_they_came(tmp_path: Path) -> None:
    slices = [{"SeriesInstanceUID": "", "InstanceNumber": 9 - n} for n in range(3)]
    assert save_series(tmp_path, slices) == ["IM1", "IM2", "IM3"]


def test_numbers_that_are_none_do_not_end_the_search(tmp_path: Path) -> None:
    dataset = make_dataset(np.zeros((2, 2), np.uint8))
    dataset.add_new("InstanceNumber", "LO", "one")
    dataset.add_new("ImagePositionPatient", "LO", "a\\b\\c")
    path = save(tmp_path / "a.dcm", dataset)
    assert find_studies([tmp_path]) == ([path], [])


def test_named_files_of_one_series_are_put_in_order(tmp_path: Path) -> None:
    save_series(tmp_path, [at(2), at(1), at(0)])
    paths = [tmp_path / f"IM{number}" for number in (1, 3, 2)]
    assert find_studies(paths)[0] == [tmp_path / f"IM{number}" for number in (3, 2, 1)]


@given(st.lists(st.sampled_from("a0١9²é_"), max_size=6).map("".join))
def test_any_name_has_its_place(name: str) -> None:
    assert sorted(["IM10", "IM2", name], key=natural_key).index("IM2") < 3
    assert natural_key("IM2") < natural_key("IM10") < natural_key("IM10a")


@given(st.lists(st.floats(-1e308, 1e308), min_size=2, max_size=6, unique=True))
def test_absurd_positions_lose_no_slice(places: list[float]) -> None:
    slices = [
        Slice(Path(str(n)), ("a",), n, "", (mm, mm, mm), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
        for n, mm in enumerate(places)
    ]
    assert len(in_order(slices)) == len(slices)
