"""VQA-RAD, SLAKE and VQA-Med 2019: what their files say, row by row."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from inference.training.data.reading import read
from inference.training.data.rows import DataError, Reading
from tests.inference.training.data.factory import (
    SHARED,
    needs_shared,
    picture,
    sentence,
    slake_row,
    vqa_rad_row,
    written,
)


def rad(folder: Path, *rows: Any, **wanted: Any) -> Reading:
    picture(folder / "images" / "synpic1.jpg")
    written(folder / "trainset.json", json.dumps(rows, indent=1))
    return read(folder, **wanted)


def test_a_vqa_rad_row(tmp_path: Path) -> None:
    (row,) = rad(tmp_path, vqa_rad_row(7)).rows
    assert (row.id, row.kind, row.context) == ("vqa-rad/7", "closed", "")
    assert (row.question, row.answer) == ("Is the heart enlarged?", "Yes")
    assert row.image == tmp_path / "images" / "synpic1.jpg"
    assert str(row.origin) == f"{tmp_path / 'trainset.json'}:2"


def test_numbers_spaces_and_tabs_in_vqa_rad(tmp_path: Path) -> None:
    odd = vqa_rad_row(answer=4, answer_type="CLOSED ", question=" Heart \tlungs ? ")
    (row,) = rad(tmp_path, odd).rows
    assert (row.answer, row.kind, row.question) == ("4", "closed", "Heart lungs ?")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer": None}, "'answer' is missing"),
        ({"answer": "  "}, "'answer' is empty"),
        ({"answer": ["a"]}, "neither a text nor a number"),
        ({"answer": True}, "neither a text nor a number"),
        ({"question": "\ud800"}, "lone surrogate"),
        ({"answer_type": "BOTH"}, "write OPEN or CLOSED"),
        ({"qid": None}, "'qid' is missing"),
        ({"image_name": "absent.jpg"}, "absent.jpg is missing"),
        ({"image_name": "../trainset.json"}, "must be named from the data's folder"),
        ({"image_name": "/etc/passwd"}, "must be named from the data's folder"),
        ({"image_name": "a\0.jpg"}, "cannot be the name of an image"),
        ({"image_name": "a" * 300}, "cannot be the name of an image"),
    ],
)
def test_a_bad_row_is_named_and_the_others_stand(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    reading = rad(tmp_path, vqa_rad_row(1), vqa_rad_row(2, **changes), vqa_rad_row(3))
    assert [row.id for row in reading.rows] == ["vqa-rad/1", "vqa-rad/3"]
    (fault,) = reading.malformed
    assert said in fault.reason
    assert fault.reason.endswith(".")
    text = (tmp_path / "trainset.json").read_text().splitlines()
    assert fault.origin.line == 2 + text.index(" },")
    assert text[fault.origin.line - 1] == " {"


def test_elements_that_are_no_rows_are_named(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "synpic1.jpg")
    good = json.dumps(vqa_rad_row())
    written(tmp_path / "testset.json", f'[{good},\n3,\n{{"qid": 1, "qid": 2}}]')
    reading = read(tmp_path / "testset.json")
    assert reading.split == "test"
    assert [fault.origin.line for fault in reading.malformed] == [2, 3]
    assert "not a JSON object" in reading.malformed[0].reason
    assert "'qid' stands twice" in reading.malformed[1].reason


def test_an_element_that_is_not_utf_8_is_one_malformed_row(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "synpic1.jpg")
    rows = [vqa_rad_row(number, answer="Gr\u00f6\u00dfe") for number in (1, 2)]
    good, bad = (json.dumps(row, ensure_ascii=False) for row in rows)
    content = b"[" + good.encode() + b",\n" + bad.encode("latin-1") + b"]"
    (tmp_path / "trainset.json").write_bytes(content)
    reading = read(tmp_path)
    assert [row.answer for row in reading.rows] == ["Gr\u00f6\u00dfe"]
    [fault] = reading.malformed
    assert (fault.origin.line, "not UTF-8" in fault.reason) == (2, True)


def test_a_folder_of_images_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "xmlab1" / "source.jpg")
    rows = [slake_row(1), slake_row(2)]
    for name in ("train", "validate", "test"):
        written(tmp_path / f"{name}.json", json.dumps(rows))
    (tmp_path / "imgs").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError) as error:
        read(tmp_path, "test")
    reasons = {row.reason for row in error.value.malformed}
    assert reasons == {f"The folder {tmp_path / 'imgs'} is missing; put the images there."}


def test_images_that_nobody_wants_may_be_missing(tmp_path: Path) -> None:
    reading = rad(tmp_path, vqa_rad_row(image_name="absent.jpg"), images="ignored")
    assert reading.rows[0].image is None
    assert reading.rows[0].group == "vqa-rad/absent.jpg"


def test_slake_is_read_in_one_language(tmp_path: Path) -> None:
    picture(tmp_path / "imgs" / "xmlab1" / "source.jpg")
    rows = [slake_row(1), slake_row(2, q_lang="zh", question="是", answer="是")]
    for name in ("train", "validate", "test"):
        written(tmp_path / f"{name}.json", json.dumps(rows))
    english, chinese = read(tmp_path, "validate"), read(tmp_path, "validate", language="zh")
    assert english.layout == "SLAKE"
    assert [row.id for row in english.rows] == ["slake/1"]
    assert [row.answer for row in chinese.rows] == ["是"]
    assert dict(english.left_out) == {"rows in zh": 1}
    assert english.rows[0].image == tmp_path / "imgs" / "xmlab1" / "source.jpg"
    with pytest.raises(DataError) as error:
        read(tmp_path, language="de")
    assert "1 row in en and 1 row in zh" in sentence(error)


def med(folder: Path) -> Path:
    """As the three archives unpack, side by side."""
    train, val, test = folder / "Training", folder / "Validation", folder / "Test"
    picture(train / "Train_images" / "synpic1.jpg")
    picture(val / "Val_images" / "synpic2.jpg")
    picture(test / "VQAMed2019_Test_Images" / "synpic3.jpg")
    picture(test / "synpic4.jpg")
    written(
        train / "All_QA_Pairs_train.txt",
        "synpic1|what modality is shown?|ct\r\nsynpic1|is this normal?|No\r\n\r\n",
    )
    written(val / "All_QA_Pairs_val.txt", "synpic2|what plane is this?|axial\n")
    written(
        test / "VQAMed2019_Test_Questions_w_Ref_Answers.txt",
        "synpic3|organ|what organ?|lung#spine\nsynpic4|organ|what organ?|heart\n"
        "synpic3|what organ?|lung\n",
    )
    return folder


def test_vqa_med_as_its_archives_unpack(tmp_path: Path) -> None:
    train, validate = read(med(tmp_path)), read(tmp_path, "validate")
    assert [(row.answer, row.kind) for row in train.rows] == [("ct", "open"), ("No", "closed")]
    assert train.rows[0].id != train.rows[1].id
    assert train.rows[0].group == train.rows[1].group
    (row,) = validate.rows
    assert row.image == tmp_path / "Validation" / "Val_images" / "synpic2.jpg"


def test_vqa_med_test_answers_may_be_several(tmp_path: Path) -> None:
    reading = read(med(tmp_path) / "Test", "test")
    first, second = reading.rows
    assert (first.answer, first.alternatives) == ("lung", ("spine",))
    assert second.image == tmp_path / "Test" / "synpic4.jpg"
    (fault,) = reading.malformed
    assert fault.origin.line == 3
    assert "has 3 fields; write 4, as in image|category|question|answer" in fault.reason


@needs_shared
def test_all_of_the_public_vqa_rad() -> None:
    train, test = read(SHARED / "vqa-rad"), read(SHARED / "vqa-rad", "test")
    assert (len(train.rows), len(test.rows)) == (3064, 451)
    assert sum(row.kind == "closed" for row in train.rows) == 1823
    assert sum(row.kind == "closed" for row in test.rows) == 272
    assert not train.malformed
    assert not test.malformed


@needs_shared
def test_all_of_the_public_slake() -> None:
    test = read(SHARED / "slake", "test", images="ignored")
    assert len(test.rows) == 1061
    train = read(SHARED / "slake", images="ignored")
    assert len(train.rows) == 4918
    assert ["'answer' is empty" in fault.reason for fault in train.malformed] == [True]


@needs_shared
def test_all_of_the_public_vqa_med_test() -> None:
    reading = read(SHARED / "vqa-med-2019", "test", images="ignored")
    assert len(reading.rows) == 500
    assert sum(row.kind == "closed" for row in reading.rows) == 64
    assert sum(bool(row.alternatives) for row in reading.rows) == 12
    assert not reading.malformed
