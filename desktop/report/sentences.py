"""Where the words and the sentences of a text lie."""

from __future__ import annotations

import re
from typing import Final

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")
_SENTENCE: Final = re.compile(r"\S.*?(?:[.!?]+(?=\s|$)|$)", re.MULTILINE)


def words(text: str) -> list[str]:
    """``text`` cut into words, stretches of white space and single other characters."""
    return _WORD.findall(text)


def sentences(text: str) -> list[tuple[int, int]]:
    """``(start, end)`` of each sentence: to its full stop, else to the end of its line."""
    return [match.span() for match in _SENTENCE.finditer(text)]


def sentence_at(text: str, position: int) -> tuple[int, int]:
    """The sentence that ``position`` is in, or the one that ends there; else nothing.

    Between two sentences it is the one before, on the same line.
    """
    here = (position, position)
    for start, end in sentences(text):
        if start > position:
            break
        here = (start, end)
    start, end = here
    return (position, position) if "\n" in text[end:position] else here
