"""What a training canvas looks like: clean, pinned, noised, and where the loss is taken.

Two shapes are mixed. *Whole* canvases are noised everywhere at one rate, as DiffusionGemma was
trained: what a draft meets. *Gapped* canvases have clean text beside pure noise, and filler at
the end of gaps that are longer than their text: what an infill meets, and what published recipes
leave out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

HELD_SHARE: Final = 0.03
"""Share of the pinned positions in the loss: the clamp overrules them, other samplers may not."""


@dataclass(frozen=True)
class Marks:
    """Token ids that structure a canvas. ``sentence_ends`` close a sentence, ``newline`` a line."""

    end_of_turn: int
    eos: int
    filler: int
    newline: int
    sentence_ends: frozenset[int]


@dataclass(frozen=True)
class Example:
    """One training canvas, all of shape (L,).

    ``target`` is the clean canvas, ``canvas`` what the decoder sees, ``held`` the pinned
    positions, ``asked`` those that the loss is taken at.
    """

    target: NDArray[np.int64]
    canvas: NDArray[np.int64]
    held: NDArray[np.bool_]
    asked: NDArray[np.bool_]


@dataclass(frozen=True)
class Mixture:
    """How often each shape is drawn, and how it is filled.

    ``floor`` is the smallest rate of noise.
    """

    whole: float = 0.3
    pure_noise: float = 0.4
    sections: float = 0.12
    phrases: float = 0.15
    exact: float = 0.25
    max_filler: int = 24
    max_section_filler: int = 60
    floor: float = 0.0


def corrupt(
    report: Sequence[int],
    marks: Marks,
    length: int,
    vocabulary: int,
    rng: np.random.Generator,
    mixture: Mixture = Mixture(),
    most_noise: float = 1.0,
    skip: int = 0,
) -> Example:
    """Draw one training canvas of ``length`` from a report's tokens (fewer than ``length``).

    ``most_noise`` scales the noise rate: a young denoiser learns to look at a token's neighbours
    while most of them are clean, and learns nothing of it from pure noise. The first ``skip``
    tokens of the report stand in the prompt, left of the canvas, as they do in a long report.
    """
    rest = report[skip:]
    if rng.random() < mixture.whole:
        target = _padded(list(rest), marks, length)
        held = np.zeros(length, np.bool_)
    else:
        gaps = draw_gaps(report, marks, rng, mixture, skip)
        target, held = _with_filler(rest, gaps, marks, length, rng, mixture)
    pure = rng.random() < mixture.pure_noise
    rate = 1.0 if pure else mixture.floor + (1 - mixture.floor) * rng.random()
    noised = (rng.random(length) < rate * most_noise) & ~held
    canvas = np.where(noised, rng.integers(vocabulary, size=length), target)
    return Example(target, canvas, held, ~held | (rng.random(length) < HELD_SHARE))


def reveal(
    example: Example,
    entropy: NDArray[np.floating],
    marks: Marks,
    vocabulary: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """A later canvas (L,) of the same example: what a denoiser is surest of stands, truly.

    ``entropy`` (L,) is the denoiser's at ``example.canvas``. A sampler settles filler and the end
    of the turn long before the words, and noise that falls on all positions alike never shows that:
    a denoiser that knew such noise alone would take a settled tail for a sign that there is no
    text. The cut lies at a random word that is still noise.
    """
    noised = example.canvas != example.target
    words = noised & ~np.isin(example.target, (marks.filler, marks.eos))
    if not words.any():
        return example.canvas
    cut = entropy[rng.choice(np.flatnonzero(words))]
    hidden = noised & (entropy >= cut)
    return np.where(hidden, rng.integers(vocabulary, size=len(noised)), example.target)


@dataclass(frozen=True)
class _Span:
    start: int
    stop: int
    is_section: bool


def draw_gaps(
    report: Sequence[int],
    marks: Marks,
    rng: np.random.Generator,
    mixture: Mixture,
    skip: int = 0,
) -> list[_Span]:
    """Draw the spans that become gaps: section bodies, sentences or phrases, in order.

    They are counted from the token behind the first ``skip``.
    """
    sections = [
        _Span(max(0, body.start - skip), body.stop - skip, True)
        for body in _section_bodies(report, marks)
        if body.stop > skip
    ]
    report = report[skip:]
    kind = rng.random()
    if kind < mixture.sections and sections:
        if rng.random() < 0.5:
            return sections
        return [sections[rng.integers(len(sections))]]
    wanted = int(rng.choice([1, 2, 3], p=[0.4, 0.3, 0.3]))
    sentences = _sentences(sections, report, marks)
    spans: list[_Span] = []
    for _ in range(wanted):
        if kind < mixture.sections + mixture.phrases or not sentences:
            start = int(rng.integers(len(report)))
            stop = min(len(report), start + int(rng.integers(1, 13)))
        else:
            first = int(rng.integers(len(sentences)))
            last = min(len(sentences) - 1, first + int(rng.random() < 0.2))
            start, stop = sentences[first].start, sentences[last].stop
        if all(stop < span.start or start > span.stop for span in spans):
            spans.append(_Span(start, stop, False))
    return sorted(spans, key=lambda span: span.start)


def _section_bodies(report: Sequence[int], marks: Marks) -> list[_Span]:
    """The lines under the headings: every other line that is not empty."""
    bodies, start, is_heading = [], 0, True
    for stop in [*(i for i, token in enumerate(report) if token == marks.newline), len(report)]:
        if stop > start:
            if not is_heading:
                bodies.append(_Span(start, stop, True))
            is_heading = not is_heading
        start = stop + 1
    return bodies


def _sentences(bodies: list[_Span], report: Sequence[int], marks: Marks) -> list[_Span]:
    sentences = []
    for body in bodies:
        start = body.start
        for index in range(body.start, body.stop):
            if report[index] in marks.sentence_ends or index == body.stop - 1:
                sentences.append(_Span(start, index + 1, False))
                start = index + 1
    return sentences


def _padded(tokens: list[int], marks: Marks, length: int) -> NDArray[np.int64]:
    tail = [marks.end_of_turn] + [marks.eos] * (length - len(tokens) - 1)
    return np.array((tokens + tail)[:length])


def _with_filler(
    report: Sequence[int],
    gaps: list[_Span],
    marks: Marks,
    length: int,
    rng: np.random.Generator,
    mixture: Mixture,
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The clean canvas with filler behind each gap's text, and which positions are held.

    A gap at the very end runs over the tail of the canvas half of the time.
    """
    tokens: list[int] = []
    held: list[bool] = []
    room = length - len(report) - 1
    at = 0
    opens_end = bool(gaps) and gaps[-1].stop == len(report) and rng.random() < 0.5
    for gap in gaps:
        tokens += report[at : gap.start]
        held += [True] * (gap.start - at)
        tokens += report[gap.start : gap.stop]
        most = mixture.max_section_filler if gap.is_section else mixture.max_filler
        spare = 0 if rng.random() < mixture.exact else int(rng.integers(min(most, room) + 1))
        if opens_end and gap is gaps[-1]:
            spare = 0
        room -= spare
        tokens += [marks.filler] * spare
        held += [False] * (gap.stop - gap.start + spare)
        at = gap.stop
    tokens += report[at:]
    held += [True] * (len(report) - at)
    held += [not opens_end] * (length - len(tokens))
    return _padded(tokens, marks, length), np.array(held)
