"""A table of phrases, and the items that it finds in the words of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from radiology.language.spans import Span, Word


class Role(Enum):
    """What a phrase does in a sentence."""

    FINDING = auto()
    DEVICE = auto()
    REGION = auto()  # an anatomical subject that a state is said of
    STATE = auto()  # normal, enlarged, clear
    ATTRIBUTE = auto()  # side, level, severity, size, change, number, tip, qualifier
    CUE = auto()  # denies or doubts what is before or behind it
    BREAK = auto()  # ends what cues and attributes reach: but, however, ";"
    JOIN = auto()  # and, or, comma
    GLUE = auto()  # articles, prepositions, forms of "to be"
    ADVICE = auto()  # recommends
    STUDY = auto()  # what may be recommended: CT, follow-up
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Term:
    """A meaning: of findings and devices ``names`` are concepts, of regions the regions.

    ``attributes`` are pairs such as ``("side", "left")``.
    """

    role: Role
    names: tuple[str, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A phrase of a sentence at ``start:end``, or a word that the table does not have."""

    start: int
    end: int
    text: str  # its first word, in lower case
    term: Term

    @property
    def role(self) -> Role:
        return self.term.role

    @property
    def name(self) -> str:
        return self.term.names[0] if self.term.names else ""

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


UNKNOWN: Final = Term(Role.OTHER)

_ALTERNATIVES: Final = re.compile(r"[^\s/]+(?:/[^\s/]+)+")
_OPTIONAL: Final = re.compile(r"\(([^()]*)\)")
_PLURAL: Final = "~"


def expand(pattern: str) -> Iterator[str]:
    """The phrases of a pattern: "(left) lung/pleural mass~" has eight.

    Words in brackets may be absent, "/" stands between alternatives of one word, "~" is an "s"
    that may be absent.
    """
    if optional := _OPTIONAL.search(pattern):
        head, tail = pattern[: optional.start()], pattern[optional.end() :]
        yield from expand(head + tail)
        yield from expand(head + optional[1] + tail)
    elif alternatives := _ALTERNATIVES.search(pattern):
        head, tail = pattern[: alternatives.start()], pattern[alternatives.end() :]
        for word in alternatives[0].split("/"):
            yield from expand(head + word + tail)
    elif _PLURAL in pattern:
        yield from expand(pattern.replace(_PLURAL, "", 1))
        yield from expand(pattern.replace(_PLURAL, "s", 1))
    else:
        yield " ".join(pattern.split())


class Lexicon:
    """Phrases and their terms; of two that start at one word the longer counts."""

    def __init__(self, tables: Iterable[tuple[str, Term]]) -> None:
        phrases: dict[str, dict[tuple[str, ...], Term]] = {}
        for patterns, term in tables:
            for pattern in patterns.split("|"):
                for phrase in expand(pattern):
                    words = tuple(phrase.split())
                    phrases.setdefault(words[0], {}).setdefault(words, term)
        self._phrases: Mapping[str, tuple[tuple[tuple[str, ...], Term], ...]] = {
            first: tuple(sorted(found.items(), key=lambda pair: -len(pair[0])))
            for first, found in phrases.items()
        }

    def items(self, words: Sequence[Word]) -> list[Item]:
        """All of ``words`` as items, from left to right."""
        lowers = [word.lower for word in words]
        found: list[Item] = []
        position = 0
        while position < len(words):
            length, term = self._longest(lowers, position)
            first, last = words[position], words[position + length - 1]
            found.append(Item(first.start, last.end, first.lower, term))
            position += length
        return found

    def _longest(self, lowers: Sequence[str], position: int) -> tuple[int, Term]:
        for phrase, term in self._phrases.get(lowers[position], ()):
            length = len(phrase)
            if length == 1 or tuple(lowers[position : position + length]) == phrase:
                return length, term
        return 1, UNKNOWN
