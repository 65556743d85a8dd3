"""Where candidates differ in a word that decides clinically: side, negation, size, severity, level.

Sentences of two fills are paired by the words that they share besides those, and the words of a
pair are aligned. A sentence that only one of the fills has is no difference in a word: the list of
the candidates shows it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum, auto
from functools import lru_cache
from typing import Final

from desktop.report.sentences import sentences

NOTHING: Final = "(nothing)"
"""How a missing word and an empty fill are shown."""


class Kind(Enum):
    """What a clinical word decides; words of one kind may stand in for each other."""

    SIDE = auto()
    NEGATION = auto()
    EXTENT = auto()  # size and severity: an effusion is small or moderate
    MEASURE = auto()
    UNIT = auto()
    COURSE = auto()
    LEVEL = auto()
    NORMALITY = auto()


@dataclass(frozen=True, slots=True)
class Difference:
    """A word ``start:end`` of a fill, and what stands there in other candidates, most often first.

    ``alternatives`` pairs each with the number of candidates that have it, out of ``candidates``.
    """

    start: int
    end: int
    word: str
    alternatives: tuple[tuple[str, int], ...]
    candidates: int

    @property
    def told(self) -> str:
        """For example "right · bilateral in 2 of 5"."""
        others = (
            f"{text or NOTHING} in {count} of {self.candidates}"
            for text, count in self.alternatives
        )
        return " · ".join([self.word, *others])


# One meaning a line: its words are no difference to each other.
_MEANINGS: Final[dict[Kind, tuple[str, ...]]] = {
    Kind.SIDE: (
        "left leftward",
        "right rightward",
        "bilateral bilaterally both bibasilar bibasal biapical",
        "unilateral unilaterally",
    ),
    Kind.NEGATION: (
        "no not without absent absence none nor neither never negative cannot isn't aren't wasn't",
    ),
    Kind.EXTENT: (
        "tiny minute punctate",
        "small smaller",
        "large larger big",
        "massive huge",
        "minimal minimally trace",
        "mild mildly slight slightly",
        "moderate moderately",
        "severe severely marked markedly",
    ),
    Kind.COURSE: ("acute acutely", "subacute", "chronic chronically"),
    Kind.LEVEL: (
        "upper",
        "middle mid",
        "lower",
        "apical apex apices",
        "basal basilar base bases basally",
    ),
    Kind.NORMALITY: (
        "normal normally unremarkable clear",
        "abnormal abnormally enlarged enlargement",
    ),
}
_TERMS: Final = {
    word: (kind, meaning.split()[0])
    for kind, meanings in _MEANINGS.items()
    for meaning in meanings
    for word in meaning.split()
}
_UNITS: Final = {
    **dict.fromkeys(("mm", "millimetre", "millimetres", "millimeter", "millimeters"), "mm"),
    **dict.fromkeys(("cm", "centimetre", "centimetres", "centimeter", "centimeters"), "cm"),
}
_BETWEEN_NUMBERS: Final = frozenset({"x", "×", "by", "to"})
_LITTLE: Final = frozenset(
    word
    for line in (
        "a an and are as at be been by evidence for from has have in is it noted of on or",
        "seen than that the there this to was were which with",
    )
    for word in line.split()
)
"""Words that say nothing of what a sentence is about."""

_WORD: Final = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*|×")
_ALIKE: Final = 0.4
"""Sentences that share less of their words (Dice's coefficient) are about other things."""

_SHOWN_WORDS: Final = 6


@dataclass(frozen=True, slots=True)
class _Word:
    start: int
    end: int
    text: str
    kind: Kind | None
    key: str  # equal for words that mean the same

    @property
    def role(self) -> str:
        """Equal for words that may be aligned."""
        return self.key if self.kind is None else self.kind.name


@lru_cache(maxsize=512)
def find_differences(fills: tuple[str, ...], chosen: int) -> tuple[Difference, ...]:
    """Where a clinical word of fill ``chosen`` reads otherwise in other ``fills`` of the same gap.

    A word that only the others have is told at the word beside it. The differences are single
    words from left to right.
    """
    fill = fills[chosen]
    found: dict[tuple[int, int], Counter[str]] = {}
    for number, other in enumerate(fills):
        if number == chosen or other == fill:
            continue
        told: dict[tuple[int, int], str] = {}
        for word, alternative in _compare(fill, other):
            told.setdefault((word.start, word.end), alternative)
        for place, alternative in told.items():
            found.setdefault(place, Counter())[alternative] += 1
    return tuple(
        Difference(start, end, fill[start:end], tuple(counts.most_common()), len(fills))
        for (start, end), counts in sorted(found.items())
    )


def _compare(fill: str, other: str) -> Iterator[tuple[_Word, str]]:
    """The words of ``fill`` that decide otherwise in ``other``, with what stands there."""
    for mine, theirs in _pairs(_sentences(fill), _sentences(other)):
        moved = {kind for kind in Kind if _is_one_and_same(mine, theirs, kind)}
        alignment = SequenceMatcher(
            None, [word.role for word in mine], [word.role for word in theirs], autojunk=False
        )
        for tag, *places in alignment.get_opcodes():
            if tag == "equal":
                low, high, from_, to = places
                for word, their in zip(mine[low:high], theirs[from_:to], strict=True):
                    if word.key != their.key:
                        yield word, their.text
            else:
                yield from _opposed(mine, theirs, places, moved)


def _opposed(
    mine: Sequence[_Word], theirs: Sequence[_Word], places: Sequence[int], moved: set[Kind]
) -> Iterator[tuple[_Word, str]]:
    """What differs where ``theirs[from_:to]`` stands in place of ``mine[low:high]``."""
    low, high, from_, to = places
    out, into = mine[low:high], theirs[from_:to]
    only_mine, only_theirs = _lacking(out, into, moved), _lacking(into, out, moved)
    for word in only_mine:
        same_kind = [their for their in only_theirs if their.kind is word.kind]
        yield word, _spoken(same_kind or into)
    if only_theirs and not only_mine:
        if out:
            yield out[-1], _spoken(into)
        elif low < len(mine):
            yield mine[low], _spoken(theirs[from_ : to + 1])
        elif mine:
            yield mine[-1], _spoken(theirs[from_ - 1 : to])


def _lacking(words: Sequence[_Word], others: Sequence[_Word], moved: set[Kind]) -> list[_Word]:
    """The clinical words whose meaning the others have not, but for the ``moved`` kinds."""
    keys = {word.key for word in others}
    return [w for w in words if w.kind and w.kind not in moved and w.key not in keys]


def _is_one_and_same(mine: Sequence[_Word], theirs: Sequence[_Word], kind: Kind) -> bool:
    """Whether both sentences have one word of ``kind``, the same: it may just stand elsewhere."""
    keys = [[word.key for word in words if word.kind is kind] for words in (mine, theirs)]
    return len(keys[0]) == 1 and keys[0] == keys[1]


def _pairs(
    mine: Sequence[list[_Word]], theirs: Sequence[list[_Word]]
) -> Iterator[tuple[list[_Word], list[_Word]]]:
    """The sentences that are about the same; two fills of one sentence each always are."""
    if len(mine) <= 1 and len(theirs) <= 1:
        yield (mine[0] if mine else [], theirs[0] if theirs else [])
        return
    left = list(theirs)
    for sentence in mine:
        best = max(left, key=lambda other: _likeness(sentence, other), default=None)
        if best is not None and _likeness(sentence, best) >= _ALIKE:
            left.remove(best)
            yield sentence, best


def _likeness(mine: Sequence[_Word], theirs: Sequence[_Word]) -> float:
    """Dice's coefficient of what two sentences are about, 0 to 1."""
    one, other = (
        {word.key for word in words if word.kind is None and word.key not in _LITTLE}
        for words in (mine, theirs)
    )
    if not one and not other:
        return 1.0
    return 2 * len(one & other) / (len(one) + len(other))


def _sentences(text: str) -> list[list[_Word]]:
    return [list(_words(text, start, end)) for start, end in sentences(text)]


def _words(text: str, start: int, end: int) -> Iterator[_Word]:
    matches = list(_WORD.finditer(text, start, end))
    lowered = [match[0].lower().replace("’", "'") for match in matches]
    for number, match in enumerate(matches):
        word = lowered[number]
        kind, key = _TERMS.get(word, (None, word))
        if word[0].isdigit() and _is_measured(lowered, number):
            kind = Kind.MEASURE
        elif word in _UNITS and number and lowered[number - 1][0].isdigit():
            kind, key = Kind.UNIT, _UNITS[word]
        yield _Word(match.start(), match.end(), match[0], kind, key)


def _is_measured(words: Sequence[str], number: int) -> bool:
    """Whether a unit of length follows the number, perhaps after more of its like: 3 x 4 mm."""
    for word in words[number + 1 :]:
        if word in _UNITS:
            return True
        if not word[0].isdigit() and word not in _BETWEEN_NUMBERS:
            return False
    return False


def _spoken(words: Sequence[_Word]) -> str:
    """The words as they stand, cut where they are many."""
    text = " ".join(word.text for word in words[:_SHOWN_WORDS])
    return f"{text} …" if len(words) > _SHOWN_WORDS else text
