"""Answers on disk: one line each, nothing of the patient, nothing lost to a torn one."""

from __future__ import annotations

import csv
import stat
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.compare import blind
from desktop.compare.blind import COLUMNS, AnswersError, Line, append, draw_swapped, fresh_id, read

LINE = Line(
    answered="2026-03-01T09:30:00+00:00",
    comparison="c0ffee",
    left="autoregressive",
    left_checkpoint="demo-autoregressive",
    left_adapter="",
    left_seconds="1.250",
    right="diffusion",
    right_checkpoint="demo-diffusion",
    right_adapter="chest, 2024",
    right_seconds="0.310",
    sibling_mode="both",
    seed="7",
    candidates="1",
    accuracy="left",
    style="same",
    edits="right",
)


def test_answers_are_lines_of_a_csv_file_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "comparisons.csv"
    append(path, LINE)
    append(path, replace(LINE, accuracy="right"))
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS)
    assert rows[1] == list(astuple(LINE))
    assert read(path) == [LINE, replace(LINE, accuracy="right")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("torn", [10, 60, -1, -3])
def test_a_torn_line_takes_no_other_with_it(tmp_path: Path, torn: int) -> None:
    path = tmp_path / "comparisons.csv"
    append(path, LINE)
    whole = path.read_bytes()
    append(path, LINE)
    path.write_bytes(path.read_bytes()[: len(whole) + torn if torn > 0 else torn])
    append(path, replace(LINE, style="left"))
    kept = read(path)
    assert kept[0] == LINE
    assert kept[-1] == replace(LINE, style="left")
    assert all(line in (LINE, replace(LINE, style="left")) for line in kept)


def test_a_quotation_mark_in_a_torn_line_swallows_nothing(tmp_path: Path) -> None:
    path = tmp_path / "comparisons.csv"
    append(path, LINE)
    with path.open("a") as file:
        file.write('2026,"half')
    append(path, LINE)
    assert read(path) == [LINE, LINE]


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "comparisons.csv"
    folder.mkdir()
    with pytest.raises(AnswersError, match="save again"):
        append(folder, LINE)
    assert read(folder) == []
    assert read(tmp_path / "none.csv") == []


@given(st.text(max_size=20))
def test_any_name_of_a_checkpoint_stays_one_cell_of_one_line(name: str) -> None:
    plain = blind._plain(name)
    assert "\n" not in plain
    assert plain[:1] not in {"=", "+", "-", "@"}
    (row,) = csv.reader([",".join(["x", '"' + plain.replace('"', '""') + '"'])])
    assert row == ["x", plain]


def test_sides_are_drawn_and_numbers_are_all_different() -> None:
    assert draw_swapped(lambda _: 1)
    assert not draw_swapped(lambda _: 0)
    assert len({fresh_id() for _ in range(50)}) == 50


def test_no_column_is_about_the_patient() -> None:
    told = " ".join(COLUMNS)
    assert not any(word in told for word in ("patient", "study", "image", "path", "text", "uid"))
