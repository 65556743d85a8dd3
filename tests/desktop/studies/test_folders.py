from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRLittleEndian, MediaStorageDirectoryStorage, generate_uid

from desktop.studies import folders
from desktop.studies.datasets import open_header as open_real_header
from desktop.studies.errors import PassedOver
from desktop.studies.reading import StudyError, find_studies, read_study
from tests.desktop.studies.factory import make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def make_directory(path: Path, *file_ids: list[str]) -> Path:
    records = []
    for file_id in file_ids:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = file_id
        records.append(record)
    directory = Dataset()
    directory.FileSetID = "TEST"
    directory.DirectoryRecordSequence = Sequence(records)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    directory.file_meta = meta
    directory.save_as(path, enforce_file_format=True)
    return path


def test_a_folder_is_searched_to_the_bottom(tmp_path: Path) -> None:
    first = save(tmp_path / "a" / "1.dcm")
    second = save(tmp_path / "b" / "deep" / "no_extension")
    (tmp_path / "b" / "readme.txt").write_text("nothing")
    (tmp_path / "b" / "broken.dcm").write_bytes(bytes(128) + b"DICM" + b"\xff" * 50)
    report = make_dataset(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Rows=None, Columns=None, PixelData=None
    )
    save(tmp_path / "b" / "report.dcm", report)
    found, told = find_studies([tmp_path])
    assert found == [first, second]
    assert [type(note) for note in told] == [PassedOver]
    assert str(told[0]) == (
        "3 files were passed over: 1 damaged DICOM file, 1 file that is no DICOM, "
        "1 structured report."
    )


def test_what_is_passed_over_is_counted_by_kind(tmp_path: Path) -> None:
    image = save(tmp_path / "a" / "1.dcm")
    for folder, count in (("a", 2), ("b", 3)):
        for number in range(count):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / f"{number}.txt").write_text("nothing")
    for number, kind in enumerate(("88.11", "88.67", "88.59", "104.1", "66.4")):
        no_image = make_dataset(
            SOPClassUID=f"1.2.840.10008.5.1.4.1.1.{kind}", Rows=None, Columns=None, PixelData=None
        )
        save(tmp_path / "a" / f"no-image-{number}", no_image)
    (tmp_path / "a" / "cut.dcm").write_bytes(image.read_bytes()[:500])
    make_directory(tmp_path / "a" / "DICOMDIR", ["1.dcm"])
    found, told = find_studies([tmp_path / "a", tmp_path / "b", image])
    assert found == [image]
    assert "(3 files were passed over: 3 files that are no DICOM)" in str(told[0])
    assert str(told[1]) == (
        "9 files were passed over: 2 files that are no DICOM, 2 structured reports, "
        "1 damaged DICOM file, 1 index of a disc, 1 key object selection, "
        "1 encapsulated document, 1 raw or derived object."
    )


def test_files_that_cannot_be_read_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, locked = save(tmp_path / "1.dcm"), save(tmp_path / "locked.dcm")
    real = Path.open

    def opened(path: Path, *args: Any, **options: Any) -> Any:
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(Path, "open", opened)
    found, told = find_studies([tmp_path])
    assert found == [image]
    assert str(told[0]) == "1 file was passed over: 1 file that cannot be read."


def test_a_folder_without_preambles(tmp_path: Path) -> None:
    path = tmp_path / "old.img"
    make_dataset().save_as(path, implicit_vr=True, little_endian=True)
    assert find_studies([tmp_path]) == ([path], [])


def test_each_file_once_and_in_order(tmp_path: Path) -> None:
    second, first = save(tmp_path / "2.dcm"), save(tmp_path / "1.dcm")
    assert find_studies([second, tmp_path, first]) == ([second, first], [])


def test_what_is_wrong_with_named_files_is_said(tmp_path: Path) -> None:
    good = save(tmp_path / "good.dcm")
    text = tmp_path / "text.txt"
    text.write_text("hello")
    found, errors = find_studies([text, good, tmp_path / "gone"])
    assert found == [good]
    assert [
        "text.txt is not a DICOM file" in str(errors[0]),
        "gone does not exist" in str(errors[1]),
    ]
    assert len(errors) == 2


def test_nothing_found(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "text.txt").write_text("hello")
    found, errors = find_studies([empty, other])
    assert found == []
    assert "is empty" in str(errors[0])
    assert "No DICOM image was found" in str(errors[1])


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    image = save(tmp_path / "a" / "1.dcm")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert find_studies([tmp_path]) == ([image], [])


def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    image = save(tmp_path / "1.dcm")
    os.mkfifo(tmp_path / "pipe")
    found, told = find_studies([tmp_path])
    assert found == [image]
    assert "1 file that is no DICOM" in str(told[0])


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(path: str | os.PathLike[str]) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    image = save(tmp_path / "1.dcm")
    (tmp_path / "locked").mkdir()
    monkeypatch.setattr(os, "scandir", scandir)
    found, errors = find_studies([tmp_path])
    assert found == [image]
    assert "locked cannot be searched (Permission denied)" in str(errors[0])


def test_a_listing_that_breaks_off_keeps_what_it_has_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    @contextlib.contextmanager
    def scandir(path: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        def broken() -> Iterator[os.DirEntry[str]]:
            yield from entries
            raise OSError(112, "Host is down")

        with real(path) as entries:
            yield broken()

    image = save(tmp_path / "1.dcm")
    monkeypatch.setattr(os, "scandir", scandir)
    found, errors = find_studies([tmp_path])
    assert found == [image]
    assert f"{tmp_path.name} cannot be searched (Host is down)" in str(errors[0])


def test_a_long_listing_gives_signs_of_life_and_is_stopped(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / str(number)).touch()
    counts: list[int] = []
    find_studies([tmp_path], listed=lambda _, count: counts.append(count))
    assert counts[-2:] == [512, 0], "the folder itself, and whether anything is in it"
    stop = threading.Event()
    looked_at: list[Path] = []

    def listed(_: Path, count: int) -> None:
        if count:
            stop.set()

    def keep(path: Path) -> bool:
        looked_at.append(path)
        return True

    find_studies([tmp_path], stop, keep, listed)
    assert looked_at == []


def test_a_dicomdir_stands_for_its_files(tmp_path: Path) -> None:
    image = save(tmp_path / "IMAGES" / "IM1")
    directory = make_directory(tmp_path / "DICOMDIR", ["IMAGES", "IM1"])
    assert find_studies([directory]) == ([image.resolve()], [])


def test_a_dicomdir_that_misses_files_says_so(tmp_path: Path) -> None:
    image = save(tmp_path / "IM1")
    directory = make_directory(tmp_path / "DICOMDIR", ["IM1"], ["IM2"], ["IM3"])
    found, errors = find_studies([directory])
    assert found == [image.resolve()]
    assert "2 file(s)" in str(errors[0])


@pytest.mark.parametrize(
    "file_id",
    [
        ["..", "secret"],
        ["../secret"],
        ["/etc", "passwd"],
        ["IMAGES", "..", "..", "secret"],
        ["link"],
    ],
)
def test_a_dicomdir_cannot_reach_outside(tmp_path: Path, file_id: list[str]) -> None:
    disc = tmp_path / "disc"
    (disc / "IMAGES").mkdir(parents=True)
    (disc / "link").symlink_to(save(tmp_path / "secret"))
    found, errors = find_studies([make_directory(disc / "DICOMDIR", file_id)])
    assert found == []
    assert "outside its own folder" in str(errors[0])


def test_an_empty_dicomdir(tmp_path: Path) -> None:
    found, errors = find_studies([make_directory(tmp_path / "DICOMDIR")])
    assert found == []
    assert "lists no image" in str(errors[0])


@pytest.mark.parametrize("named", ["folder", "files", "DICOMDIR"])
def test_a_search_that_is_stopped_looks_at_no_more_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    disc = tmp_path / "disc"
    images = [save(disc / str(part) / f"{number}.dcm") for part in "AB" for number in range(3)]
    directory = make_directory(tmp_path / "DICOMDIR", *([*p.parts[-3:]] for p in images))
    paths = {"folder": [disc], "files": images, "DICOMDIR": [directory]}[named]
    stop = threading.Event()
    looked_at: list[str] = []

    def open_header(path: Path) -> Dataset:
        if path.suffix == ".dcm":
            looked_at.append(path.name)
        if len(looked_at) == 2:
            stop.set()
        return open_real_header(path)

    monkeypatch.setattr(folders, "open_header", open_header)
    assert find_studies(paths, stop)[1] == []
    assert looked_at == ["0.dcm", "1.dcm"]


def test_a_search_that_was_stopped_before_says_nothing_of_the_folder(tmp_path: Path) -> None:
    save(tmp_path / "1.dcm")
    stop = threading.Event()
    stop.set()
    assert find_studies([tmp_path], stop) == ([], [])


@pytest.mark.parametrize("keyword", ["SOPClassUID", "Rows", "BitsAllocated", "PatientName"])
def test_an_unknown_value_representation_keeps_no_other_file_from_being_found(
    tmp_path: Path, keyword: str
) -> None:
    good, odd = save(tmp_path / "disc" / "good.dcm"), save(tmp_path / "disc" / "odd.dcm")
    tag = Tag(keyword)
    element = struct.pack("<HH", tag.group, tag.element)
    data = odd.read_bytes()
    at = data.index(element, 340) + 4
    odd.write_bytes(data[:at] + b"ZZ" + data[at + 2 :])
    for paths in ([tmp_path / "disc"], [odd, good], [good, odd]):
        assert good in find_studies(paths)[0]
    with contextlib.suppress(StudyError):
        read_study(odd)


@pytest.mark.parametrize("fault", [NotImplementedError("VR"), RecursionError(), MemoryError()])
def test_whatever_a_file_brings_about_the_others_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    good, odd = save(tmp_path / "disc" / "good.dcm"), save(tmp_path / "disc" / "odd.dcm")

    def faulty(path: Path) -> Dataset:
        if path == odd:
            raise fault
        return open_real_header(path)

    monkeypatch.setattr(folders, "open_header", faulty)
    for paths in ([tmp_path / "disc"], [odd, good], [good, odd]):
        found, errors = find_studies(paths)
        assert found == [good]
        assert len(errors) == 1
