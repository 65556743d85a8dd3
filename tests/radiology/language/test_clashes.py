"""Clashes that were planted are found, and clean reports raise no alarm."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radiology.language.clash import Clash
from radiology.language.clashes import find_clashes
from tests.radiology.language.planting import clean_reports, planted_reports

CLEAN = (Path(__file__).parent / "clean_reports.txt").read_text(encoding="utf-8").split("=====\n")


def kinds(text: str) -> set[str]:
    return {str(clash.kind) for clash in find_clashes(text)}


def test_whole_clean_reports_raise_at_most_one_alarm() -> None:
    assert len(CLEAN) >= 50
    alarms = [clash.why for report in CLEAN for clash in find_clashes(report)]
    assert len(alarms) <= 1, alarms


def test_nothing_is_found_before_it_is_planted() -> None:
    assert [clash.why for report in clean_reports() for clash in find_clashes(report)] == []


def test_nine_in_ten_planted_clashes_are_found_in_each_kind() -> None:
    planted, found = Counter[str](), Counter[str]()
    for kind, report in planted_reports():
        planted[kind] += 1
        found[kind] += kind in kinds(report)
    assert set(planted) == {"negation", "side", "size", "severity", "number", "section"}
    assert all(count >= 100 for count in planted.values()), planted
    assert all(found[kind] >= 0.9 * count for kind, count in planted.items()), (planted, found)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Lungs are clear. There is consolidation in the left lower lobe.", "negation"),
        ("Heart size is normal. There is moderate cardiomegaly.", "negation"),
        ("There is a 28 mm nodule in the left upper lobe. The nodule measures 12 mm.", "size"),
        ("Findings: Left pneumothorax.\nImpression: Right pneumothorax.", "side"),
        ("Findings: Left effusion.\nImpression: Bilateral effusions.", "side"),
        ("Findings: RUL consolidation.\nImpression: RLL consolidation.", "lobe"),
        ("Findings: Large right effusion.\nImpression: No acute abnormality.", "negation"),
        ("Findings: Left effusion, larger.\nImpression: Left effusion has decreased.", "change"),
        (
            "Findings: ETT tip in the right main bronchus.\nImpression: ETT tip in the stomach.",
            "tip",
        ),
    ],
)
def test_clashes_of_each_kind(text: str, kind: str) -> None:
    assert kind in kinds(text)


@pytest.mark.parametrize(
    "text",
    [
        "Findings: Small left pleural effusion.\nImpression: Left effusion.",
        "Findings: Small left and moderate right effusions.\nImpression: Moderate right effusion.",
        "Findings: 28 mm nodule.\nImpression: 2.8 cm nodule.",
        "Findings: 31 x 24 mm mass.\nImpression: 3 cm mass.",
        "Findings: The nodule measures 22 mm, previously 18 mm.\nImpression: 22 mm nodule.",
        "No large effusion. Small left effusion.",
        "No new consolidation. Unchanged right lower lobe consolidation.",
        "No acute fracture. Old left rib fractures.",
        "No right effusion. Small left effusion.",
        "The lungs are otherwise clear. Small nodule in the left upper lobe.",
        "No acute disease. Unchanged small left effusion.",
        "Indication: Pneumonia?\nFindings: No consolidation.",
        "A nodule in the right upper lobe. No thyroid nodules.",
        "Calcified nodule in the left lung. The lungs are clear.",
        "No suspicious mass or nodule. Stable 4 mm nodule.",
        "No acute abnormality in the upper abdomen. New consolidation.",
        "Right basal opacities, likely atelectasis. The lungs are clear.",
        "The left lung is clear without consolidation. Right lower lobe consolidation.",
        "The heart is at the upper limits of normal. Mild cardiomegaly.",
        "No definite pneumothorax. Tiny apical pneumothorax is possible.",
    ],
)
def test_what_does_not_clash(text: str) -> None:
    assert find_clashes(text) == ()


def test_a_clash_has_two_places_and_a_sentence() -> None:
    text = "Findings: Left pneumothorax.\nImpression: Right pneumothorax."
    clash, *_ = find_clashes(text)
    assert isinstance(clash, Clash)
    assert clash.first.span.of(text) == "Left pneumothorax"
    assert clash.second is not None
    assert clash.second.span.of(text) == "Right pneumothorax"
    assert clash.why == "“Left pneumothorax” and “Right pneumothorax”: the sides differ."


@given(st.lists(st.sampled_from(CLEAN[:12]), min_size=1, max_size=3).map("\n".join) | st.text())
def test_any_text_can_be_searched(text: str) -> None:
    for clash in find_clashes(text):
        places = [clash.first, *([clash.second] if clash.second else [])]
        assert all(0 <= place.span.start < place.span.end <= len(text) for place in places)
        assert clash.why.endswith(".")
