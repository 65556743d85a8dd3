"""Which of several candidates is offered first.

Where the length of a gap is known, a candidate's own likelihood is no better a judge than the other
candidates: what most of them say in some way is likely to be what the image and the text around the
gap ask for. So the first is the one that has most in common with all others, which is the minimum
Bayes risk choice under the overlap of words. Fills of different lengths in a gap of open length
are judged by how well they come back from noise (:mod:`~inference.restoring`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

from inference.protocol import Fault

_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Denoised:
    """One finished canvas: its fills, the faults in them, and the evidence (nats) for them.

    ``restoration`` (nats) says how well the fills come back from noise, 0 where nobody asked.
    """

    fills: tuple[str, ...]
    evidence: float
    faults: tuple[Fault, ...] = ()
    restoration: float = 0.0


Each = TypeVar("Each", bound=Denoised)


def word_bag(text: str) -> Counter[str]:
    """Words and punctuation, letter case ignored."""
    return Counter(_TOKEN.findall(text.lower()))


def overlap(one: Counter[str], other: Counter[str]) -> float:
    """F1 of two bags of words; 1.0 for two empty ones."""
    if not one and not other:
        return 1.0
    return 2 * (one & other).total() / (one.total() + other.total())


def agreement(canvases: Sequence[Sequence[str]]) -> list[float]:
    """How much each canvas's fills have in common with those of the others, 0 to 1.

    1.0 where there is no other.
    """
    bags = [[word_bag(fill) for fill in fills] for fills in canvases]
    if len(bags) == 1:
        return [1.0]
    return [
        fmean(
            fmean(overlap(*pair) for pair in zip(mine, theirs, strict=True))
            for number, theirs in enumerate(bags)
            if number != index
        )
        for index, mine in enumerate(bags)
    ]


def rank(canvases: Sequence[Each]) -> list[Each]:
    """All that differ, the best first: those without faults, the best restored, by agreement and
    then by evidence."""
    shared = agreement([canvas.fills for canvas in canvases])
    order = sorted(
        range(len(canvases)),
        key=lambda index: (
            len(canvases[index].faults),
            -canvases[index].restoration,
            -shared[index],
            -canvases[index].evidence,
        ),
    )
    unique: dict[tuple[str, ...], Each] = {}
    for index in order:
        unique.setdefault(canvases[index].fills, canvases[index])
    return list(unique.values())
