from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless

from desktop import selftest
from desktop.fuzz.trials import Ending
from desktop.report.coding import encode
from desktop.report.model import Report
from desktop.studies.identity import StudyIdentity
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one of each that holds no weights."""
    save(tmp_path / "a.dcm")
    (tmp_path / "b.dcm").write_text("no DICOM file")
    save(tmp_path / "deep" / "c.dcm", make_dataset(gradient().astype(np.int16) - 2000))
    jpeg_2000 = bytes(imagecodecs.jpeg2k_encode(gradient(), codecformat="j2k"))
    save(tmp_path / "deep" / "d.dcm", syntax=JPEG2000Lossless, frames=[jpeg_2000])
    (tmp_path / "good.json").write_bytes(encode(Report(), StudyIdentity("1.2", "P-1")))
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "notes.txt").write_text("nothing")
    return tmp_path


def test_each_file_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest.run(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    told = {line.split(":")[0]: line for line in lines if ":" in line}
    assert list(told) == [
        "image a.dcm",
        "image b.dcm",
        "report bad.json",
        "report good.json",
        "image deep/c.dcm",
        "image deep/d.dcm",
    ]
    refused = {name for name, line in told.items() if "refused with a sentence" in line}
    assert refused == {"image b.dcm", "report bad.json"}
    assert "is not a DICOM file" in told["image b.dcm"]
    assert lines[-2:] == ["4 opened", "2 refused with a sentence"]


def test_a_crash_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def decode(data: bytes) -> None:
        raise RecursionError("deep")

    monkeypatch.setattr(selftest, "decode_any", decode)
    assert selftest.run(folder) == 1
    assert "report good.json: FAULT" in capsys.readouterr().out


def test_other_values_fail(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(selftest, "_reference", lambda path: gradient() + 1)
    assert selftest.run(folder) == 1
    assert "another decoder gives 1920 other values" in capsys.readouterr().out


def test_bits_are_read_as_the_standard_has_them() -> None:
    dataset = make_dataset(BitsStored=10, HighBit=11, PixelRepresentation=1)
    words = np.array([[0xF004, 0x0FFC, 0x07FC]], np.uint16)
    np.testing.assert_array_equal(selftest._in_bits(words, dataset), [[1, -1, 511]])


def test_weights_are_found_by_their_configuration(tmp_path: Path) -> None:
    for name, file in (("a", "config.json"), ("b", "adapter_config.json")):
        (tmp_path / name / "inside").mkdir(parents=True)
        (tmp_path / name / file).write_text("{}")
        save(tmp_path / name / "inside" / "hidden.dcm")
    found = list(selftest.openable(tmp_path))
    assert found == [("checkpoint", tmp_path / "a"), ("adapter", tmp_path / "b")]


def test_an_empty_folder_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert selftest.run(tmp_path) == 0
    assert "There is nothing below" in capsys.readouterr().out
    assert Ending.OPENED not in selftest.BAD


def test_big_endian_images_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = make_dataset()
    dataset.PixelData = gradient().astype(">u2").tobytes()
    save(tmp_path / "a.dcm", dataset, syntax=ExplicitVRBigEndian)
    assert selftest.run(tmp_path) == 0
