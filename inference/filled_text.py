"""The text of a request with its gaps filled, and which of its characters a model wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from inference.protocol import Fixed, Piece
from radiology.language.spans import Span


@dataclass(frozen=True)
class FilledText:
    """``text`` with ``fills`` where the gaps were, in their order, some of which may be empty.

    ``open_gaps`` are the places of gaps that nobody has filled yet.
    """

    text: str
    fills: tuple[Span, ...]
    open_gaps: tuple[int, ...]

    def written(self, span: Span) -> bool:
        """Whether a model wrote some of ``span``."""
        return any(True for _ in self.within(span))

    def within(self, span: Span) -> Iterator[tuple[int, Span]]:
        """The parts of ``span`` that a model wrote, each a gap's number and where in its fill."""
        for number, fill in enumerate(self.fills):
            start, end = max(span.start, fill.start), min(span.end, fill.end)
            if start < end:
                yield number, Span(start - fill.start, end - fill.start)

    def is_open(self, span: Span) -> bool:
        """Whether something is still to be written within ``span``, or at its ends."""
        return any(span.start <= place <= span.end for place in self.open_gaps)

    @property
    def without_fills(self) -> str:
        """What is pinned alone."""
        ends = [0, *(fill.end for fill in self.fills)]
        starts = [*(fill.start for fill in self.fills), len(self.text)]
        return "".join(self.text[end:start] for end, start in zip(ends, starts, strict=True))


def fill_in(pieces: Sequence[Piece], fills: Sequence[str]) -> FilledText:
    """``pieces`` with their first gaps filled; gaps beyond ``fills`` are left open."""
    rest = iter(fills)
    text = ""
    spans: list[Span] = []
    open_gaps: list[int] = []
    for piece in pieces:
        start = len(text)
        if isinstance(piece, Fixed):
            text += piece.text
        elif (fill := next(rest, None)) is None:
            open_gaps.append(start)
        else:
            text += fill
            spans.append(Span(start, len(text)))
    return FilledText(text, tuple(spans), tuple(open_gaps))
