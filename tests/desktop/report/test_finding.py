"""Whose report is found under a study number that several patients share."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.report.coding import encode
from desktop.report.finding import find_report
from desktop.report.model import Report
from desktop.report.store import ReportStore
from desktop.studies.identity import StudyIdentity

MORGAN = StudyIdentity("1.2.3", "PF-0042", "", "Morgan^Alex", "19610203")
REYES = StudyIdentity("1.2.3", "PF-0043", "", "Reyes^Kim", "19500101")


@pytest.fixture
def store(tmp_path: Path) -> ReportStore:
    return ReportStore(tmp_path / "reports")


def report_of(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def keep_version_1(store: ReportStore, text: str) -> Path:
    """A report as it was saved before patients were told apart."""
    saved = json.loads(encode(report_of(text), MORGAN)) | {"version": 1}
    del saved["patient"]
    store.prepare()
    path = store.path_of_version_1(MORGAN)
    path.write_text(json.dumps(saved))
    return path


def found(store: ReportStore, identity: StudyIdentity) -> tuple[str, str, Path | None]:
    """Text, notice and offer, as a window finds them that was opened just now."""
    report, doubt = find_report(ReportStore(store.folder), identity)
    text = "" if report is None else report.text
    return (text, doubt.text, doubt.offer) if doubt else (text, "", None)


def test_a_patient_s_own_report_is_found_without_a_word(store: ReportStore) -> None:
    store.save(MORGAN, report_of("of Morgan"))
    assert found(store, MORGAN) == ("of Morgan", "", None)
    assert found(store, replace(MORGAN, name="MORGAN^ALEX^^")) == ("of Morgan", "", None)


def test_two_patients_of_one_study_number_never_share_a_report(store: ReportStore) -> None:
    store.save(MORGAN, report_of("of Morgan"))
    text, told, offer = found(store, REYES)
    assert (text, offer) == ("", None)
    assert "Another patient, Morgan, Alex (PF-0042)" in told
    store.save(REYES, report_of("of Reyes"))
    assert found(store, MORGAN) == ("of Morgan", "", None)
    assert found(store, REYES) == ("of Reyes", "", None)


@pytest.mark.parametrize(
    "other",
    [
        replace(MORGAN, name="Ames^Alex"),
        replace(MORGAN, birth_date="19610302"),
        replace(MORGAN, issuer="Ward 3"),
        replace(MORGAN, patient_id=""),
        StudyIdentity("1.2.3"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_who_may_be_the_same_patient_is_offered_and_not_merged(
    store: ReportStore, other: StudyIdentity, turned: bool
) -> None:
    first, second = (other, MORGAN) if turned else (MORGAN, other)
    path = store.save(first, report_of("of the first"))
    text, told, offer = found(store, second)
    assert (text, offer) == ("", path)
    assert "take it only if both are one patient" in told
    assert store.read_other(path, "1.2.3").text == "of the first"


def test_a_patient_without_a_number_is_told_of_at_every_opening(store: ReportStore) -> None:
    nameless = StudyIdentity("1.2.3", "", "", "Morgan^Alex")
    assert found(store, nameless) == ("", "", None)
    store.save(nameless, report_of("abc"))
    for _ in range(2):
        text, told, _offer = found(store, nameless)
        assert text == "abc"
        assert "no patient ID" in told


def test_a_report_of_before_goes_to_one_patient_once_and_stays(store: ReportStore) -> None:
    old = keep_version_1(store, "of somebody")
    before = old.read_bytes()
    text, told, offer = found(store, MORGAN)
    assert (text, offer) == ("of somebody", None)
    assert "earlier Pinfill" in told
    assert "Morgan, Alex (PF-0042)" in told
    assert str(old) in told
    assert found(store, MORGAN) == ("of somebody", "", None)
    text, told, offer = found(store, REYES)
    assert (text, offer) == ("", old)
    assert "taken to be of Morgan, Alex (PF-0042)" in told
    assert old.read_bytes() == before


def test_a_report_of_before_is_not_taken_again_where_the_new_one_was_damaged(
    store: ReportStore,
) -> None:
    old = keep_version_1(store, "of somebody")
    found(store, MORGAN)
    path = store.path(MORGAN)
    path.rename(f"{path}.damaged-20260301T093000Z")
    for identity in (MORGAN, REYES):
        text, told, offer = found(store, identity)
        assert (text, offer) == ("", old)
        assert "take it only if" in told


@pytest.mark.parametrize("data", [b"", b"[" * 5_000, b'{"format": "pinfill-report", "version": 9}'])
def test_a_report_of_before_that_cannot_be_read_is_told_and_left(
    store: ReportStore, data: bytes
) -> None:
    old = keep_version_1(store, "of somebody")
    old.write_bytes(data)
    text, told, _offer = found(store, MORGAN)
    assert text == ""
    assert "left as it is" in told
    assert old.read_bytes() == data
