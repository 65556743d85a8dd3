"""Which of several candidates is offered first.

Where the length of a gap is known, a candidate's own likelihood is no better a judge than the other
candidates: what most of them say in some way is likely to be what the image and the text around the
gap ask for. So the first is the one that has most in common with all others, which is the minimum
Bayes risk choice under the overlap of words.

In a gap of open length the candidates are of different lengths, and every length has a sentence
that suits it. There it also counts how well each comes back from noise, a token
(:mod:`~inference.restoring`). A token of a short sentence comes back more easily than one of a long
one, which a bonus for length makes up for.

Before all of that, a candidate that clashes comes behind one that does not.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, TypeVar

from inference.protocol import ClashMark, Fault
from radiology.language.clash import Gravity

AGREEMENT: Final = 1.0
"""Nats a token that agreement with all other candidates is worth."""

LENGTH_BONUS: Final = 0.4
"""Nats a token that e times as many tokens are worth."""

_TOKEN: Final = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Denoised:
    """One finished canvas: its fills, and the faults and clashes that they bring.

    ``tokens`` counts those in the gaps of open length and one for the end of each; ``restoration``
    (nats) says how well these gaps come back from noise, ``None`` where nobody asked.
    """

    fills: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    clashes: tuple[ClashMark, ...] = ()
    tokens: int = 1
    restoration: float | None = None


def _restored(canvas: Denoised) -> float:
    """How well the gaps come back, in nats a token of their text; 0 where nobody asked."""
    if canvas.restoration is None:
        return 0.0
    return canvas.restoration / canvas.tokens + LENGTH_BONUS * math.log(canvas.tokens)


Disagreement = tuple[int, int, int, int, int]


def disagreement(canvas: Denoised) -> Disagreement:
    """How badly a canvas disagrees; less is better, and the first number that differs decides.

    Grave clashes with pins, slight ones, grave clashes without, slight ones, faults of form.
    """
    grave = Gravity.MAJOR

    def count(with_pin: bool, is_grave: bool) -> int:
        return sum(
            clash.with_pin is with_pin and (clash.gravity >= grave) is is_grave
            for clash in canvas.clashes
        )

    return (
        count(True, True),
        count(True, False),
        count(False, True),
        count(False, False),
        len(canvas.faults),
    )


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
    """All that differ, the best first; those that disagree more behind those that do less."""
    shared = agreement([canvas.fills for canvas in canvases])
    order = sorted(
        range(len(canvases)),
        key=lambda index: (
            disagreement(canvases[index]),
            -AGREEMENT * shared[index] - _restored(canvases[index]),
        ),
    )
    unique: dict[tuple[str, ...], Each] = {}
    for index in order:
        unique.setdefault(canvases[index].fills, canvases[index])
    return list(unique.values())
