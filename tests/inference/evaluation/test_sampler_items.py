"""Where the benchmark's items come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.evaluation.sampler_items import FictionalStudy, Report, read_reports
from inference.protocol import Gap, join
from inference.training.data.rows import DataError
from inference.training.demo_corpus import HELD_OUT_FROM

REPORT = "Heart is large. Lungs are clear. No effusion. Bones are intact."


def test_a_fictional_item_is_made_of_its_seed_alone() -> None:
    first, again = (FictionalStudy(HELD_OUT_FROM + 3).item(gaps=2) for _ in range(2))
    other = FictionalStudy(HELD_OUT_FROM + 4).item(gaps=2)
    assert first.removed == again.removed != other.removed
    assert first.context == again.context
    assert first.image is not None
    assert again.image is not None
    assert np.array_equal(first.image, again.image)
    assert len(first.removed.sentences) == 2


def test_an_item_of_a_report_has_no_image() -> None:
    item = Report(7, REPORT).item(gaps=1)
    assert item.image is None
    assert item.context == ""
    assert join(item.removed.pieces([Gap()]), item.removed.sentences) == REPORT
    assert Report(7, REPORT).item(gaps=1) == item


def test_reports_are_read_by_line(tmp_path: Path) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_text('\ufeff{"text": "A\u2028b. C.", "id": 3}\n\n{"text": "D."}\n', "utf-8")
    assert read_reports(path) == [Report(1, "A\u2028b. C."), Report(3, "D.")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{"text": "A."}\n{"text": ', "Line 2 .* is not JSON"),
        ('{"text": "A."}\n\n{"report": "B."}', "Line 3 .* holds no text"),
        ('{"text": 5}', "Line 1 .* holds no text"),
        ('["A."]', "Line 1 .* holds no text"),
        ('{"text": "  "}', "Line 1 .* holds no text"),
        ("\n", "holds no report"),
        ("\udcff", "cannot be read as UTF-8"),
    ],
)
def test_what_is_no_report_is_named_by_its_line(
    tmp_path: Path, content: str, sentence: str
) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError, match=sentence):
        read_reports(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.jsonl cannot be read"):
        read_reports(tmp_path / "absent.jsonl")
