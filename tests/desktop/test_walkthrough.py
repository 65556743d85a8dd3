from __future__ import annotations

import pytest

from desktop.report.model import NothingToFill, Report
from desktop.report.store import StoreError
from desktop.studies.errors import StudyError
from desktop.walkthrough import _as_walkthrough_error, _phrase
from inference.client import RequestFailed, WorkerDied


def drafted(text: str) -> Report:
    report = Report()
    report.apply(report.pieces_for_draft(), [text])
    return report


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("FINDINGS:\nHeart 1.5 cm larger. No effusion. Clear.", "No effusion."),
        ("FINDINGS:\nThe heart is large.\n\nIMPRESSION:\nCardiomegaly.", "Cardiomegaly."),
        ("no full stop at all", "no full s"),
    ],
)
def test_the_phrase_is_the_second_sentence_or_half_of_the_only_one(text: str, phrase: str) -> None:
    report = drafted(text)
    start, end = _phrase(report)
    assert report.text[start:end] == phrase


@pytest.mark.parametrize(
    ("told", "code"),
    [
        (StudyError("no DICOM"), 2),
        (StoreError("no space"), 2),
        (NothingToFill("all pinned"), 2),
        (RequestFailed("checkpoint", "no checkpoint"), 2),
        (RequestFailed("bad_request", "too long"), 2),
        (RequestFailed("internal", "a fault"), 1),
        (WorkerDied("gone"), 1),
        (RuntimeError("a fault"), 1),
    ],
)
def test_bad_input_ends_with_two_and_a_fault_with_one(told: Exception, code: int) -> None:
    error = _as_walkthrough_error(told)
    assert (str(error), error.exit_code) == (str(told), code)
