"""The sections of a free-text report: cut out by their headings, written as Pinfill writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_FINDINGS: Final = "findings"
_IMPRESSION: Final = "impression"
_INDICATION: Final = "indication"
_OTHER: Final = "other"

_MEANINGS: Final = {
    _FINDINGS: ("FINDINGS", "FINDING", "FINDINGS AND IMPRESSION", "FINDINGS/IMPRESSION"),
    _IMPRESSION: ("IMPRESSION", "IMPRESSIONS", "CONCLUSION", "CONCLUSIONS", "OPINION"),
    _INDICATION: (
        *("INDICATION", "INDICATIONS", "HISTORY", "CLINICAL HISTORY", "CLINICAL INDICATION"),
        *("CLINICAL INFORMATION", "REASON FOR EXAM", "REASON FOR EXAMINATION"),
        *("REASON FOR THE EXAM", "REASON FOR THIS EXAM", "REASON FOR THIS EXAMINATION"),
        *("REASON FOR STUDY", "INDICATION/HISTORY", "HISTORY/INDICATION"),
    ),
    _OTHER: (
        *("EXAMINATION", "EXAM", "STUDY", "PROCEDURE", "TECHNIQUE", "COMPARISON", "COMPARISONS"),
        *("NOTIFICATION", "NOTIFICATIONS", "RECOMMENDATION", "RECOMMENDATIONS", "DOSE"),
        *("RECOMMENDATION(S)", "ADDENDUM", "WET READ", "COMMUNICATION", "ATTESTATION"),
    ),
}
_SECTIONS: Final = {name: section for section, names in _MEANINGS.items() for name in names}
"""Known headings only: what else is headed, e.g. "LUNGS:", belongs to the section around it."""

_HEADING: Final = re.compile(r"^[ \t]*([A-Z][A-Za-z /()]{2,40}?)[ \t]*:", re.MULTILINE)
_FINAL: Final = re.compile(r"^[ \t]*FINAL REPORT[ \t]*$", re.MULTILINE)
_ADDENDUM: Final = re.compile(r"^[ \t]*(?:FINAL )?ADDENDUM[ \t]*$", re.MULTILINE)
_RULE: Final = re.compile(r"_{4,}")
"""A line drawn across the page; three underscores stand for a name that was taken out."""


@dataclass(frozen=True)
class Sections:
    """Bodies on one line each, ``""`` where the report has none. ``line`` is that of the first
    heading of findings or impression, counted from 1, and 1 where there is neither."""

    findings: str
    impression: str
    indication: str
    line: int = 1

    @property
    def is_report(self) -> bool:
        return bool(self.findings or self.impression)

    def written(self) -> str:
        """FINDINGS and IMPRESSION, whichever there are, one paragraph each."""
        pairs = (("FINDINGS", self.findings), ("IMPRESSION", self.impression))
        return "\n\n".join(f"{heading}:\n{body}" for heading, body in pairs if body)


def cut(report: str) -> Sections:
    """Cut a report into its sections; bodies of the same section are joined in their order.

    Of a report with a preliminary reading above its final one, and of one with an addendum, the
    final reading counts. Findings and impression under one heading count as findings.
    """
    start = max((match.end() for match in _FINAL.finditer(report)), default=0)
    addendum = _ADDENDUM.search(report, start)
    stop = addendum.start() if addendum else len(report)
    bodies: dict[str, list[str]] = {section: [] for section in _MEANINGS}
    first = None
    known = [
        (match, _SECTIONS[name])
        for match in _HEADING.finditer(report, start, stop)
        if (name := " ".join(match[1].upper().split())) in _SECTIONS
    ]
    for number, (match, section) in enumerate(known, start=1):
        end = known[number][0].start() if number < len(known) else stop
        body = " ".join(_RULE.sub(" ", report[match.end() : end]).split())
        if body:
            bodies[section].append(body)
            if first is None and section in {_FINDINGS, _IMPRESSION}:
                first = report.count("\n", 0, match.start(1)) + 1
    return Sections(
        findings=" ".join(bodies[_FINDINGS]),
        impression=" ".join(bodies[_IMPRESSION]),
        indication=" ".join(bodies[_INDICATION]),
        line=first or 1,
    )
