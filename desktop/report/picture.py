"""What the editor shows of a report: its text, and how each character of it is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from operator import itemgetter
from typing import Final

from desktop.report.model import (
    GAP_CHAR,
    Added,
    Content,
    Hole,
    Kept,
    Origin,
    Plan,
    Report,
    Section,
    Span,
    clean,
    find_sections,
)
from inference.protocol import Canvas, Run

WAITING: Final = "…"
"""Stands in a hole of which no draft has come yet and where no text stood before."""


class Style(Enum):
    """The ways to draw a character."""

    HEADING = auto()
    RUN_IN = auto()  # a heading with text on its line
    GAP = auto()  # a gap mark, which is drawn as a pill
    TEMPLATE = auto()
    TYPED = auto()
    GENERATED = auto()
    PINNED = auto()  # generated, pinned by hand
    EDITED = auto()
    UNPINNED_EDIT = auto()
    DIFFERS = auto()  # generated; other candidates have another clinical word
    SETTLED = auto()  # a draft token that stands
    UNSETTLED = auto()  # a draft token that may still change


@dataclass(frozen=True, slots=True)
class Stretch:
    """Characters ``start:end``, drawn alike."""

    start: int
    end: int
    style: Style


@dataclass(frozen=True, slots=True)
class Picture:
    """``gaps`` are the lengths of the gap marks in ``text``, in order; stretches cover the text."""

    text: str
    stretches: tuple[Stretch, ...]
    gaps: tuple[int | None, ...]


def picture(report: Report) -> Picture:
    """The report as it stands, with its marks."""
    content = report.content
    stretches = [Stretch(span.start, span.end, _style(span)) for span in content.spans]
    gaps = tuple(gap.tokens for gap in content.gaps)
    differences = [(mark.start, mark.end, Style.DIFFERS) for mark in report.differences]
    return Picture(content.text, _set_apart(content.text, stretches, differences), gaps)


def preview(content: Content, plan: Plan, canvas: Canvas | None = None) -> Picture:
    """The report with the draft of ``canvas`` in the holes of ``plan``.

    Before the first canvas a hole shows what stood there, unsettled.
    """
    texts: list[str] = []
    stretches: list[Stretch] = []
    gaps: list[int | None] = []
    length = 0
    drafts = iter(canvas.gaps if canvas is not None else ())
    for part in plan.parts:
        match part:
            case Kept(start, end):
                stretches += [
                    Stretch(span.start - start + length, span.end - start + length, _style(span))
                    for span in content.clip(start, end)
                ]
                gaps += [gap.tokens for gap in content.gaps if start <= gap.position < end]
                text = content.text[start:end]
            case Added(text):
                stretches.append(Stretch(length, length + len(text), Style.TEMPLATE))
            case Hole(hint=hint):
                runs = next(drafts, (Run(hint or WAITING, settled=False),))
                text, drawn = _draft(runs, length)
                stretches += drawn
        texts.append(text)
        length += len(text)
    whole = "".join(texts)
    return Picture(whole, _set_apart(whole, stretches), tuple(gaps))


def _draft(runs: Iterable[Run], start: int) -> tuple[str, list[Stretch]]:
    text = ""
    stretches: list[Stretch] = []
    for run in runs:
        more = clean(run.text)
        if more:
            style = Style.SETTLED if run.settled else Style.UNSETTLED
            begin = start + len(text)
            stretches.append(Stretch(begin, begin + len(more), style))
            text += more
    return text, stretches


def _style(span: Span) -> Style:
    match span.origin:
        case Origin.TYPED:
            return Style.TYPED
        case Origin.TEMPLATE:
            return Style.TEMPLATE if span.pinned else Style.GENERATED
        case Origin.GENERATED:
            return Style.PINNED if span.pinned else Style.GENERATED
        case Origin.EDITED:
            return Style.EDITED if span.pinned else Style.UNPINNED_EDIT


def _shares_its_line(text: str, section: Section) -> bool:
    line = text[text.rfind("\n", 0, section.start) + 1 : section.start]
    return bool(line.strip()) or section.is_run_in(text)


def _set_apart(
    text: str, stretches: Sequence[Stretch], marked: Iterable[tuple[int, int, Style]] = ()
) -> tuple[Stretch, ...]:
    """Heading lines and gap marks are drawn as such, whoever wrote them; ``marked`` are neither."""
    apart = [
        (
            section.start,
            section.heading_end,
            Style.RUN_IN if _shares_its_line(text, section) else Style.HEADING,
        )
        for section in find_sections(text)
    ]
    apart += marked
    apart += [(mark.start(), mark.end(), Style.GAP) for mark in re.finditer(GAP_CHAR, text)]
    apart.sort(key=itemgetter(0))
    drawn: list[Stretch] = []
    first = 0
    for stretch in stretches:
        start = stretch.start
        while first < len(apart) and apart[first][1] <= start:
            first += 1  # behind all that is still to come
        for low, high, style in map(apart.__getitem__, range(first, len(apart))):
            if low >= stretch.end:
                break
            if high <= start:
                continue
            if start < low:
                drawn.append(Stretch(start, low, stretch.style))
            start = min(high, stretch.end)
            drawn.append(Stretch(max(low, stretch.start), start, style))
        if start < stretch.end:
            drawn.append(Stretch(start, stretch.end, stretch.style))
    return tuple(drawn)
