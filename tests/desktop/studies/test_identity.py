"""Which files belong to one study of one patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import read_study
from tests.desktop.studies.factory import make_dataset, save

MORGAN = StudyIdentity("1.2.3", "PF-0042", "", "Morgan^Alex", "19610203")


def test_a_file_says_whose_study_it_is(tmp_path: Path) -> None:
    dataset = make_dataset(
        StudyInstanceUID="1.2.3", PatientBirthDate="19610203", IssuerOfPatientID="Ward 3"
    )
    study = read_study(save(tmp_path / "a.dcm", dataset))
    assert study.identity == StudyIdentity("1.2.3", "PF-0042", "Ward 3", "Morgan^Alex", "19610203")
    assert study.identity.who == "Morgan, Alex (PF-0042)"


@pytest.mark.parametrize("name", ["MORGAN^ALEX", "Morgan^Alex^^^", "Morgan  Alex", "Ｍorgan^Alex"])
def test_ways_to_write_one_name_are_one_patient(name: str) -> None:
    other = StudyIdentity("1.2.3", "PF-0042", "", name, "19610203")
    assert (other.key, other.digest) == (MORGAN.key, MORGAN.digest)


@pytest.mark.parametrize(
    ("other", "may_be"),
    [
        (StudyIdentity("1.2.3", "PF-0042", "", "Reyes^Kim", "19610203"), True),
        (StudyIdentity("1.2.3", "PF-0042", "Ward 3", "Morgan^Alex", "19610203"), True),
        (StudyIdentity("1.2.3", "PF-0042", "", "Morgan^Alex", ""), True),
        (StudyIdentity("1.2.3", "", "", "Morgan^Alex", "19610203"), True),
        (StudyIdentity("1.2.3"), True),
        (StudyIdentity("1.2.3", "", "", "Reyes^Kim"), False),
        (StudyIdentity("1.2.3", "", "", "Morgan^Alex", "19990101"), False),
        (StudyIdentity("1.2.3", "pf-0042", "", "Morgan^Alex", "19610203"), False),
        (StudyIdentity("1.2.3", "PF-0043", "", "Morgan^Alex", "19610203"), False),
    ],
)
def test_whatever_differs_is_another_identity(other: StudyIdentity, may_be: bool) -> None:
    assert other.key != MORGAN.key
    assert other.digest != MORGAN.digest
    assert (MORGAN.may_be(other), other.may_be(MORGAN)) == (may_be, may_be)


def test_a_file_without_uids_is_a_study_of_its_own() -> None:
    nothing = Dataset()
    odd = Path("/data/\udcff.dcm")
    assert StudyIdentity.of(nothing, Path("/a")) != StudyIdentity.of(nothing, Path("/b"))
    StudyIdentity.of(nothing, odd).study.encode()


def test_a_name_is_told_without_what_would_turn_the_line() -> None:
    assert "\u202e" not in StudyIdentity("1", "7", "", "Smith\u202e^nhoJ").who
