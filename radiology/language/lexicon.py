"""A table of phrases, and the items that it finds in the words of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum, auto
from itertools import product
from typing import Final, NamedTuple

from radiology.language.spans import Span, Word


class Role(IntEnum):
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


class Item(NamedTuple):
    """A phrase of a sentence at ``start:end``, or a word that the table does not have."""

    start: int
    end: int
    text: str  # its first word, in lower case
    term: Term
    role: Role

    @property
    def name(self) -> str:
        return self.term.names[0] if self.term.names else ""

    @property
    def span(self) -> Span:
        return Span(self.start, self.end)


UNKNOWN: Final = Term(Role.OTHER)

_PART: Final = re.compile(r"\(([^()]*)\)|(\S+)")


def expand(pattern: str) -> Iterator[str]:
    """The phrases of a pattern: "(left) lung/pleural mass~" has eight.

    Words in brackets may be absent, "/" stands between alternatives of one word, "~" is an "s"
    that may be absent.
    """
    parts: list[list[str]] = []
    for optional, word in _PART.findall(pattern):
        if optional:
            parts.append(["", *expand(optional)])
        elif word == "/":
            parts.append([word])
        else:
            parts.append([form for option in word.split("/") for form in _forms(option)])
    for phrase in product(*parts):
        yield " ".join(" ".join(phrase).split())


def _forms(word: str) -> tuple[str, ...]:
    stem = word.removesuffix("~")
    return (stem, stem + "s") if stem != word else (word,)


class Lexicon:
    """Phrases and their terms; of two that start at one word the longer counts."""

    def __init__(self, tables: Iterable[tuple[str, Term]]) -> None:
        self._root = _Node()
        for patterns, term in tables:
            for pattern in patterns.split("|"):
                for phrase in expand(pattern):
                    node = self._root
                    for word in phrase.split():
                        node = node.following.setdefault(word, _Node())
                    node.term = node.term or term

    def items(self, words: Sequence[Word]) -> list[Item]:
        """All of ``words`` as items, from left to right."""
        found: list[Item] = []
        position, count = 0, len(words)
        while position < count:
            term, last, index = UNKNOWN, position, position
            following = self._root.following
            while index < count and (node := following.get(words[index].lower)):
                if node.term is not None:
                    term, last = node.term, index
                following = node.following
                index += 1
            first = words[position]
            found.append(Item(first.start, words[last].end, first.lower, term, term.role))
            position = last + 1
        return found


class _Node:
    """A word of phrases: what they mean if they end here, and how they go on."""

    __slots__ = ("following", "term")

    def __init__(self) -> None:
        self.following: dict[str, _Node] = {}
        self.term: Term | None = None
