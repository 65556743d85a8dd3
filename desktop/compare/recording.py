"""What one model did with a job: every canvas it showed and when, and what came of it.

Frames count from 0, before anything was written, over every canvas to the last, the fills as they
went out. Times are seconds of the worker's own clock since it took the job.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from inference.protocol import Canvas, Filled, Gap, ModelInfo, Piece, Run, join

Drafts = tuple[tuple[Run, ...], ...]
"""For each gap, in order, its text as runs."""


@dataclass(frozen=True)
class Recording:
    """``pieces`` is what ``model`` was asked to fill."""

    model: ModelInfo
    pieces: tuple[Piece, ...]
    canvases: tuple[Canvas, ...]
    filled: Filled

    @cached_property
    def times(self) -> tuple[float, ...]:
        """When each frame was there; never earlier than the one before."""
        canvases = (canvas.seconds for canvas in self.canvases)
        return tuple(accumulate((0.0, *canvases, self.filled.seconds), max))

    @property
    def last(self) -> int:
        """The frame that holds the fills."""
        return len(self.canvases) + 1

    def frame_at(self, seconds: float) -> int:
        """What was on the screen so long after the start."""
        return max(0, bisect_right(self.times, seconds) - 1)

    def canvas(self, frame: int) -> Canvas | None:
        """The canvas that a frame shows; ``None`` for the first and the last."""
        return self.canvases[frame - 1] if 0 < frame < self.last else None

    def drafts(self, frame: int) -> Drafts:
        """The runs of every gap."""
        canvas = self.canvas(frame)
        if canvas is not None:
            return canvas.gaps
        if frame == self.last:
            return tuple((Run(fill, settled=True),) if fill else () for fill in self.filled.fills)
        return ((),) * sum(isinstance(piece, Gap) for piece in self.pieces)

    def text(self, frame: int) -> str:
        """The report at a frame."""
        fills = ["".join(run.text for run in runs) for runs in self.drafts(frame)]
        return join(self.pieces, fills)

    @property
    def final_text(self) -> str:
        return self.text(self.last)


@dataclass(frozen=True)
class Figures:
    """What is told of a recording. Times are in seconds, ``None`` where they never came.

    ``tokens`` are those that the worker counts: the free positions of a canvas, the tokens that
    were written one by one. ``words`` are those of the fills, which both count alike.
    """

    seconds: float
    first_text: float | None
    first_settled: float | None
    tokens: int
    words: int
    forwards: int

    @property
    def tokens_per_second(self) -> float | None:
        return self.tokens / self.seconds if self.seconds > 0 else None

    @property
    def words_per_second(self) -> float | None:
        return self.words / self.seconds if self.seconds > 0 else None


def figures(recording: Recording) -> Figures:
    filled = recording.filled
    shown = [
        (recording.times[frame], [run for runs in recording.drafts(frame) for run in runs])
        for frame in range(1, recording.last + 1)
    ]
    return Figures(
        seconds=filled.seconds,
        first_text=_first(shown, settled=False),
        first_settled=_first(shown, settled=True),
        tokens=filled.tokens,
        words=sum(len(fill.split()) for fill in filled.fills),
        forwards=filled.forwards,
    )


def _first(shown: Sequence[tuple[float, Sequence[Run]]], *, settled: bool) -> float | None:
    return next(
        (
            seconds
            for seconds, runs in shown
            if any(run.text.strip() and (run.settled or not settled) for run in runs)
        ),
        None,
    )


@dataclass(frozen=True)
class Timeline:
    """Two recordings from the same start: the moments at which either showed something else."""

    left: Recording
    right: Recording

    @cached_property
    def moments(self) -> tuple[float, ...]:
        return tuple(sorted({*self.left.times, *self.right.times}))

    @property
    def last(self) -> int:
        return len(self.moments) - 1

    @property
    def seconds(self) -> float:
        """How long the slower of them took."""
        return self.moments[-1]

    def moment_at(self, seconds: float) -> int:
        return max(0, bisect_right(self.moments, seconds) - 1)

    def frames(self, moment: int) -> tuple[int, int]:
        """The frame of each side at a moment."""
        seconds = self.moments[moment]
        return self.left.frame_at(seconds), self.right.frame_at(seconds)
