"""MIMIC-CXR: one study a row, its best view, its official split."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from inference.training.data.reading import read
from inference.training.data.rows import DataError
from tests.desktop.studies.factory import save
from tests.inference.training.data.factory import picture, sentence, written

SPLIT = "mimic-cxr-2.0.0-split.csv"
METADATA = "mimic-cxr-2.0.0-metadata.csv"
REPORT = " FINAL REPORT\n INDICATION: Cough.\n\n FINDINGS: Clear.\n\n IMPRESSION: Normal.\n"


class Archive:
    """A folder as the archives unpack; the tables are written when it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.splits = ["dicom_id,study_id,subject_id,split"]
        self.views = ["dicom_id,subject_id,study_id,ViewPosition"]

    def study(self, number: int, split: str = "train", text: str = REPORT, **views: str) -> Path:
        """A study of patient 10000032; ``views`` are images and their views, not yet on disk."""
        folder = self.folder / "files" / "p10" / "p10000032" / f"s{number}"
        written(folder.with_suffix(".txt"), text)
        for image, view in (views or {"a": "PA"}).items():
            self.splits.append(f"{image},{number},10000032,{split}")
            self.views.append(f"{image},10000032,{number},{view}")
        return folder

    def write(self) -> Path:
        written(self.folder / SPLIT, "\n".join(self.splits) + "\n")
        written(self.folder / METADATA, "\n".join(self.views) + "\n")
        return self.folder


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_a_study_becomes_a_row(archive: Archive) -> None:
    image = picture(archive.study(5) / "a.jpg")
    (row,) = read(archive.write()).rows
    assert (row.id, row.kind, row.question) == ("mimic-cxr/s5", "report", None)
    assert row.answer == "FINDINGS:\nClear.\n\nIMPRESSION:\nNormal."
    assert row.context == "Cough."
    assert row.image == image
    assert row.group == "mimic-cxr/p10000032", "a patient is held out whole"
    assert str(row.origin).endswith("s5.txt:4")


def test_packed_tables_are_read(archive: Archive) -> None:
    picture(archive.study(5) / "a.jpg")
    folder = archive.write()
    for name in (SPLIT, METADATA):
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()
    assert len(read(folder).rows) == 1


@pytest.mark.parametrize(
    ("views", "on_disk", "chosen"),
    [
        ({"a": "LATERAL", "b": "AP", "c": "PA"}, "abc", "c"),
        ({"a": "LATERAL", "b": "AP", "c": "PA"}, "ab", "b"),
        ({"b": "LATERAL", "a": "LL"}, "ab", "a"),
        ({"a": "", "b": "AP"}, "ab", "b"),
    ],
)
def test_frontal_views_come_first(
    archive: Archive, views: dict[str, str], on_disk: str, chosen: str
) -> None:
    folder = archive.study(5, **views)
    for image in on_disk:
        picture(folder / f"{image}.jpg")
    (row,) = read(archive.write()).rows
    assert row.image == folder / f"{chosen}.jpg"


def test_a_lateral_view_never_stands_in_for_a_frontal_one(archive: Archive) -> None:
    picture(archive.study(5, a="PA", b="LATERAL") / "b.jpg")
    picture(archive.study(6) / "a.jpg")
    (fault,) = read(archive.write()).malformed
    assert fault.origin.file.name == "s5.txt"
    assert "a.jpg is missing" in fault.reason


def test_dicom_is_taken_where_both_are_there(archive: Archive) -> None:
    folder = archive.study(5)
    picture(folder / "a.jpg")
    save(folder / "a.dcm")
    (row,) = read(archive.write()).rows
    assert row.image == folder / "a.dcm"


def test_splits_are_the_official_ones(archive: Archive) -> None:
    for number, split in enumerate(("train", "validate", "test", "train"), start=1):
        picture(archive.study(number, split) / "a.jpg")
    archive.splits.append("z,9,10000032,train")
    folder = archive.write()
    train = read(folder)
    assert [row.id for row in train.rows] == ["mimic-cxr/s1", "mimic-cxr/s4"]
    assert dict(train.left_out) == {
        "studies of other splits": 2,
        "studies of the split whose report is not here": 1,
    }
    assert [row.id for row in read(folder, "validate").rows] == ["mimic-cxr/s2"]


def test_faults_are_named_where_they_stand(archive: Archive) -> None:
    picture(archive.study(1) / "a.jpg")
    picture(archive.study(2, text=" FINAL REPORT\n No acute disease.\n") / "a.jpg")
    archive.study(3).with_suffix(".txt").write_bytes(b"FINDINGS: \xff")
    unlisted = archive.folder / "files" / "p10" / "p10000032" / "s4.txt"
    written(unlisted, REPORT)
    archive.splits += ["a,1,10000032,test", "a,6,10000032,some", "short"]
    archive.views.append("a")
    reading = read(archive.write())
    told = {
        (fault.origin.file.name, fault.origin.line): fault.reason for fault in reading.malformed
    }
    assert set(told) == {
        (SPLIT, 5), (SPLIT, 6), (SPLIT, 7), (METADATA, 5),
        ("s2.txt", 1), ("s3.txt", 1), ("s4.txt", 1),
    }  # fmt: skip
    assert "neither FINDINGS nor IMPRESSION" in told["s2.txt", 1]
    assert "not UTF-8" in told["s3.txt", 1]
    assert "in no line of" in told["s4.txt", 1]
    assert "second split" in told[SPLIT, 5]
    assert [row.id for row in reading.rows] == ["mimic-cxr/s1"]


@pytest.mark.parametrize("name", [SPLIT, METADATA])
def test_a_missing_table_stops_the_reading(archive: Archive, name: str) -> None:
    picture(archive.study(1) / "a.jpg")
    folder = archive.write()
    (folder / name).unlink()
    with pytest.raises(DataError) as error:
        read(folder)
    assert f"holds no {name}" in sentence(error)


def test_text_alone_needs_no_metadata(archive: Archive) -> None:
    archive.study(1)
    folder = archive.write()
    (folder / METADATA).unlink()
    (row,) = read(folder, images="ignored").rows
    assert row.image is None


def test_a_table_of_another_kind_is_refused(archive: Archive) -> None:
    archive.study(1)
    written(archive.write() / SPLIT, "study,part\n1,train\n")
    with pytest.raises(DataError) as error:
        read(archive.folder)
    assert "has no column study_id" in sentence(error)
