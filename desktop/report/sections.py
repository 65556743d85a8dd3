"""Where the headed parts of a report lie in its text, heading by heading and line by line.

What a heading is, :mod:`radiology.language.sections` says: any case, with text behind it or not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from radiology.language.sections import SectionName
from radiology.language.sections import find_sections as find_headed

SECTIONS: Final = tuple(name for name in SectionName if name is not SectionName.OTHER)
"""The sections that have an order in a report."""

_SPACES: Final = re.compile(r"[ \t]*")
_BOTH: Final = re.compile(r"findings\b.*\bimpression", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part: its heading is ``start:heading_end``, its text ``body:end``.

    ``body`` comes after the line break of a heading that has its line to itself, else after the
    spaces behind it; ``end`` is where the next heading starts.
    """

    name: SectionName
    start: int
    heading_end: int
    body: int
    end: int

    def frame(self, text: str) -> tuple[int, int]:
        """The heading with what parts it from its text, and the line breaks before it."""
        start = self.start
        while start > 0 and text[start - 1] == "\n":
            start -= 1
        return start, self.body

    def is_run_in(self, text: str) -> bool:
        """Whether text follows on the heading's line."""
        return self.body > self.heading_end and text[self.body - 1] != "\n"

    def covers(self, name: SectionName, text: str) -> bool:
        """Whether the section is that of ``name``, if only by a heading that names two."""
        both = name is SectionName.IMPRESSION and self.name is SectionName.FINDINGS
        return self.name is name or (
            both and _BOTH.match(text, self.start, self.heading_end) is not None
        )


def is_heading(line: str) -> bool:
    """Whether a line is nothing but a heading."""
    return any(
        not line[: each.start].strip(" \t#*_")
        and each.body == len(line)
        and not each.is_run_in(line)
        for each in find_sections(line)
    )


def find_sections(text: str) -> tuple[Section, ...]:
    """The sections in the order of the text. What stands before the first heading is in none."""
    found = find_headed(text)
    ends = [*(each.heading.start for each in found[1:]), len(text)]
    return tuple(
        _section(text, each.name, *each.heading, end)
        for each, end in zip(found, ends, strict=False)  # without a heading, one end is left
    )


def _section(text: str, name: SectionName, start: int, heading_end: int, end: int) -> Section:
    behind = _SPACES.match(text, heading_end, end)
    body = behind.end() if behind else heading_end
    if body == end == len(text):
        return Section(name, start, body, body, end)
    if body < end and text[body] == "\n":
        return Section(name, start, body, body + 1, end)
    return Section(name, start, heading_end, body, end)


def heading_like(sections: Sequence[Section], text: str, name: SectionName) -> str:
    """A heading for ``name`` as the others of the report are written, with what parts it from text.

    Without others it is a line of capitals.
    """
    if not sections:
        return f"{name.upper()}:\n"
    model = sections[-1]
    words = text[model.start : model.heading_end]
    letters = [char for char in words if char.isalpha()]
    if all(char.isupper() for char in letters):
        heading = name.upper()
    else:
        heading = name.lower() if letters[0].islower() else name.capitalize()
    mark = re.search(r"[ \t]*[-–—:]", words)
    return heading + (mark[0] if mark else "") + (" " if model.is_run_in(text) else "\n")
