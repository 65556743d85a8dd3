from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from desktop.studies import deflate
from desktop.studies.datasets import open_header
from desktop.studies.folders import find_studies
from desktop.studies.reading import StudyError, read_study
from tests.desktop.studies.factory import gradient, make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def deflated(path: Path, *, zeros: int = 0, behind: int = 0, **changes: Any) -> Path:
    """A deflated file with so many zeros in a private element before the patient, and behind."""
    plain = save(path, make_dataset(**changes), syntax=DeflatedExplicitVRLittleEndian).read_bytes()
    start = 132 + 12 + struct.unpack_from("<I", plain, 140)[0]
    raw = zlib.decompress(plain[start:], -zlib.MAX_WBITS)
    cut = raw.index(b"\x10\x00\x10\x00PN")
    private = b"\x09\x00\x10\x00LO\x04\x00TEST\x09\x00\x01\x10OB\0\0" + struct.pack("<I", zeros)
    pack = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    pieces = [plain[:start], pack.compress(raw[:cut])]
    pieces.append(pack.compress((private if zeros else b"") + bytes(zeros) + raw[cut:]))
    pieces.append(pack.compress(bytes(behind)))
    path.write_bytes(b"".join([*pieces, pack.flush()]))
    return path


@pytest.fixture(autouse=True)
def small_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflate, "HEADER_BYTES", 1 << 16)


def test_a_deflated_image_is_what_it_was(tmp_path: Path) -> None:
    for number, zeros in enumerate([0, 3000, 60_000]):
        study = read_study(deflated(tmp_path / f"{number}.dcm", zeros=zeros))
        np.testing.assert_array_equal(study.image.stored, gradient())
        assert study.patient_name == "Morgan, Alex"


def test_a_picture_larger_than_its_header_comes_whole(tmp_path: Path) -> None:
    pixels = gradient(500, 400)
    study = read_study(deflated(tmp_path / "a.dcm", pixels=pixels))
    np.testing.assert_array_equal(study.image.stored, pixels)


def test_inflating_ends_where_no_picture_needs_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deflated(tmp_path / "a.dcm", behind=10_000_000)
    assert path.stat().st_size < 50_000
    with pytest.raises(StudyError, match="unpacks to far more"):
        read_study(path)
    many = deflated(tmp_path / "b.dcm", behind=10_000_000, NumberOfFrames=2**31 - 1)
    monkeypatch.setattr(deflate, "MAX_BYTES", 1 << 20)
    with pytest.raises(StudyError, match="unpacks to far more"):
        read_study(many)


def test_a_search_inflates_the_header_alone(tmp_path: Path) -> None:
    good = deflated(tmp_path / "a.dcm", pixels=gradient(500, 400))
    deflated(tmp_path / "b.dcm", zeros=10_000_000)
    assert find_studies([tmp_path])[0] == [good]
    file = good.open("rb")
    head = deflate.inflated(file, header_only=True)
    assert head is not None
    assert len(head.read()) < 70_000
    assert open_header(good).Rows == 500
    file.close()


@pytest.mark.parametrize("cut", [1, 300, 2000])
def test_data_that_is_cut_short_is_told(tmp_path: Path, cut: int) -> None:
    path = deflated(tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(StudyError, match=r"a\.dcm"):
        read_study(path)
