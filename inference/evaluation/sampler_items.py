"""What benchmarks of infills are asked on: reports with sentences taken out, one a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.evaluation.answering import image_of
from inference.evaluation.held_out import held_out
from inference.evaluation.sentences import Removed, remove_sentences
from inference.training.data.reading import read
from inference.training.data.rows import DataError, Row, Split
from inference.training.data.telling import tell_left_out
from inference.training.report_language import prompt_context


@dataclass(frozen=True)
class Item:
    """``seed`` is the item's own: of its study, of its gaps and of every sampler's noise."""

    seed: int
    removed: Removed
    image: NDArray[np.uint8] | None = None
    context: str = ""


@dataclass(frozen=True)
class FictionalStudy:
    """A held-out study, with its image."""

    seed: int

    def item(self, gaps: int) -> Item:
        """Raises :class:`~inference.evaluation.sentences.TooFewSentences`."""
        study = held_out(self.seed)
        removed = remove_sentences(study.report, gaps, study.rng)
        return Item(self.seed, removed, study.image, prompt_context(study.case))


@dataclass(frozen=True)
class StudyReport:
    """A report of a data set, with the image beside it. ``seed`` is its place among the reports."""

    seed: int
    row: Row

    def item(self, gaps: int) -> Item:
        """Raises :class:`~inference.evaluation.sentences.TooFewSentences`, and
        :class:`~inference.training.data.rows.DataError` for an image that cannot be read."""
        removed = remove_sentences(self.row.answer, gaps, random.Random(f"bench {self.row.id}"))
        return Item(self.seed, removed, image_of(self.row), self.row.context)


Source = FictionalStudy | StudyReport
"""Small enough to be sent to another process, which makes the item."""


def read_reports(path: Path, split: Split) -> list[Row]:
    """The reports of a data set's split; what of it is gone on without is told on the terminal.

    Raises :class:`~inference.training.data.rows.DataError`.
    """
    reading = read(path, split)
    tell_left_out(reading)
    rows = [row for row in reading.rows if row.question is None]
    if not rows:
        raise DataError(
            f"{path} has no reports in its split {split}. Name a data set of reports; bench vqa is "
            "for questions."
        )
    return rows
