"""Impression from Findings and Findings around the Impression: what is held, what is opened."""

from __future__ import annotations

import pytest

from desktop.report.model import NothingToFill, Origin, Report
from inference.protocol import Fixed, Gap
from radiology.language.sections import SectionName

FINDINGS, IMPRESSION = SectionName.FINDINGS, SectionName.IMPRESSION
TEXT = "Findings:\nSmall effusion. Heart normal.\n\nImpression:\nEffusion. Normal heart."


def generated(text: str = TEXT) -> Report:
    report = Report()
    report.apply(report.pieces_for_draft(), [text])
    return report


def typed(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def fill(report: Report, name: SectionName, *fills: str) -> str:
    report.apply(report.pieces_for_section(name), list(fills))
    return report.text


def test_all_of_the_findings_is_held_and_the_impression_is_one_gap() -> None:
    report = generated()
    plan = report.pieces_for_section(IMPRESSION)
    assert plan.pieces == (
        Fixed("Findings:\nSmall effusion. Heart normal.\n\nImpression:\n"),
        Gap(hint="Effusion. Normal heart."),
    )
    report.apply(plan, ["Small effusion."])
    assert report.text == TEXT.replace("Effusion. Normal heart.", "Small effusion.")
    report.undo()
    assert report.content == generated().content


def test_the_reverse_opens_the_findings() -> None:
    plan = generated().pieces_for_section(FINDINGS)
    assert plan.pieces == (
        Fixed("Findings:\n"),
        Gap(hint="Small effusion. Heart normal."),
        Fixed("\n\nImpression:\nEffusion. Normal heart."),
    )


def test_what_the_reader_typed_there_stays_and_generated_words_go() -> None:
    report = generated()
    report.insert(len(report.text), " Follow up.", Origin.TYPED)
    assert fill(report, IMPRESSION, "Small.").endswith("Impression:\nSmall. Follow up.")
    report = typed(TEXT)
    assert fill(report, IMPRESSION, " More.") == f"{TEXT} More."


def test_a_gap_in_what_is_held_stays_open() -> None:
    report = generated()
    report.insert_gap(len("Findings:\n"))
    assert len(report.pieces_for_section(IMPRESSION).holes) == 1
    fill(report, IMPRESSION, "Clear.")
    assert [gap.position for gap in report.gaps] == [len("Findings:\n")]


@pytest.mark.parametrize(
    ("text", "name", "after"),
    [
        ("Findings:\nA.", IMPRESSION, "Findings:\nA.\n\nImpression:\n*"),
        ("Findings: A.", IMPRESSION, "Findings: A.\n\nImpression: *"),
        ("FINDINGS:\nA.\n\n", IMPRESSION, "FINDINGS:\nA.\n\nIMPRESSION:\n*"),
        ("IMPRESSION:\nB.", FINDINGS, "FINDINGS:\n*\n\nIMPRESSION:\nB."),
        (
            "Indication:\nCough.\n\nConclusion:\nB.",
            FINDINGS,
            "Indication:\nCough.\n\nFindings:\n*\n\nConclusion:\nB.",
        ),
        (
            "FINDINGS:\nA.\n\nRECOMMENDATION:\nNone.",
            IMPRESSION,
            "FINDINGS:\nA.\n\nIMPRESSION:\n*\n\nRECOMMENDATION:\nNone.",
        ),
        ("A.", IMPRESSION, "FINDINGS:\nA.\n\nIMPRESSION:\n*"),
        ("B.", FINDINGS, "FINDINGS:\n*\n\nIMPRESSION:\nB."),
        ("Findings:\nA.\n\nImpression:", IMPRESSION, "Findings:\nA.\n\nImpression:\n*"),
    ],
)
def test_a_heading_that_is_missing_is_put_in_as_the_others_are(
    text: str, name: SectionName, after: str
) -> None:
    assert fill(typed(text), name, "*") == after


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("", IMPRESSION, "no text under Findings"),
        ("Findings:\n\nImpression:\nB.", IMPRESSION, "no text under Findings"),
        ("Findings:\nA.", FINDINGS, "no text under Impression"),
        ("Findings and Impression:\nA.", IMPRESSION, "share one heading"),
    ],
)
def test_without_words_to_go_by_it_says_what_to_do(text: str, name: SectionName, why: str) -> None:
    with pytest.raises(NothingToFill, match=why):
        typed(text).pieces_for_section(name)
