"""Sentences of a report: take some out, find the first."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inference.counting import counted
from inference.protocol import Fixed, Gap, Piece

_SENTENCE: Final = re.compile(r"[^\s][^\n]*?[.?!](?=\s|$)")
_HEADING: Final = re.compile(r"[A-Z][A-Z ]+:")


class TooFewSentences(ValueError):
    """``str()`` says how many there are, and how many are needed."""


@dataclass(frozen=True)
class RemovedSentence:
    """``left + sentence + right`` is the report; ``left`` ends with the space before a sentence."""

    left: str
    sentence: str
    right: str


@dataclass(frozen=True)
class Removed:
    """``texts[0] + sentences[0] + texts[1] + …`` is the report: one text more than sentences."""

    texts: tuple[str, ...]
    sentences: tuple[str, ...]

    def pieces(self, gaps: Sequence[Gap]) -> tuple[Piece, ...]:
        """The report with a gap for every sentence that was taken out."""
        pieces: list[Piece] = [Fixed(self.texts[0])]
        for gap, text in zip(gaps, self.texts[1:], strict=True):
            pieces += [gap, Fixed(text)]
        return tuple(pieces)


def remove_sentence(report: str, rng: random.Random) -> RemovedSentence:
    """Take one sentence out of a report, any but the last; as :func:`remove_sentences` does."""
    removed = remove_sentences(report, 1, rng)
    return RemovedSentence(removed.texts[0], removed.sentences[0], removed.texts[1])


def remove_sentences(report: str, count: int, rng: random.Random) -> Removed:
    """Take ``count`` sentences out of a report, never the last one nor two that are neighbours.

    Raises :class:`TooFewSentences` where the report has fewer than ``2 * count``.
    """
    found = [match for match in _SENTENCE.finditer(report) if not _HEADING.fullmatch(match[0])]
    if len(found) < 2 * count:
        raise TooFewSentences(
            f"the report has {counted(len(found), 'sentences')}, and at least {2 * count} are "
            "needed"
        )
    # Places among the sentences that may go, less one neighbour for every sentence before: what is
    # drawn without order then leaves a neighbour between any two.
    drawn = sorted(rng.sample(range(len(found) - count), count))
    chosen = [found[place + index] for index, place in enumerate(drawn)]
    starts = [0, *(match.end() for match in chosen)]
    stops = [*(match.start() for match in chosen), len(report)]
    return Removed(
        tuple(report[start:stop] for start, stop in zip(starts, stops, strict=True)),
        tuple(match[0] for match in chosen),
    )


def first_sentence(text: str) -> str:
    """The first sentence of ``text``, without space around it; all of it if it has no end."""
    match = _SENTENCE.search(text)
    return (match[0] if match else text).strip()
