"""What a judge is asked and what it says; the same for rules, endpoints and local models."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["closed", "open", "fill"]
"""A question with few possible answers, any other question, words of a report in a gap."""


class JudgeError(Exception):
    """One sentence: why there is no verdict, and what to do. The item stays unjudged.

    ``final`` where no other item would fare better, e.g. a key that is refused.
    """

    def __init__(self, sentence: str, *, final: bool = False) -> None:
        super().__init__(sentence)
        self.final = final


@dataclass(frozen=True)
class Item:
    """Who answered is not in it, so that no judge can know.

    ``question`` is ``""`` where a gap was filled; ``alternatives`` are as right as ``reference``.
    """

    question: str
    reference: str
    answer: str
    alternatives: tuple[str, ...] = ()
    kind: Kind = "open"

    @property
    def accepted(self) -> tuple[str, ...]:
        return (self.reference, *self.alternatives)


@dataclass(frozen=True)
class Verdict:
    """``by`` says who decided, a rule or a model; ``reason`` is theirs, for whoever audits it."""

    equivalent: bool
    by: str
    reason: str


@dataclass(frozen=True)
class Unjudged:
    """An item without a verdict, neither right nor wrong, and why in one sentence."""

    reason: str


class Judge(Protocol):
    """Gives the same verdict on the same item, as far as a model can."""

    @property
    def identity(self) -> str:
        """All that a verdict depends on but the item: verdicts of one are not another's."""
        ...

    @property
    def description(self) -> str:
        """What it is, for people who read its figures."""
        ...

    def verdict(self, item: Item) -> Verdict:
        """Raises :class:`JudgeError` where there is none; it may be asked again."""
        ...

    def close(self) -> None:
        """Give back connections, files or memory."""
        ...


def judge_all(
    judge: Judge,
    items: Sequence[Item],
    *,
    seed: int = 0,
    track: Callable[[Sequence[int]], Iterable[int]] = iter,
) -> list[Verdict | Unjudged]:
    """A verdict an item, in their order; asked in an order drawn from ``seed``.

    The answers of several models belong into one call: no model is then judged before another.
    ``track`` may show progress over what it is given.
    """
    order = list(range(len(items)))
    random.Random(seed).shuffle(order)
    verdicts: dict[int, Verdict | Unjudged] = {}
    for number in track(order):
        try:
            verdicts[number] = judge.verdict(items[number])
        except JudgeError as error:
            verdicts[number] = Unjudged(str(error))
    return [verdicts[number] for number in range(len(items))]
