"""Headings of any case, or none."""

from __future__ import annotations

import pytest

from radiology.language.sections import SectionName, find_sections


def names(text: str) -> list[str]:
    return [str(section.name) for section in find_sections(text)]


@pytest.mark.parametrize(
    "heading",
    [
        "FINDINGS:",
        "Findings:",
        "findings:",
        "findings -",
        "Findings",
        "**Findings:**",
        "## Findings:",
    ],
)
def test_a_heading_may_be_of_any_case_and_form(heading: str) -> None:
    text = f"{heading}\nThe lungs are clear.\n\nIMPRESSION: Normal."
    findings, impression = find_sections(text)
    assert (findings.name, impression.name) == (SectionName.FINDINGS, SectionName.IMPRESSION)
    assert "indings" in findings.heading.of(text).lower()
    assert findings.body.of(text).strip() == "The lungs are clear."
    assert impression.body.of(text) == "Normal."


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("Conclusion", "Impression"),
        ("OPINION", "Impression"),
        ("Summary", "Impression"),
        ("Clinical information", "Indication"),
        ("HISTORY", "Indication"),
        ("Reason for exam", "Indication"),
        ("Technique", "Technique"),
        ("COMPARISON", "Comparison"),
    ],
)
def test_synonyms_name_one_section(heading: str, name: str) -> None:
    assert names(f"{heading}: something") == [name]


def test_a_heading_may_follow_a_sentence_on_its_line_with_a_colon() -> None:
    text = "FINDINGS: The lungs are clear. IMPRESSION: No acute disease."
    assert names(text) == ["Findings", "Impression"]
    assert find_sections(text)[0].body.of(text).strip() == "The lungs are clear."


@pytest.mark.parametrize(
    "text",
    [
        "The findings are unchanged.",
        "These findings: a nodule and an effusion.",
        "Findings were discussed with Dr. Smith.",
        "LUNGS: Clear.",
        "The impression is that of failure.",
        "",
    ],
)
def test_a_word_of_the_text_is_no_heading(text: str) -> None:
    assert names(text) == []


def test_what_is_headed_otherwise_belongs_to_the_section_around_it() -> None:
    text = "FINDINGS:\nLungs: Clear.\nHeart: Normal.\nIMPRESSION:\nNormal."
    assert names(text) == ["Findings", "Impression"]
    assert "Heart: Normal." in find_sections(text)[0].body.of(text)
