from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.studies.context import prompt_context
from desktop.studies.names import person_name, shown
from desktop.studies.reading import StudyError, find_studies, read_study
from tests.desktop.studies.factory import make_dataset, save

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

BIDI = "".join(map(chr, (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Morgan^Alex", "Morgan, Alex"),
        ("Morgan", "Morgan"),
        ("^Alex", "Alex"),
        ("^^^^", ""),
        ("^^^Dr", "Dr"),
        ("", ""),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada, Tarou (山田, 太郎; やまだ, たろう)"),
        ("=山田^太郎", "山田, 太郎"),
        ("==やまだ^たろう", "やまだ, たろう"),
        ("=山田^太郎=やまだ^たろう", "山田, 太郎 (やまだ, たろう)"),
        ("Hong^Gildong=洪^吉洞=홍^길동", "Hong, Gildong (洪, 吉洞; 홍, 길동)"),
        ("Wang^XiaoDong=王^小东", "Wang, XiaoDong (王, 小东)"),
        ("Same^Name=Same^Name", "Same, Name"),
        ("Smith\u202e^nhoJ", "Smith[U+202E], nhoJ"),
        ("محمد^علي", "\u2068محمد\u2069, \u2068علي\u2069"),
    ],
)
def test_a_name_is_shown_in_every_script(value: str, told: str) -> None:
    assert person_name(value) == told
    assert person_name(None) == ""


@pytest.mark.parametrize(
    ("charset", "name", "told"),
    [
        (["", "ISO 2022 IR 87"], "=山田^太郎", "山田, 太郎"),
        ("GB18030", "Wang^XiaoDong=王^小东", "Wang, XiaoDong (王, 小东)"),
        ("ISO_IR 192", "Smith\u202e^nhoJ", "Smith[U+202E], nhoJ"),
    ],
)
def test_names_of_a_file(tmp_path: Path, charset: str | list[str], name: str, told: str) -> None:
    dataset = make_dataset(SpecificCharacterSet=charset, PatientName=name)
    assert read_study(save(tmp_path / "a.dcm", dataset)).patient_name == told


def test_plain_text_is_shown_as_it_is() -> None:
    for text in ("", "Chest PA", "Ødegård, Zoë", "山田", "क्‍ष", "می‌خواهم"):
        assert shown(text).strip("\u2068\u2069") == text


@given(st.text())
def test_nothing_hidden_is_left_in_what_is_shown(text: str) -> None:
    told = shown(text)
    inside = told[1:-1] if told.startswith("\u2068") else told
    for char in inside:
        assert char in "\u200c\u200d" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl")
    assert not set(BIDI) & set(inside)
    told.encode()  # a file name that is no text has lone surrogates
    assert "\n" not in told


def test_a_joiner_between_latin_letters_is_written_out() -> None:
    assert shown("Smi\u200dth") == "Smi[U+200D]th"


@pytest.mark.parametrize("control", BIDI)
def test_no_text_of_a_header_turns_what_stands_beside_it(tmp_path: Path, control: str) -> None:
    several = ("PatientName", "PatientID", "StudyDescription", "WindowCenterWidthExplanation")
    changes = dict.fromkeys((*several, "RescaleType"), f"a{control}b")
    codes = ("Modality", "ViewPosition", "VOILUTFunction", "BodyPartExamined", "PatientSex")
    changes |= dict.fromkeys(codes, "a\x9bb")  # they have no other letters than Latin ones
    dataset = make_dataset(SpecificCharacterSet="ISO_IR 192")
    for keyword, text in changes.items():
        setattr(dataset, keyword, text)
    study = read_study(save(tmp_path / "a.dcm", dataset))
    told = [value for value in vars(study).values() if isinstance(value, str)]
    told += [*study.cautions, study.image.unit, study.identity.who]
    told += [preset.name for preset in study.image.presets]
    assert not any({control, "\x9b"} & set(text) for text in told)
    assert study.patient_id == f"a[U+{ord(control):04X}]b"


def test_file_names_in_sentences(tmp_path: Path) -> None:
    path = tmp_path / "evil\u202e\u2066mcd.txt\n"
    path.write_text("no DICOM file at all, and long enough to be one" * 9)
    with pytest.raises(StudyError) as caught:
        read_study(path)
    assert str(caught.value).startswith("evil[U+202E][U+2066]mcd.txt[U+000A] is not a DICOM file")
    assert "[U+202E]" in str(find_studies([tmp_path / "gone\u202e"])[1][0])


def test_isolates_do_not_reach_the_prompt(tmp_path: Path) -> None:
    dataset = make_dataset(SpecificCharacterSet="ISO_IR 192", StudyDescription="חזה", Modality="OT")
    study = read_study(save(tmp_path / "a.dcm", dataset))
    assert study.description == "\u2068חזה\u2069"
    assert prompt_context(study).startswith("חזה, PA view.")
