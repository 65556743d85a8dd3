"""Which of two texts is better, asked without saying whose they are; answers kept in a CSV file.

A line of the file says nothing of the patient: no name, no study, no image, no path, no text. It
has when it was answered, a number drawn by chance, what the two models are called and how they
were asked, which of them stood on which side, how long they took, and the three answers.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

FILE_NAME: Final = "comparisons.csv"


class Answer(StrEnum):
    LEFT = "left"
    SAME = "same"
    RIGHT = "right"


QUESTIONS: Final = (
    ("accuracy", "Which is more accurate?"),
    ("style", "Which is better written?"),
    ("edits", "Which needs fewer edits?"),
)
"""The name of each answer in the file, and the question."""


class AnswersError(Exception):
    """The answers could not be written; the message says why and what to do."""


@dataclass(frozen=True)
class Line:
    """One blind comparison as the file keeps it; the fields are its columns."""

    answered: str  # UTC, ISO 8601
    comparison: str
    left: str  # the paradigm
    left_checkpoint: str
    left_adapter: str
    left_seconds: str
    right: str
    right_checkpoint: str
    right_adapter: str
    right_seconds: str
    sibling_mode: str
    seed: str
    candidates: str
    accuracy: str
    style: str
    edits: str


COLUMNS: Final = tuple(field.name for field in fields(Line))


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def fresh_id() -> str:
    """A number that no other comparison has, and that tells nothing."""
    return secrets.token_hex(8)


def draw_swapped(randbelow: Callable[[int], int] = secrets.randbelow) -> bool:
    """Whether the sides are exchanged this time."""
    return randbelow(2) == 1


def append(path: Path, line: Line) -> None:
    """Add a line, readable by this user alone. Raises :class:`AnswersError`.

    A line that a power cut tore is ended first, so that it takes no other with it.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "rb+") as file:
            file.write(_added(file, line))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or str(error)
        raise AnswersError(
            f"The answers could not be written ({path}: {reason}). They are still here: mend "
            "that and save again."
        ) from error


def _added(file: BinaryIO, line: Line) -> bytes:
    rows = [] if (size := file.seek(0, os.SEEK_END)) else [list(COLUMNS)]
    torn = b""
    if size:
        file.seek(size - 1)
        torn = b"" if file.read(1) == b"\n" else b"\n"
    rows.append([_plain(value) for value in astuple(line)])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return torn + text.getvalue().encode(errors="replace")


def _plain(value: str) -> str:
    """On one line; and no formula, which a spreadsheet takes for what begins like one."""
    value = " ".join(value.split())
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def read(path: Path) -> list[Line]:
    """The lines that are whole; torn and foreign ones are passed over."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    # One by one, for a quotation mark in a torn line would swallow the lines behind it.
    rows = [row for each in text.split("\n") for row in csv.reader([each])]
    return [Line(*row) for row in rows if len(row) == len(COLUMNS) and _is_answered(row)]


def _is_answered(row: list[str]) -> bool:
    return set(row[-len(QUESTIONS) :]) <= set(Answer)
