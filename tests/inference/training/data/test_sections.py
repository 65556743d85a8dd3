"""Reports are cut at their headings and written as Pinfill writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.training.data.sections import cut

REPORT = """\
                                 WET READ: ___ 9:15 PM
 Large effusion?  IMPRESSION: preliminary.
______________________________________________________________________________
                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough.

 TECHNIQUE:  Two views.

 FINDINGS:

 The heart is normal in size.  There is
 a small left effusion.
 BONES:  Intact.

 IMPRESSION:

 1.  Small left effusion.
 2.  Otherwise normal.

 NOTIFICATION:  Telephoned at 9:30.
"""


def test_findings_and_impression_are_one_paragraph_each() -> None:
    sections = cut(REPORT)
    assert sections.written() == (
        "FINDINGS:\n"
        "The heart is normal in size. There is a small left effusion. BONES: Intact.\n\n"
        "IMPRESSION:\n"
        "1. Small left effusion. 2. Otherwise normal."
    )
    assert sections.indication == "___F with cough."
    assert REPORT.splitlines()[sections.line - 1].strip() == "FINDINGS:"


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        ("IMPRESSION: Clear.", "IMPRESSION:\nClear."),
        ("FINDINGS:\n\nIMPRESSION: Clear.", "IMPRESSION:\nClear."),
        ("Findings: Clear.\nConclusion: Well.", "FINDINGS:\nClear.\n\nIMPRESSION:\nWell."),
        ("FINDINGS AND IMPRESSION: Clear.", "FINDINGS:\nClear."),
        ("FINDINGS: One.\nIMPRESSION: Two.\nFINDINGS: Three.", "FINDINGS:\nOne. Three.\n\n"
         "IMPRESSION:\nTwo."),
        ("IMPRESSION: Old.\n FINAL REPORT\nIMPRESSION: New.", "IMPRESSION:\nNew."),
        ("IMPRESSION: Clear.\n ADDENDUM\nIMPRESSION: Other.", "IMPRESSION:\nClear."),
        ("IMPRESSION: Clear.\n________\nRECOMMENDATION(S): CT.", "IMPRESSION:\nClear."),
    ],
)  # fmt: skip
def test_headings_as_they_are_met(report: str, expected: str) -> None:
    assert cut(report).written() == expected


@pytest.mark.parametrize(
    "report", ["", "The lungs are clear.", "TECHNIQUE: PA.", "the impression: clear", "FINDINGS:\n"]
)
def test_without_either_section_there_is_no_report(report: str) -> None:
    sections = cut(report)
    assert not sections.is_report
    assert sections.written() == ""
    assert sections.line == 1


def test_history_and_indication_are_both_told() -> None:
    assert cut("HISTORY: Fall.\nREASON FOR EXAM: Rib pain?").indication == "Fall. Rib pain?"


bodies = st.text(alphabet="abc ,.\n", min_size=1).filter(lambda body: body.strip())


@given(bodies, bodies)
def test_what_was_written_is_cut_the_same(findings: str, impression: str) -> None:
    once = cut(f"FINDINGS:\n{findings}\n\nIMPRESSION:\n{impression}")
    assert once.findings == " ".join(findings.split())
    assert once.impression == " ".join(impression.split())
    assert cut(once.written()).written() == once.written()
