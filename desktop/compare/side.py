"""One side of a comparison: what was asked, what was recorded, how a frame of it looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from desktop.compare.differences import Range
from desktop.compare.fidelity import Fidelity, fidelity, phrase_ranges, pinned_phrases
from desktop.compare.recording import Recording
from desktop.compare.ways import Way
from desktop.report.candidates import filled, with_headings
from desktop.report.model import GAP_CHAR, Added, Content, Kept, Plan, Report
from desktop.report.picture import Picture, Stretch, Style, picture, preview
from desktop.report.spans import Builder, Mark, Origin

_PLAIN = frozenset({Style.GENERATED, Style.SETTLED, Style.UNSETTLED})
"""What a difference may be marked on: pins and headings look as they do."""


@dataclass(frozen=True)
class Side:
    """``common`` is the plan that both sides were given, ``plan`` the one that was asked for.

    They differ where the whole report was to be written anew.
    """

    content: Content
    common: Plan
    plan: Plan
    recording: Recording

    @cached_property
    def fidelity(self) -> Fidelity:
        """How much of what is pinned came back."""
        return fidelity(pinned_phrases(self.common.pieces), self.text)

    @cached_property
    def finished(self) -> Content:
        """The report as this model left it."""
        content, _ = filled(self.content, self.plan, self.recording.filled.fills)
        return _with_pins_found(content.text, self) if self.rewritten else content

    @property
    def rewritten(self) -> bool:
        """Whether all was written anew, pinned words too."""
        return self.plan.parts != self.common.parts

    @property
    def text(self) -> str:
        """The finished text without gap marks."""
        content, _ = filled(self.content, self.plan, self.recording.filled.fills)
        return content.text.replace(GAP_CHAR, "")

    def picture(self, frame: int, marked: Sequence[Range] = ()) -> Picture:
        """How a frame looks in the report pane; ``marked`` are ranges of its text that differ."""
        if frame < self.recording.last:
            canvas = self.recording.canvas(frame)
            return preview(self.content, self.plan, canvas)
        shown = picture(Report(self.finished))
        return replace(shown, stretches=tuple(_marked(shown.stretches, marked)))


@dataclass(frozen=True)
class Comparison:
    """Two sides of one study, asked on the same report with the same seed."""

    content: Content
    way: Way
    seed: int
    diffusion: Side
    sibling: Side


def _with_pins_found(text: str, side: Side) -> Content:
    """A text that was written anew, with the pins that came back marked as what they are."""
    marks = list(_marks(side.content, side.common))
    builder = Builder()
    position = 0
    for found in side.fidelity.found:
        builder.add(text[position : found.start], (Origin.GENERATED, False))
        builder.add(text[found.start : found.end], marks[found.phrase])
        position = found.end
    builder.add(text[position:], (Origin.GENERATED, False))
    return with_headings(builder.build())


def _marks(content: Content, plan: Plan) -> Iterator[Mark]:
    """Who wrote each pinned phrase of ``plan``: whoever wrote its first character."""
    text, marks = "", list[Mark]()
    for part in plan.parts:
        match part:
            case Kept(start, end):
                for span in content.clip(start, end):
                    more = content.text[span.start : span.end].replace(GAP_CHAR, "")
                    text += more
                    marks += [(span.origin, True)] * len(more)
            case Added(more):
                text += more
                marks += [(Origin.TEMPLATE, True)] * len(more)
            case _:
                yield from (marks[start] for start, _ in phrase_ranges(text))
                text, marks = "", []
    yield from (marks[start] for start, _ in phrase_ranges(text))


def _marked(stretches: Sequence[Stretch], marked: Sequence[Range]) -> Iterator[Stretch]:
    for stretch in stretches:
        start = stretch.start
        for low, high in marked if stretch.style in _PLAIN else ():
            low, high = max(low, start), min(high, stretch.end)
            if low >= high:
                continue
            if start < low:
                yield Stretch(start, low, stretch.style)
            yield Stretch(low, high, Style.DIFFERS)
            start = high
        if start < stretch.end:
            yield Stretch(start, stretch.end, stretch.style)
