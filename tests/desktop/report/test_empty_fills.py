"""Gaps that stay because nothing was put into them inside a sentence."""

from __future__ import annotations

import pytest

from desktop.report.model import GAP_CHAR, Report
from inference.protocol import Candidate


def with_gap(text: str, tokens: int | None = None) -> Report:
    """``_`` is the gap."""
    report = Report()
    at = text.index("_")
    report.insert(0, text.replace("_", ""))
    report.insert_gap(at, tokens)
    return report


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("There is a _ nodule.", True),
        ("There is _.", True),
        ("_ is normal.", True),
        ("Findings: _ is normal.", True),
        ("No effusion. _ is normal.", True),
        ("Left upper lobe _", True),
        ("Lungs: _\nHeart: normal.", True),
        ("No effusion. _ No pneumothorax.", False),
        ("No effusion. _", False),
        ("No effusion. _\n\nImpression:\nNormal.", False),
        ("Findings:\n_\n\nImpression:\nNormal.", False),
        ("Impression: _", False),
        ("Impression:\n1. Normal.\n2. _", False),
        ("_ 2. No effusion.", False),
    ],
)
def test_a_gap_stays_inside_a_sentence_alone(text: str, stays: bool) -> None:
    report = with_gap(text, tokens=7)
    before = report.text
    report.apply_candidates(report.pieces_for_infill(), [Candidate(("",))])
    assert (report.text == before) is stays
    assert [gap.tokens for gap in report.gaps] == ([7] if stays else [])
    report.content.check()


def test_words_that_the_model_takes_out_leave_a_gap_too() -> None:
    report = Report()
    report.apply(report.pieces_for_draft(), ["There is a small nodule."])
    report.pin(0, 10)
    report.pin(17, 24)
    report.apply_candidates(report.pieces_for_infill(), [Candidate(("",)), Candidate((" large ",))])
    assert report.text == f"There is a{GAP_CHAR}nodule."[:10] + f"{GAP_CHAR} nodule."
    (found,) = report.candidate_sets
    assert report.choose(found, 1, 0)
    assert report.text.split() == ["There", "is", "a", "large", "nodule."]
    assert report.choose(report.candidate_sets[0], 0, 0)
    assert GAP_CHAR in report.text
    report.undo()
    report.undo()
    assert report.text == "There is a small nodule."


def test_a_gap_that_stayed_can_be_filled_again() -> None:
    report = with_gap("There is a _ nodule.")
    report.apply_candidates(report.pieces_for_infill(), [Candidate(("",))])
    report.apply_candidates(report.pieces_for_infill(), [Candidate(("small",))])
    assert report.text == "There is a small nodule."
