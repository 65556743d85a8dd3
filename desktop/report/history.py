"""Undo and redo: whole states of the report, because they are small and cannot come out wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from desktop.report.candidates import CandidateSet
from desktop.report.clashes import DismissedClash
from desktop.report.spans import Content

MAX_STEPS: Final = 1_000
PAUSE_S: Final = 1.5
"""A pause this long while typing begins a new step."""


class Kind(Enum):
    """What a step was. Steps of typing, erasing or choosing join up, all others stand alone."""

    TYPING = auto()
    ERASING = auto()
    CHOOSING = auto()  # between the candidates of one set
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class State:
    """A report, where the caret belongs in it, the candidates at hand, the clashes dismissed."""

    content: Content
    caret: int
    sets: tuple[CandidateSet, ...] = ()
    dismissed: tuple[DismissedClash, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One step back or forth. ``seconds`` is when it ended, ``open`` whether it can go on.

    ``chosen_in`` is the number of the set that a choice was made in.
    """

    before: State
    after: State
    kind: Kind = Kind.OTHER
    seconds: float = 0.0
    open: bool = False
    chosen_in: int | None = None

    def goes_on(self, last: Step) -> bool:
        """Whether this step and the one before it may be one."""
        if not (last.open and self.open and last.kind is self.kind):
            return False
        if self.kind is Kind.CHOOSING:  # the reader takes time to read, and the caret may move
            same_set = last.chosen_in == self.chosen_in
            return same_set and last.after.content == self.before.content
        return last.after == self.before and self.seconds - last.seconds < PAUSE_S


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

    @property
    def characters(self) -> int:
        """How many characters all states hold together."""
        return sum(len(step.before.content.text) for step in (*self._done, *self._undone))

    def push(self, step: Step, *, starts_word: bool = False) -> None:
        """Add a step; it goes on with the last one while the reader types a word, erases or
        looks through candidates. Back at the candidate that stood there first, there is no step.
        """
        self._undone.clear()
        if self._done and step.goes_on(self._done[-1]) and not starts_word:
            step = replace(step, before=self._done.pop().before)
            if step.before.content == step.after.content:
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
