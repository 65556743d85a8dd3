"""The plain layout: one JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.training.data.reading import read
from inference.training.data.rows import DataError, Split
from tests.inference.training.data.factory import json_lines, picture, sentence, written

GOOD = {"report": "FINDINGS:\nClear."}


def test_reports_and_questions_side_by_side(tmp_path: Path) -> None:
    image = picture(tmp_path / "png" / "a.png")
    json_lines(
        tmp_path / "reports.jsonl",
        {"image": "png/a.png", "report": " FINDINGS:\nClear.\n", "context": "Cough.", "id": "x"},
        {"image": "./png/a.png", "question": "Is it clear?", "answer": "Yes."},
        {"image": None, "question": "Which side?", "answer": "left"},
    )
    report, closed, open_ = read(tmp_path).rows
    assert (report.id, report.kind, report.question) == ("x", "report", None)
    assert (report.answer, report.context) == ("FINDINGS:\nClear.", "Cough.")
    assert report.image == image
    assert (closed.kind, closed.question, closed.answer) == ("closed", "Is it clear?", "Yes.")
    assert closed.group == report.group, "the same image"
    assert (open_.kind, open_.image, open_.origin.line) == ("open", None, 3)


def test_folder_and_file_are_the_same(tmp_path: Path) -> None:
    file = json_lines(tmp_path / "reports.jsonl", GOOD, GOOD | {"split": "test", "id": "t"})
    assert read(file) == read(tmp_path)
    assert [row.id for row in read(tmp_path, "test").rows] == ["t"]
    assert dict(read(tmp_path).left_out) == {"rows of the split 'test'": 1}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "not valid JSON"),
        ('{"report": "a"} x', "not valid JSON"),
        ("[1]", "not a JSON object"),
        ('{"report": "a", "report": "b"}', "'report' stands twice"),
        ("{}", "'report' is missing"),
        ('{"report": ""}', "'report' is empty"),
        ('{"report": {"a": 1}}', "'report' is an object"),
        ('{"report": 12}', "'report' is a number"),
        ('{"report": "a", "context": [1]}', "'context' is a list"),
        ('{"report": "a", "image": true}', "'image' is true or false"),
        ('{"report": "a", "id": false}', "neither a text nor a number"),
        ('{"question": 3, "answer": "b"}', "'question' is a number"),
        ('{"report": "a", "text": "b"}', "mean the same"),
        ('{"report": "a", "question": "b", "answer": "c"}', "make two rows"),
        ('{"question": "b"}', "'answer' is missing"),
        ('{"answer": "b"}', "'question' is missing"),
        ('{"report": "a", "split": "dev"}', "write train, validate or test"),
        ('{"report": "a", "image": "no.png"}', "no.png is missing"),
        ('{"report": "a", "image": "../no.png"}', "named from the data's folder"),
        ('{"report": "a", "image": "broken.png"}', "damaged"),
        ('{"report": "\\ud83d"}', "lone surrogate"),
    ],
)
def test_a_bad_line_is_named_and_the_others_stand(tmp_path: Path, line: str, said: str) -> None:
    written(tmp_path / "broken.png", "no picture")
    written(tmp_path / "reports.jsonl", f"{json.dumps(GOOD)}\n\n{line}\n")
    reading = read(tmp_path)
    assert len(reading.rows) == 1
    (fault,) = reading.malformed
    assert said in fault.reason
    assert fault.reason.endswith(".")
    assert fault.origin.line == 3


def test_a_row_that_stands_twice_is_named_with_its_twin(tmp_path: Path) -> None:
    file = json_lines(tmp_path / "reports.jsonl", GOOD, GOOD, GOOD | {"id": "other"})
    reading = read(tmp_path)
    assert [row.origin.line for row in reading.rows] == [1, 3]
    (fault,) = reading.malformed
    assert fault.origin.line == 2
    assert f"of {file}:1; give it another" in fault.reason


def test_keys_without_a_meaning_are_told(tmp_path: Path) -> None:
    file = json_lines(tmp_path / "reports.jsonl", GOOD | {"contxt": "a"}, {"report": "b"})
    [note] = read(tmp_path).notes
    assert note == f"The key 'contxt' in 1 row of {file} means nothing here."


def test_a_line_that_is_not_utf_8_is_one_malformed_row(tmp_path: Path) -> None:
    lines = [json.dumps({"report": str(number)}).encode() for number in range(53)]
    lines[17] = '{"report": "Größe unverändert."}'.encode("latin-1")
    (tmp_path / "reports.jsonl").write_bytes(b"\n".join(lines))
    reading = read(tmp_path)
    assert len(reading.rows) == 52
    [fault] = reading.malformed
    assert (fault.origin.line, "not UTF-8" in fault.reason) == (18, True)


@pytest.mark.parametrize("split", ["train", "validate", "test"])
def test_a_file_without_splits_is_read_whole_for_any(tmp_path: Path, split: Split) -> None:
    file = json_lines(tmp_path / "reports.jsonl", GOOD, {"report": "b", "split": None})
    reading = read(tmp_path, split)
    assert (len(reading.rows), dict(reading.left_out)) == (2, {})
    told = [f"No row of {file} has a 'split', so that all are taken for {split!r}."]
    assert list(reading.notes) == ([] if split == "train" else told)


def test_text_is_another_word_for_report_and_ids_may_be_numbers(tmp_path: Path) -> None:
    json_lines(tmp_path / "reports.jsonl", {"text": "Clear.", "id": 3, "patient": 7})
    [row] = read(tmp_path).rows
    assert (row.answer, row.kind, row.id, row.group) == ("Clear.", "report", "3", "7")


def test_patients_are_groups(tmp_path: Path) -> None:
    rows = [{"report": f"{number}", "patient": "p"} for number in range(2)]
    json_lines(tmp_path / "reports.jsonl", *rows)
    assert {row.group for row in read(tmp_path).rows} == {"p"}


def test_ids_stay_where_the_data_moves_and_rows_are_reordered(tmp_path: Path) -> None:
    rows: list[Any] = [{"report": "a"}, {"report": "b", "context": "c"}]
    json_lines(tmp_path / "one" / "reports.jsonl", *rows)
    json_lines(tmp_path / "two" / "other.jsonl", *reversed(rows))
    first, second = read(tmp_path / "one"), read(tmp_path / "two" / "other.jsonl")
    assert {row.id for row in first.rows} == {row.id for row in second.rows}


words = st.text(min_size=1).filter(str.strip)


@given(st.lists(words, min_size=1, unique_by=str.strip))
def test_any_report_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, reports: list[str]
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.jsonl"
    text = "".join(json.dumps({"report": text}, ensure_ascii=False) + "\n" for text in reports)
    file.write_text(text, encoding="utf-8")
    assert [row.answer for row in read(file).rows] == [text.strip() for text in reports]


def test_with_no_good_row_the_first_fault_is_told(tmp_path: Path) -> None:
    file = json_lines(tmp_path / "reports.jsonl", {"reprot": "a"}, 3)
    with pytest.raises(DataError) as error:
        read(tmp_path)
    assert f"2 are malformed; begin with {file}:1: 'report' is missing" in sentence(error)
    assert [fault.origin.line for fault in error.value.malformed] == [1, 2]
