"""Equal fingerprints mean equal data, wherever it lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.training.data.fingerprint import fingerprint
from inference.training.data.rows import DataError, Origin
from tests.inference.training.data.factory import picture, row, sentence


def test_order_and_place_do_not_count(tmp_path: Path) -> None:
    here, there = picture(tmp_path / "a" / "x.png"), picture(tmp_path / "b" / "y.png")
    rows = [row("1", image=here), row("2")]
    moved = [row("2", origin=Origin(tmp_path, 9)), row("1", image=there)]
    assert fingerprint(rows) == fingerprint(moved)


@pytest.mark.parametrize(
    "change",
    [
        {"id": "3"},
        {"question": "Which?"},
        {"context": "Cough."},
        {"answer": "other"},
        {"kind": "open"},
        {"alternatives": ("more",)},
    ],
)
def test_all_that_is_learnt_from_counts(change: dict[str, Any]) -> None:
    assert fingerprint([row("1")]) != fingerprint([replace(row("1"), **change)])


def test_text_does_not_run_from_one_field_into_the_next() -> None:
    assert fingerprint([row("1", context="a", answer="b c")]) != fingerprint(
        [row("1", context="a b", answer="c")]
    )


def test_pixels_count_at_the_same_name_and_size(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    before = fingerprint([row("1", image=path)])
    path.write_bytes(b"two")
    assert fingerprint([row("1", image=path)]) != before
    assert fingerprint([row("1")]) != before


def test_a_row_more_counts() -> None:
    assert len({fingerprint([row(name) for name in names]) for names in ("", "a", "ab")}) == 3


def test_an_image_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        fingerprint([row("1", image=tmp_path / "a.png")])
    assert "a.png" in sentence(error)
