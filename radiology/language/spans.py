"""Stretches of a text, and its words."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Span(NamedTuple):
    """The characters ``start:end`` of a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


class Word(NamedTuple):
    """A word, a number or a mark of punctuation at ``start:end``; ``lower`` as the lexicon has it.

    A hyphen inside a word is no word: "right-sided" is two words.
    """

    start: int
    end: int
    lower: str


_WORD: Final = re.compile(
    r"""\d+(?:[.,]\d+)*(?:st|nd|rd|th)?
    | [^\W\d_]+(?:['’][^\W\d_]+)*\d*
    | (?!(?<=\w)[-‐‑–](?=\w))[^\w\s]""",
    re.VERBOSE,
)


def find_words(text: str) -> list[Word]:
    """The words of ``text`` from left to right."""
    return [
        Word(match.start(), match.end(), match[0].lower().replace("’", "'"))
        for match in _WORD.finditer(text)
    ]
