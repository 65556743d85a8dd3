"""What benchmarks of infills are asked on: reports with sentences taken out, one a seed."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.evaluation.answering import image_of
from inference.evaluation.held_out import held_out
from inference.evaluation.sentences import Removed, remove_sentences
from inference.training.data.rows import DataError, Row
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
class Report:
    """Somebody's report: text alone. ``seed`` is its line in the file, counted from 1."""

    seed: int
    text: str

    def item(self, gaps: int) -> Item:
        """Raises :class:`~inference.evaluation.sentences.TooFewSentences`."""
        return Item(
            self.seed, remove_sentences(self.text, gaps, random.Random(f"bench {self.seed}"))
        )


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


Source = FictionalStudy | Report | StudyReport
"""Small enough to be sent to another process, which makes the item."""


def read_reports(path: Path) -> list[Report]:
    """The reports of a file that holds ``{"text": …}`` a line; blank lines are passed over.

    Raises :class:`~inference.training.data.rows.DataError`.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as UTF-8 text: {error}.") from None
    reports = [
        Report(number, _text(line, path, number))
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    if not reports:
        raise DataError(f'{path} holds no report. Write one {{"text": "…"}} a line.')
    return reports


def _text(line: str, path: Path, number: int) -> str:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"Line {number} of {path} is not JSON ({error.msg}, column {error.colno}). Mend it or "
            "take it out."
        ) from None
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str) or not text.strip():
        raise DataError(
            f'Line {number} of {path} holds no text. Give it as {{"text": "…"}}, or take the line '
            "out."
        )
    return text
