"""Faults of form, and their absence from clean reports."""

from __future__ import annotations

import pytest

from radiology.language.form import find_form_faults
from tests.radiology.language.planting import clean_reports
from tests.radiology.language.test_clashes import CLEAN


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Heart size is normal. Pleura . No fracture.", {"loose stop", "nothing said"}),
        ("The bones.", {"nothing said"}),
        ("No effusion. .", {"doubled stop"}),
        ("No effusion..", {"doubled stop"}),
        ("The heart is is normal.", {"doubled word"}),
        ("There is a small.", {"cut off"}),
        ("There is an effusion with", {"cut off"}),
        ("No evidence of.", {"cut off"}),
        ("The lungs are", {"cut off"}),
        ("The lungs are clear. No effusion", {"no stop"}),
        ("There is a 28 upper lobe nodule.", {"no unit"}),
        ("A small effusions is seen.", {"article"}),
        ("There is an left effusion.", {"article"}),
        ("There is a effusion.", {"article"}),
        ("FINDINGS: Clear.\nFindings: Clear.", {"heading twice"}),
        ("FINDINGS: Clear.\nIMPRESSION:", {"empty section"}),
    ],
)
def test_faults(text: str, kinds: set[str]) -> None:
    assert {str(fault.kind) for fault in find_form_faults(text)} == kinds


@pytest.mark.parametrize(
    "text",
    [
        "Larger on the left.",
        "An 18 mm nodule. An ET tube. A unilateral effusion. An ill-defined opacity.",
        "2 nodules. Lungs: Clear.",
        "Clear ... as before.",
        "PTX on left",
        "1. No effusion\n2. No pneumothorax",
        "",
    ],
)
def test_no_faults(text: str) -> None:
    assert find_form_faults(text) == ()


def test_clean_reports_have_none() -> None:
    faults = [fault.why for text in (*CLEAN, *clean_reports()) for fault in find_form_faults(text)]
    assert faults == []
