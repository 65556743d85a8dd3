"""What is unresolved in a report that is about to leave Pinfill: its clashes and its open gaps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from desktop.report.clashes import ReportClash, title
from desktop.report.spans import GAP_CHAR
from radiology.language.spans import Span

_GAPS: Final = re.compile(f"{GAP_CHAR}+")
_BEFORE: Final = 24
"""Characters before a gap that tell where it is."""


@dataclass(frozen=True, slots=True)
class Matter:
    """Something unresolved at ``place``; ``told`` is one sentence."""

    told: str
    place: Span
    clash: ReportClash | None = None


def matters(text: str, clashes: Iterable[ReportClash]) -> tuple[Matter, ...]:
    """The clashes, then the gaps that are open in ``text``."""
    told = [Matter(f"{title(c)}: {c.why}", c.places[0], c) for c in clashes]
    return (*told, *_gaps(text))


def within(found: Sequence[Matter], start: int, end: int) -> tuple[Matter, ...]:
    """Those of which something lies in ``start:end``."""
    return tuple(
        matter
        for matter in found
        for places in [matter.clash.places if matter.clash is not None else (matter.place,)]
        if any(low < end and start < high for low, high in places)
    )


def count_of(found: Sequence[Matter]) -> str:
    """For example "3 things are unresolved"."""
    return "1 thing is unresolved" if len(found) == 1 else f"{len(found)} things are unresolved"


def gap_told(text: str, position: int) -> str:
    """Where an open gap is, in a sentence."""
    line = text.count("\n", 0, position) + 1
    start = text.rfind("\n", 0, position) + 1
    before = text[start:position].replace(GAP_CHAR, " ").rstrip()
    if len(before) > _BEFORE:
        before = "…" + before[-_BEFORE:].partition(" ")[2]
    behind = f", behind “{before}”" if before.strip("… ") else ""
    return f"A gap is open in line {line}{behind}."


def gaps_of(text: str) -> list[Span]:
    """The open gaps, neighbours as one."""
    return [Span(*match.span()) for match in _GAPS.finditer(text)]


def _gaps(text: str) -> Iterator[Matter]:
    return (Matter(gap_told(text, gap.start), gap) for gap in gaps_of(text))
