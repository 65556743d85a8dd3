"""Where the headed parts of a report lie in its text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

SECTIONS: Final = ("INDICATION", "TECHNIQUE", "COMPARISON", "FINDINGS", "IMPRESSION")
"""The headings that are known, in the order of a report."""

_HEADING: Final = re.compile(rf"^({'|'.join(SECTIONS)}):[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Section:
    """A headed part: the heading's line is ``start:heading_end``, its text ``body:end``.

    ``body`` comes after the line break of the heading, ``end`` is where the next heading starts.
    """

    name: str
    start: int
    heading_end: int
    body: int
    end: int

    def frame(self, text: str) -> tuple[int, int]:
        """The heading with its line break and the line breaks before it."""
        start = self.start
        while start > 0 and text[start - 1] == "\n":
            start -= 1
        return start, self.body


def is_heading(line: str) -> bool:
    return _HEADING.fullmatch(line) is not None


def find_sections(text: str) -> tuple[Section, ...]:
    """The sections in the order of the text. What stands before the first heading is in none."""
    matches = list(_HEADING.finditer(text))
    ends = [*(match.start() for match in matches[1:]), len(text)]
    return tuple(
        Section(match[1], match.start(), match.end(), min(match.end() + 1, len(text)), end)
        for match, end in zip(matches, ends, strict=False)  # without a heading, one end is left
    )
