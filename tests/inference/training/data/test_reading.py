"""The layout of a path is told by what lies there; what cannot be read says what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from inference.training.data.reading import read
from inference.training.data.rows import DataError
from tests.inference.training.data.factory import (
    json_lines,
    picture,
    sentence,
    slake_row,
    vqa_rad_row,
    written,
)


def refusal(path: Path, **wanted: str) -> str:
    with pytest.raises(DataError) as error:
        read(path, **wanted)  # type: ignore[arg-type]
    return sentence(error)


def test_a_path_that_holds_nothing_known(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "absent")
    assert "write a reports.jsonl" in refusal(tmp_path)
    assert "write a reports.jsonl" in refusal(written(tmp_path / "data.csv", "a,b\n"))


@pytest.mark.parametrize("name", ["reports.jsonl", "train.json"])
def test_empty_data(tmp_path: Path, name: str) -> None:
    written(tmp_path / name, "[]" if name.endswith(".json") else "\n\n")
    assert "is empty" in refusal(tmp_path)


def test_two_data_sets_in_a_folder_are_not_guessed_between(tmp_path: Path) -> None:
    json_lines(tmp_path / "reports.jsonl", {"report": "a"})
    written(tmp_path / "trainset.json", json.dumps([vqa_rad_row()]))
    assert "several data sets (plain and VQA-RAD)" in refusal(tmp_path)
    assert read(tmp_path / "reports.jsonl").layout == "plain"


def test_a_split_that_is_not_there(tmp_path: Path) -> None:
    file = written(tmp_path / "test.json", json.dumps([slake_row()]))
    picture(tmp_path / "imgs" / "xmlab1" / "source.jpg")
    assert "no split 'train' of SLAKE; it has test" in refusal(tmp_path)
    assert "no split 'train' of SLAKE; it has test" in refusal(file, split="train")
    assert read(file).split == "test", "a file is what its name says"


def test_a_language_that_is_not_there(tmp_path: Path) -> None:
    written(tmp_path / "trainset.json", json.dumps([vqa_rad_row()]))
    assert "ask for 'en'" in refusal(tmp_path, language="zh")


def test_an_id_is_given_once(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "synpic1.jpg")
    rows = [vqa_rad_row(1), vqa_rad_row(1, answer="No"), vqa_rad_row(2)]
    written(tmp_path / "trainset.json", json.dumps(rows, indent=0))
    reading = read(tmp_path)
    assert [(row.id, row.answer) for row in reading.rows] == [
        ("vqa-rad/1", "Yes"),
        ("vqa-rad/2", "Yes"),
    ]
    (fault,) = reading.malformed
    assert "the id 'vqa-rad/1' of" in fault.reason


def test_nothing_heavy_is_imported() -> None:
    """A command that only looks at data answers at once."""
    program = (
        "import sys, inference.training.data.reading, inference.training.data.images, "
        "inference.training.data.fingerprint, inference.training.data.holding_out; "
        "print({'torch', 'transformers', 'pydicom', 'PySide6', 'desktop'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
