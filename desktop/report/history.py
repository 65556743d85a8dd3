"""Undo and redo: whole states of the report, because they are small and cannot come out wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from desktop.report.spans import Content

MAX_STEPS: Final = 1_000
PAUSE_S: Final = 1.5
"""A pause this long while typing begins a new step."""


class Kind(Enum):
    """What a step was. Steps of typing or erasing join up, all others stand alone."""

    TYPING = auto()
    ERASING = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class State:
    """A report and where the caret belongs in it."""

    content: Content
    caret: int


@dataclass(frozen=True, slots=True)
class Step:
    """One step back or forth. ``seconds`` is when it ended, ``open`` whether it can go on."""

    before: State
    after: State
    kind: Kind = Kind.OTHER
    seconds: float = 0.0
    open: bool = False


class History:
    """The steps that lead to the present state and those that were undone."""

    def __init__(self) -> None:
        self._done: list[Step] = []
        self._undone: list[Step] = []

    @property
    def can_undo(self) -> bool:
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        return bool(self._undone)

    def push(self, step: Step, *, starts_word: bool = False) -> None:
        """Add a step; it goes on with the last one while the reader types a word or erases."""
        self._undone.clear()
        last = self._done[-1] if self._done else None
        if (
            last is not None
            and last.open
            and step.open
            and last.kind is step.kind
            and last.after == step.before
            and step.seconds - last.seconds < PAUSE_S
            and not starts_word
        ):
            self._done[-1] = replace(step, before=last.before)
            return
        self._done.append(step)
        del self._done[:-MAX_STEPS]

    def undo(self) -> State | None:
        if not self._done:
            return None
        step = replace(self._done.pop(), open=False)
        self._undone.append(step)
        return step.before

    def redo(self) -> State | None:
        if not self._undone:
            return None
        step = self._undone.pop()
        self._done.append(step)
        return step.after
