"""Which generated words a change by hand makes the reader's own.

What the reader types is typed. What is left of a generated word that was cut, glued or added to
is edited, and so are the words beside generated words that were taken out of their sentence:
where "no " goes out of "is no effusion", neither "is" nor "effusion" says what it said before.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_SENTENCE_ENDS: Final = (".", "!", "?")


def _in_word(char: str) -> bool:
    return bool(char) and (
        char.isalnum() or char in "-'’" or unicodedata.category(char).startswith("M")
    )


def _word_start(text: str, position: int) -> int:
    while _in_word(text[position - 1 : position] if position else ""):
        position -= 1
    return position


def _word_end(text: str, position: int) -> int:
    while _in_word(text[position : position + 1]):
        position += 1
    return position


def _are_sentences(text: str, start: int, end: int) -> bool:
    before = text[:start].rstrip(" \t")
    return text[start:end].rstrip().endswith(_SENTENCE_ENDS) and (
        not before or before.endswith((*_SENTENCE_ENDS, "\n"))
    )


def touched(text: str, start: int, end: int, inserted: str, *, generated: bool) -> tuple[int, int]:
    """How far the words reach that change when ``inserted`` replaces ``start:end`` of ``text``.

    ``generated`` says whether words of the model go out. Returns ``(low, high)`` with
    ``low <= start`` and ``end <= high``.
    """
    left, right = text[start - 1 : start] if start else "", text[end : end + 1]
    removed = text[start:end]
    if generated and not inserted:
        if _are_sentences(text, start, end):
            return start, end
        low, high = start, end
        while low and text[low - 1] in " \t":
            low -= 1
        while text[high : high + 1] in (" ", "\t"):
            high += 1
        word_low, word_high = _word_start(text, low), _word_end(text, high)
        return word_low if word_low < low else start, word_high if word_high > high else end
    joined = inserted or right
    ends_on = inserted or left
    split = _in_word(left) and _in_word(right)
    cut_left = split or _in_word(removed[:1]) or _in_word(joined[:1])
    cut_right = split or _in_word(removed[-1:]) or _in_word(ends_on[-1:])
    return (
        _word_start(text, start) if _in_word(left) and cut_left else start,
        _word_end(text, end) if _in_word(right) and cut_right else end,
    )
