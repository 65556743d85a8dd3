"""The dates that a text names."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
        start=1,
    )
}
_MONTH: Final = r"(?P<month>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_WRITTEN: Final = (
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+{_MONTH},?\s+(?P<year>\d{{4}})\b", re.I),
    re.compile(rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})\b", re.I),
)
_ISO: Final = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_NUMBERS: Final = re.compile(r"\b(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})\b")


def find_dates(text: str) -> tuple[frozenset[date], ...]:
    """What each date of ``text`` may mean: 3/5/2024 is two days. What is no day is left out."""
    found = [_meanings((int(m[1]), int(m[2]), int(m[3]))) for m in _ISO.finditer(text)]
    for pattern in _WRITTEN:
        for match in pattern.finditer(text):
            month = _MONTHS[match["month"].lower()]
            found.append(_meanings((int(match["year"]), month, int(match["day"]))))
    for match in _NUMBERS.finditer(text):
        one, two, year = (int(number) for number in match.groups())
        year += 2000 if year < 100 else 0
        found.append(_meanings((year, one, two), (year, two, one)))
    return tuple(meant for meant in found if meant)


def _meanings(*candidates: tuple[int, int, int]) -> frozenset[date]:
    days = set()
    for candidate in candidates:
        try:
            days.add(date(*candidate))
        except ValueError:
            continue
    return frozenset(days)
