"""What a data set is read into: rows, what is wrong with the others, and what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

Kind = Literal["report", "closed", "open"]
"""A report, a question with few possible answers (yes or no, left or right), any other one."""

Split = Literal["train", "validate", "test"]
SPLITS: Final[tuple[Split, ...]] = ("train", "validate", "test")


class DataError(Exception):
    """A data set, a file or an image that cannot be used.

    ``str()`` is one sentence: what is wrong and what to do. ``malformed`` holds the rows that
    were at fault, where that is known.
    """

    def __init__(self, sentence: str, malformed: tuple[Malformed, ...] = ()) -> None:
        super().__init__(sentence)
        self.malformed = malformed


class BadRow(Exception):
    """One row that cannot be used; ``str()`` is a sentence. Reading makes :class:`Malformed` of it.

    A row never costs the rows around it.
    """


@dataclass(frozen=True)
class Origin:
    """Where something was read: a file and a line in it, counted from 1."""

    file: Path
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Row:
    """One thing to learn: a report, or the answer to a question.

    ``id`` is the same wherever the data set lies, and no other row has it. ``image`` is the file,
    ``None`` where there is none or none was wanted. ``question`` is ``None`` for a report: the
    report instruction is asked then. ``context`` stands beside the image, e.g. the indication;
    ``""`` if there is none. ``answer`` is the report's text or the answer, never empty;
    ``alternatives`` are other answers that are as right. Rows of one ``group``, an image or a
    patient, must never be trained on and validated on at the same time.
    """

    id: str
    origin: Origin
    image: Path | None
    question: str | None
    context: str
    answer: str
    kind: Kind
    group: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Malformed:
    """A row that cannot be used, and one sentence that says why."""

    origin: Origin
    reason: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.reason}"


@dataclass(frozen=True)
class LeftOut:
    """Something well-formed that nobody asked for, e.g. a row in another language."""

    why: str


@dataclass(frozen=True)
class Note:
    """A sentence about how a file was read, where that is not what was asked for."""

    sentence: str


@dataclass(frozen=True)
class Reading:
    """``rows`` in the order of the files, at least one; ``malformed`` the same.

    ``left_out`` says what else the files hold and how often, e.g. ``{"rows in zh": 1033}``,
    ``notes`` what else is to be known of how they were read.
    """

    layout: str
    split: Split
    rows: tuple[Row, ...]
    malformed: tuple[Malformed, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
