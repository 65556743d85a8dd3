"""Headings of any case and with text on their line, as the report knows them."""

from __future__ import annotations

import pytest

from desktop.report.model import Origin, Report
from desktop.report.picture import Style, picture
from desktop.report.sections import find_sections, heading_like, is_heading
from inference.protocol import Fixed, Gap
from radiology.language.sections import SectionName

FINDINGS, IMPRESSION = SectionName.FINDINGS, SectionName.IMPRESSION


def typed(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("FINDINGS:\nClear.\n\nIMPRESSION:\nNormal.", ["Clear.\n\n", "Normal."]),
        ("Findings:\nClear.\n\nImpression:\nNormal.", ["Clear.\n\n", "Normal."]),
        ("Findings: Clear.\n\nImpression: Normal.", ["Clear.\n\n", "Normal."]),
        ("findings: clear. Impression: normal.", ["clear. ", "normal."]),
        ("Findings:\n\n\nImpression:", ["\n\n", ""]),
        ("Findings:  \nClear.\nCONCLUSION - Normal.", ["Clear.\n", "Normal."]),
    ],
)
def test_headings_of_any_case_part_the_text(text: str, bodies: list[str]) -> None:
    sections = find_sections(text)
    known = [section for section in sections if section.name in (FINDINGS, IMPRESSION)]
    assert [text[section.body : section.end] for section in known] == bodies[: len(known)]


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("FINDINGS:", True),
        ("Impression: ", True),
        ("Impression", True),
        ("Findings: clear.", False),
        ("No effusion. Impression:", False),
        ("The impression is", False),
        ("", False),
    ],
)
def test_only_a_line_that_is_nothing_else_is_a_heading(line: str, is_one: bool) -> None:
    assert is_heading(line) is is_one


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("", "IMPRESSION:\n"),
        ("FINDINGS:\nClear.", "IMPRESSION:\n"),
        ("Findings:\nClear.", "Impression:\n"),
        ("Findings: Clear.", "Impression: "),
        ("findings: clear.", "impression: "),
        ("Findings\nClear.", "Impression\n"),
        ("FINDINGS - Clear.", "IMPRESSION - "),
    ],
)
def test_a_new_heading_is_written_as_the_others_are(text: str, heading: str) -> None:
    assert heading_like(find_sections(text), text, IMPRESSION) == heading


@pytest.mark.parametrize("case", [str.upper, str.capitalize, str.lower])
@pytest.mark.parametrize("between", ["\n", " "])
def test_a_draft_adds_no_second_set_of_headings(case: object, between: str) -> None:
    assert callable(case)
    findings, impression = case("findings:"), case("impression:")
    report = typed(f"{findings}{between}No effusion.\n\n{impression}{between}Normal.")
    before = report.text
    plan = report.pieces_for_draft()
    report.apply(plan, ["" for _ in plan.holes])
    assert report.text == before


def test_an_empty_report_of_typed_headings_is_drafted_below_them() -> None:
    report = typed("Findings:\n\nImpression:\n")
    plan = report.pieces_for_draft()
    assert plan.pieces == (Fixed("Findings:\n"), Gap(), Fixed("\n\nImpression:\n"), Gap())


def test_a_heading_that_is_missing_comes_in_the_style_of_the_report() -> None:
    report = typed("Findings: No effusion.")
    plan = report.pieces_for_draft()
    report.apply(plan, ["Normal." for _ in plan.holes])
    assert report.text == "Findings: No effusion.\n\nImpression: Normal."


def test_findings_and_impression_under_one_heading_are_both_there() -> None:
    report = typed("Findings and Impression:\nClear.")
    plan = report.pieces_for_draft()
    report.apply(plan, ["" for _ in plan.holes])
    assert report.text == "Findings and Impression:\nClear."


def test_a_run_in_heading_that_the_model_wrote_becomes_template() -> None:
    report = Report()
    report.apply(report.pieces_for_draft(), ["Findings: Clear. Impression: Normal."])
    pinned = [report.text[s.start : s.end] for s in report.spans if s.pinned]
    assert pinned == ["Findings: ", "Impression: "]
    assert all(span.origin is Origin.TEMPLATE for span in report.spans if span.pinned)
    drawn = {report.text[s.start : s.end]: s.style for s in picture(report).stretches}
    assert drawn["Findings:"] is drawn["Impression:"] is Style.RUN_IN
