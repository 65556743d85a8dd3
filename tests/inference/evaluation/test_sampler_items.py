"""Where the benchmark's items come from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.evaluation.sampler_items import FictionalStudy, StudyReport, read_reports
from inference.protocol import Gap, join
from inference.training.data.rows import DataError
from inference.training.demo_corpus import HELD_OUT_FROM
from tests.inference.training.data.factory import json_lines, row

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


def test_an_item_of_a_report_without_an_image_has_none() -> None:
    source = StudyReport(7, row("7", answer=REPORT))
    item = source.item(gaps=1)
    assert item.image is None
    assert item.context == ""
    assert join(item.removed.pieces([Gap()]), item.removed.sentences) == REPORT
    assert source.item(gaps=1) == item


def test_reports_are_read_as_training_reads_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "reports.jsonl"
    path.write_text('\ufeff{"text": "A\u2028b. C.", "id": 3}\n\n{"report": "D."}\n[1]\n', "utf-8")
    assert [row.answer for row in read_reports(path, "test")] == ["A\u2028b. C.", "D."]
    assert capsys.readouterr().err.splitlines() == [
        f"pinfill: No row of {path} has a 'split', so that all are taken for 'test'.",
        f"pinfill: left out: {path}:4: The row is not a JSON object; write it as one, in braces.",
    ]


def test_questions_alone_are_no_reports(tmp_path: Path) -> None:
    json_lines(tmp_path / "reports.jsonl", {"question": "Is it?", "answer": "no"})
    with pytest.raises(DataError, match="bench vqa is for questions"):
        read_reports(tmp_path, "test")
