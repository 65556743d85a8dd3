"""How one radiologist words things: nearly always the same way.

A department's reports are not drawn sentence by sentence. Who writes "No effusion." at noon writes
it at night, and says of every chest what he always says, in the order that he always goes by. So
what a reader has dictated on one side of a gap tells a model how the rest of it will sound, as it
does in real reports.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Final, TypeVar

from inference.training.phrases import Bank, Phrases

VOICES: Final = 8

_HABIT: Final = 0.97
"""How often a radiologist does what is usual for him; otherwise he does as anyone might."""


Each = TypeVar("Each")


class Voice:
    """One of :data:`VOICES` radiologists; ``rng`` decides when he leaves his habits."""

    def __init__(self, number: int, rng: random.Random) -> None:
        self.number = number
        self._rng = rng

    def words(self, bank: Bank) -> str:
        """One wording of ``bank``."""
        if self._as_usual():
            return bank[int(self._trait(" | ".join(bank)) * len(bank))]
        return self._rng.choice(bank)

    def order(self, orders: Sequence[Each]) -> Each:
        """The way through a chest that this radiologist goes; two voices share none of 8."""
        return orders[self.number % len(orders)] if self._as_usual() else self._rng.choice(orders)

    def register(self, wording: Phrases, wordy: float) -> Bank:
        """The terse or the wordy bank of a fact; ``wordy`` is the share of wordy facts."""
        return wording.wordy if self.does(" | ".join(wording.wordy), wordy) else wording.terse

    def does(self, what: str, probability: float) -> bool:
        """Whether something happens that happens in ``probability`` of all reports."""
        return (self._trait(what) if self._as_usual() else self._rng.random()) < probability

    def _as_usual(self) -> bool:
        return self._rng.random() < _HABIT

    def _trait(self, what: str) -> float:
        """A number from 0 to 1 that is this radiologist's own, for ever."""
        digest = hashlib.sha256(f"{self.number} {what}".encode()).digest()
        return int.from_bytes(digest[:6]) / 2**48
