from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from desktop.studies.lookup_tables import grey_table, palette
from desktop.studies.reading import StudyError, read_study
from desktop.viewer.pixels import LookupTable, voi_lookup
from tests.desktop.studies.factory import make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

ENTRIES = np.arange(256) ** 2
"""Grey of 16 bits, from black to nearly white; with its bytes swapped it is another."""
EIGHT_BITS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def words(values: np.ndarray, syntax: UID) -> bytes:
    return values.astype("<u2" if syntax.is_little_endian else ">u2").tobytes()


def palette_dataset(descriptor: list[int], data: bytes, prefix: str = "") -> Dataset:
    dataset = make_dataset(
        EIGHT_BITS, PhotometricInterpretation="PALETTE COLOR", WindowCenter=None, WindowWidth=None
    )
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", descriptor)
        setattr(dataset, f"{prefix}{colour}PaletteColorLookupTableData", data)
    return dataset


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_a_palette_in_either_byte_order(tmp_path: Path, syntax: UID) -> None:
    dataset = palette_dataset([256, 0, 16], words(ENTRIES, syntax))
    study = read_study(save(tmp_path / "a.dcm", dataset, syntax=syntax))
    np.testing.assert_array_equal(study.image.stored, ENTRIES.reshape(16, 16))
    assert "This is a colour image, shown in grey." in study.cautions


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_two_entries_of_eight_bits_lie_in_a_word(tmp_path: Path, syntax: UID) -> None:
    packed = words(np.arange(255, -1, -1, dtype=np.uint8).view("<u2"), syntax)
    dataset = palette_dataset([256, 0, 8], packed)
    study = read_study(save(tmp_path / "a.dcm", dataset, syntax=syntax))
    np.testing.assert_array_equal(study.image.stored, 255 - EIGHT_BITS.astype(int))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_a_palette_in_segments(tmp_path: Path, syntax: UID) -> None:
    """PS3.3 C.7.9.2: entries one by one, a slope, and the slope again by its place."""
    discrete, slope = [0, 2, 10, 20], [1, 126, 1280]
    again = [2, 1, 2 * len(discrete), 0]
    data = words(np.array(discrete + slope + again + [0, 2, 7, 8]), syntax)
    study = read_study(
        save(tmp_path / "a.dcm", palette_dataset([256, 0, 16], data, "Segmented"), syntax=syntax)
    )
    flat = study.image.stored.ravel().tolist()
    assert flat[:4] == [10, 20, 30, 40]
    assert flat[127] == 1280
    assert flat[128:254] == [1280] * 126
    assert flat[254:] == [7, 8]


@pytest.mark.parametrize("data", [b"", b"\1\2", b"\7\0\1\0"])
@pytest.mark.parametrize("prefix", ["", "Segmented"])
def test_a_damaged_palette_is_refused(tmp_path: Path, data: bytes, prefix: str) -> None:
    path = save(tmp_path / "a.dcm", palette_dataset([256, 0, 16], data, prefix))
    with pytest.raises(StudyError, match="damaged palette"):
        read_study(path)


@given(
    words=st.lists(st.one_of(st.integers(0, 4), st.integers(0, 65535)), max_size=40),
    count=st.integers(1, 65535),
    bits=st.sampled_from([8, 16]),
)
def test_any_segments_give_a_palette_or_an_error(words: list[int], count: int, bits: int) -> None:
    data = np.array(words, "<u2").tobytes()
    dataset = palette_dataset([count, 0, bits], data, "Segmented")
    with contextlib.suppress(ValueError, LookupError):
        assert palette(dataset).entries.size == count


def table_item(first: int, bits: int, data: bytes, count: int = 256) -> Dataset:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [count, first & 0xFFFF, bits])
    item.add_new("LUTData", "OW", data)
    return item


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ExplicitVRBigEndian])
def test_grey_tables_in_either_byte_order(tmp_path: Path, syntax: UID) -> None:
    backwards = table_item(0, 16, words(ENTRIES[::-1], syntax))
    dataset = make_dataset(
        EIGHT_BITS,
        ModalityLUTSequence=Sequence([backwards]),
        VOILUTSequence=Sequence([table_item(65536 - 256, 8, words(np.arange(256), syntax))]),
    )
    image = read_study(save(tmp_path / "a.dcm", dataset, syntax=syntax)).image
    assert image.modality_lut is not None
    assert image.modality_lut.entries.tolist() == ENTRIES[::-1].tolist()
    assert isinstance(image.default_voi, LookupTable)
    assert image.default_voi.entries.tolist() == list(range(256))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian])
def test_what_a_modality_table_gives_has_no_sign(tmp_path: Path, syntax: UID) -> None:
    """PS3.3 C.11.2.1.1, also where the pixels themselves have one."""
    pixels = (np.arange(256) - 128).astype(np.int16).reshape(16, 16)
    outputs = words(np.arange(256) + 40000, syntax)
    dataset = make_dataset(
        pixels,
        ModalityLUTSequence=Sequence([table_item(-128, 16, outputs)]),
        VOILUTSequence=Sequence([table_item(40000, 8, words(np.arange(256), syntax))]),
    )
    image = read_study(save(tmp_path / "a.dcm", dataset, syntax=syntax)).image
    shown = voi_lookup(image)[image.stored.view(np.uint16)]
    assert shown.ravel().tolist() == list(range(256))


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({}, 40000),
        ({"RescaleSlope": 1, "RescaleIntercept": -1024}, 40000 - 65536),
        ({"RescaleSlope": -1, "RescaleIntercept": 0}, 40000 - 65536),
        ({"PixelRepresentation": 1}, 40000 - 65536),
        ({"PixelRepresentation": 1, "RescaleSlope": 1, "RescaleIntercept": 2048}, 40000),
    ],
)
def test_the_first_input_of_a_voi_table_has_the_sign_of_modality_values(
    tmp_path: Path, changes: dict[str, Any], first: int
) -> None:
    item = table_item(40000, 8, bytes(range(256)))
    path = save(tmp_path / "a.dcm", make_dataset(VOILUTSequence=Sequence([item]), **changes))
    table = read_study(path).image.default_voi
    assert isinstance(table, LookupTable)
    assert table.first == first


def test_a_long_table_whose_length_was_read_as_signed() -> None:
    item = table_item(0, 16, bytes(80000), 40000)
    del item[0x0028, 0x3002]
    item.add_new("LUTDescriptor", "SS", [40000 - 65536, 0, 16])  # as real files come to say it
    assert grey_table(item, signed=True).entries.size == 40000
