"""Where the words of a text lie, and its sentences as plain pairs of offsets."""

from __future__ import annotations

import re
from typing import Final

from radiology.language.sentences import find_sentences
from radiology.language.sentences import sentence_at as find_sentence

_WORD: Final = re.compile(r"\w+|\s+|[^\w\s]")


def words(text: str) -> list[str]:
    """``text`` cut into words, stretches of white space and single other characters."""
    return _WORD.findall(text)


def sentences(text: str) -> list[tuple[int, int]]:
    """``(start, end)`` of each sentence."""
    return [(span.start, span.end) for span in find_sentences(text)]


def sentence_at(text: str, position: int) -> tuple[int, int]:
    """The sentence that ``position`` is in, or the one that ends there; else nothing."""
    found = find_sentence(text, position)
    return found.start, found.end
