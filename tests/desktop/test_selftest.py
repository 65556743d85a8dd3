from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom.uid import ExplicitVRBigEndian, JPEG2000Lossless

from desktop import selftest
from desktop.fuzz.trials import Ending
from desktop.report.coding import encode
from desktop.report.model import Report
from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import read_study
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
    np.testing.assert_array_equal(selftest._in_bits(words, dataset, 16), [[1, -1, 511]])


@pytest.mark.parametrize("below", [0, 4])
@pytest.mark.parametrize("signed", [0, 1])
def test_right_values_in_any_bits_are_no_difference(
    below: int, signed: int, tmp_path: Path
) -> None:
    """Words with rubbish in every bit that is none of the value's (PS3.5 section 8.1.1)."""
    values = gradient() & 0x0FFF
    words = (values << below | (0x000A if below else 0xA000)).astype(np.uint16)
    bits: dict[str, Any] = {
        "BitsStored": 12,
        "HighBit": 11 + below,
        "PixelRepresentation": signed,
    }
    path = save(tmp_path / "a.dcm", make_dataset(words, **bits))
    assert not selftest.difference(read_study(path))


@pytest.mark.parametrize("high_bit", [11, 15])
@pytest.mark.parametrize("header_signed", [0, 1])
@pytest.mark.parametrize("stream_signed", [0, 1])
@pytest.mark.parametrize("precision", [12, 16])
def test_right_values_of_any_codestream_are_no_difference(
    precision: int,
    stream_signed: int,
    header_signed: int,
    high_bit: int,
    tmp_path: Path,
) -> None:
    """The codestream has a sign and a depth of its own (ITU-T T.800 A.5.1, Ssiz)."""
    words = gradient() & 0x07FF
    if precision == 16 and high_bit == 15:
        words = words << 4
    jpeg_2000 = imagecodecs.jpeg2k_encode(
        words.astype(np.int16 if stream_signed else np.uint16),
        bitspersample=precision,
        codecformat="j2k",
        level=0,
        reversible=True,
    )
    bits: dict[str, Any] = {
        "BitsStored": 12,
        "HighBit": high_bit,
        "PixelRepresentation": header_signed,
    }
    frames: list[bytes | bytearray] = [bytes(jpeg_2000)]
    dataset = make_dataset(**bits)
    path = save(tmp_path / "a.dcm", dataset, syntax=JPEG2000Lossless, frames=frames)
    assert not selftest.difference(read_study(path))


def test_grey_of_three_samples_has_no_other_reading(tmp_path: Path) -> None:
    three = np.dstack([gradient().astype(np.uint8)] * 3)
    dataset = make_dataset(three, PhotometricInterpretation="MONOCHROME2")
    assert not selftest.difference(read_study(save(tmp_path / "a.dcm", dataset)))


def test_wrong_values_are_told_in_any_bits(tmp_path: Path) -> None:
    """The comparison has kept its teeth: a picture of other values differs."""
    for name, below in (("a", 0), ("b", 4)):
        words = (gradient() << below).astype(np.uint16)
        save(tmp_path / f"{name}.dcm", make_dataset(words, BitsStored=12, HighBit=11 + below))
    shown = read_study(tmp_path / "a.dcm")
    image = replace(shown.image, stored=shown.image.stored + 1)
    for name in ("a", "b"):
        other = replace(shown, path=tmp_path / f"{name}.dcm", image=image)
        assert selftest.difference(other) == "another decoder gives 1920 other values"


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
