"""The headed parts of a report: where they lie, and which of the known sections they are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from radiology.language.spans import Span


class SectionName(StrEnum):
    """The sections of a report, in its order."""

    INDICATION = "Indication"
    TECHNIQUE = "Technique"
    COMPARISON = "Comparison"
    FINDINGS = "Findings"
    IMPRESSION = "Impression"
    OTHER = "Other"


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part: ``heading`` holds the heading's words and its colon, ``body`` what follows.

    ``body`` starts behind the white space after the heading and ends where the next section starts,
    white space included.
    """

    name: SectionName
    heading: Span
    body: Span


_HEADINGS: Final = {
    SectionName.INDICATION: (
        *("indication", "indications", "history", "clinical history", "clinical indication"),
        *("clinical information", "clinical details", "clinical question", "clinical context"),
        *("reason for exam", "reason for examination", "reason for the exam", "reason for study"),
        *("reason for this exam", "reason for this examination", "reason for the examination"),
        *("indication/history", "history/indication", "symptoms"),
    ),
    SectionName.TECHNIQUE: (
        *("technique", "procedure", "examination", "exam", "study", "views", "view"),
        *("exam type", "type of exam", "projection"),
    ),
    SectionName.COMPARISON: (
        *("comparison", "comparisons", "comparison studies", "comparison study"),
        *("comparison exam", "prior studies", "priors", "compared with", "compared to"),
    ),
    SectionName.FINDINGS: (
        *("findings", "finding", "report", "body of report", "observations", "description"),
        *("findings and impression", "findings/impression", "chest findings"),
    ),
    SectionName.IMPRESSION: (
        *("impression", "impressions", "conclusion", "conclusions", "opinion", "summary"),
        *("interpretation", "assessment", "impression and recommendation", "final impression"),
        *("diagnosis", "comment"),
    ),
    SectionName.OTHER: (
        *("recommendation", "recommendations", "recommendation(s)", "addendum", "notification"),
        *(
            "notifications",
            "communication",
            "attestation",
            "dose",
            "wet read",
            "electronically signed",
        ),
    ),
}
_NAMES: Final = {heading: name for name, headings in _HEADINGS.items() for heading in headings}
_ALONE: Final = frozenset(
    {"findings", "impression", "technique", "comparison", "indication", "conclusion", "opinion"}
)
"""Headings that are one without a colon where they have a line of their own."""

_KNOWN: Final = "|".join(sorted(map(re.escape, _NAMES), key=len, reverse=True)).replace(
    r"\ ", r"[ \t]+"
)
_MARKUP: Final = r"[ \t]*(?:\#{1,4}[ \t]*)?[*_]{0,2}"
_HEADING: Final = re.compile(
    rf"""(?:^{_MARKUP} | (?<=[.!?])[ \t]+[*_]{{0,2}})
    (?P<heading>(?P<words>{_KNOWN})[*_]{{0,2}}
        (?:[ \t]*:[*_]{{0,2}} | (?P<dash>[ \t]*[-–—](?=[ \t]|$)) | (?P<bare>[ \t]*$)))[ \t]*\n*""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)


def find_sections(text: str) -> tuple[Section, ...]:
    """The sections in the order of the text. What stands before the first heading is in none.

    A heading stands at the beginning of a line, or with a colon behind the end of a sentence. At
    the beginning of a line a dash will do for the colon, and a known heading that has its line to
    itself needs neither. What else is headed, "LUNGS:" for one, belongs to the section around it.
    """
    found = [match for match in _HEADING.finditer(text) if _is_heading(text, match)]
    ends = [*(match.start("heading") for match in found[1:]), len(text)]
    return tuple(
        Section(
            name_of(match["words"]) or SectionName.OTHER,
            Span(*match.span("heading")),
            Span(match.end(), max(end, match.end())),
        )
        for match, end in zip(found, ends, strict=False)  # without a heading, one end is left
    )


def name_of(heading: str) -> SectionName | None:
    """The section that a heading's words name, whatever their case; None where they name none."""
    return _NAMES.get(" ".join(heading.lower().split()))


def _is_heading(text: str, match: re.Match[str]) -> bool:
    line_start = not text[
        text.rfind("\n", 0, match.start("words")) + 1 : match.start("words")
    ].strip(" \t*_#")
    if match["dash"] is not None or match["bare"] is not None:
        return line_start and match["words"].lower() in _ALONE
    return line_start or match["words"][0].isupper()
