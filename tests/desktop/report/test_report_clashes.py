"""Clashes as a report knows them: places, dismissals, what the model alone answers for."""

from __future__ import annotations

import json

import pytest

from desktop.report.clashes import being_written, text_clashes
from desktop.report.coding import decode, encode
from desktop.report.model import GAP_CHAR, Report
from desktop.studies.identity import StudyIdentity
from inference.protocol import Candidate, Fault
from radiology.language.study import StudyFacts

SIDES = "Findings:\nSmall left pleural effusion.\n\nImpression:\nSmall right pleural effusion."
ME = StudyIdentity("1.2.3", "PF-1")


def typed(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def drafted(text: str, *faults: Fault) -> Report:
    report = Report()
    report.apply_candidates(report.pieces_for_draft(), [Candidate((text,), faults)])
    return report


def test_a_clash_has_both_its_places_and_the_words_of_their_sentences() -> None:
    (clash,) = typed(SIDES).clashes()
    assert [place.of(SIDES) for place in clash.places] == [
        "Small left pleural effusion",
        "Small right pleural effusion",
    ]
    assert clash.words == ("Small left pleural effusion.", "Small right pleural effusion.")
    assert clash.kind == "side"


def test_a_dismissed_clash_comes_back_with_other_words_and_with_undo() -> None:
    report = typed(SIDES)
    report.dismiss_clash(report.clashes()[0], "Both are so.")
    assert report.clashes() == ()
    report.insert(len(report.text), " No pneumothorax.")
    assert report.clashes() == ()
    at = report.text.index("right")
    report.replace(at, at, "moderate ")
    assert {clash.kind for clash in report.clashes()} >= {"side"}
    for _ in range(2):
        report.undo()
    assert report.clashes() == ()
    report.undo()
    assert [clash.kind for clash in report.clashes()] == ["side"]
    report.redo()
    assert report.clashes() == ()


def test_a_dismissal_is_a_change_that_is_saved() -> None:
    report = typed(SIDES)
    before = report.revision
    report.dismiss_clash(report.clashes()[0], "Two\nlesions.")
    assert report.revision > before
    again = decode(encode(report, ME), ME)
    assert again.clashes() == ()
    assert [each.reason for each in again.dismissed] == ["Two lesions."]


def test_a_dismissal_whose_words_are_gone_is_not_written() -> None:
    report = typed(SIDES)
    report.dismiss_clash(report.clashes()[0], "Both are so.")
    report.delete(report.text.index("Small right"), len(report.text))
    assert json.loads(encode(report, ME))["dismissed"] == []


def test_a_report_of_before_dismissals_is_read() -> None:
    saved = json.loads(encode(typed(SIDES), ME))
    del saved["dismissed"]
    assert len(decode(json.dumps(saved).encode(), ME).clashes()) == 1


@pytest.mark.parametrize("words", [[GAP_CHAR, 7], "no list", [7]])
def test_a_damaged_dismissal_is_refused(words: object) -> None:
    saved = json.loads(encode(typed(SIDES), ME))
    saved["dismissed"] = [{"kind": "side", "words": words, "reason": ""}]
    with pytest.raises(ValueError, match=r".+"):
        decode(json.dumps(saved).encode(), ME)


def test_the_header_of_the_study_clashes_too() -> None:
    report = typed("The prostate is large.")
    (clash,) = report.clashes(StudyFacts(sex="F"))
    assert [place.of(report.text) for place in clash.places] == ["prostate"]
    assert report.clashes(StudyFacts(sex="M")) == ()


def test_an_earlier_study_that_the_model_has_not_seen_clashes_in_its_words_alone() -> None:
    words = "Small left effusion, unchanged from the prior study."
    assert [clash.kind for clash in drafted(words).clashes()] == ["comparison"]
    assert typed(words).clashes() == ()
    assert drafted(words).clashes(StudyFacts(has_prior=True)) == ()


def test_a_sentence_with_an_open_gap_has_no_fault_of_form() -> None:
    report = typed("There is a .")
    assert any(clash.of_form for clash in report.clashes())
    report.insert_gap(len("There is a "))
    assert report.clashes() == ()


def test_a_fault_of_form_waits_while_its_sentence_is_typed() -> None:
    report = typed("No effusion. There is a")
    (clash,) = [each for each in report.clashes() if each.kind == "cut off"]
    assert being_written(report.content, clash, len(report.text))
    assert not being_written(report.content, clash, 3)
    (clash,) = typed(SIDES).clashes()
    assert not being_written(typed(SIDES).content, clash, len(SIDES))


def test_a_broken_sentence_of_the_model_is_marked_wherever_the_caret_is() -> None:
    report = drafted("No effusion. There is a")
    clashes = [each for each in report.clashes() if each.kind == "cut off"]
    assert len(clashes) == 1
    assert not being_written(report.content, clashes[0], len(report.text))


def test_faults_of_the_model_are_clashes_at_their_places() -> None:
    text = "No effusion. The heart is large. No effusion."
    (clash,) = drafted(text, "copy").clashes()
    assert [place.of(text) for place in clash.places] == ["No effusion.", "No effusion."]
    assert clash.why == "What the model wrote copies a pinned sentence."
    report = drafted("No effusion. The heart is", "unclosed")
    assert [each.kind for each in report.clashes()].count("unclosed") == 0  # "cut off" says it


def test_a_text_of_gaps_alone_is_clean() -> None:
    assert text_clashes(f"FINDINGS:\n{GAP_CHAR}\n\nIMPRESSION:\n{GAP_CHAR}") == ()
