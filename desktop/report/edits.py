"""Which generated words a change by hand makes the reader's own.

What the reader types is typed. What is left of a generated word that was cut, glued or added to
is edited, and so are the words beside generated words that were taken out of their sentence:
where "no " goes out of "is no effusion", neither "is" nor "effusion" says what it said before.
A number is one word, whatever joins its digits or stands before them: 3.5, 4/5/2024, 3-4, <5.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from desktop.report.spans import Content, Origin

_SENTENCE_ENDS: Final = (".", "!", "?")
_JOINTS: Final = ".,/:–×"
"""Between two digits, these are part of a number; the full stop also before the first (.5)."""

_SIGNS: Final = "<>≤≥±~≈"
"""Before a digit, these are part of its number: <5 says something else than 5."""


def _in_word(text: str, position: int) -> bool:
    char = text[position : position + 1] if position >= 0 else ""
    if not char:
        return False
    if char in _JOINTS:
        before = text[position - 1 : position] if position else ""
        starts_number = char == "." and not before.isalnum()
        return text[position + 1 : position + 2].isdigit() and (before.isdigit() or starts_number)
    if char in _SIGNS:
        return text[position + 1 : position + 2].isdigit()
    return char.isalnum() or char in "-'’" or unicodedata.category(char).startswith("M")


def _joined(text: str, position: int) -> bool:
    """Whether ``position`` is inside a word."""
    return _in_word(text, position - 1) and _in_word(text, position)


def _word_start(text: str, position: int) -> int:
    while _in_word(text, position - 1):
        position -= 1
    return position


def _word_end(text: str, position: int) -> int:
    while _in_word(text, position):
        position += 1
    return position


def _are_sentences(text: str, start: int, end: int) -> bool:
    before = text[:start].rstrip(" \t")
    return (
        text[start:end].rstrip().endswith(_SENTENCE_ENDS)
        and (not before or before.endswith((*_SENTENCE_ENDS, "\n")))
        and not _joined(text, start)  # a full stop in a number ends no sentence
        and not _joined(text, end)
    )


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """``start:end`` widened to the ends of the words that it cuts."""
    low = _word_start(text, start) if _joined(text, start) else start
    high = _word_end(text, end) if _joined(text, end) else end
    return low, high


def belongs_behind_a_space(content: Content, position: int, text: str) -> bool:
    """Whether ``text`` begins a sentence that would be glued to the model's full stop before it."""
    before = content.clip(position - 1, position) if position else ()
    return (
        text[:1].isalpha()
        and unicodedata.east_asian_width(text[0]) not in "WF"  # written without spaces
        and any(span.origin is Origin.GENERATED for span in before)
        and content.text[position - 1 : position] in _SENTENCE_ENDS
    )


def touched(text: str, start: int, end: int, inserted: str, *, generated: bool) -> tuple[int, int]:
    """How far the words reach that change when ``inserted`` replaces ``start:end`` of ``text``.

    ``generated`` says whether words of the model go out. Returns ``(low, high)`` with
    ``low <= start`` and ``end <= high``.
    """
    if generated and not inserted and _are_sentences(text, start, end):
        return start, end
    low, high = _cut_or_glued(text, start, end, inserted)
    if generated and not inserted:
        before, after = start, end
        while before and text[before - 1] in " \t":
            before -= 1
        while text[after : after + 1] in (" ", "\t"):
            after += 1
        word_low, word_high = _word_start(text, before), _word_end(text, after)
        low = min(low, word_low) if word_low < before else low
        high = max(high, word_high) if word_high > after else high
    return low, high


def _cut_or_glued(text: str, start: int, end: int, inserted: str) -> tuple[int, int]:
    """The words at either edge as they were and as they become: digits may join only now."""
    new = text[:start] + inserted + text[end:]
    stop = start + len(inserted)
    low, high = start, end
    between_words = (_in_word(text, start - 1) or _in_word(new, start - 1)) and (
        _in_word(text, end) or _in_word(new, stop)
    )
    if between_words or _joined(text, start) or _joined(new, start):
        low = min(_word_start(text, start), _word_start(new, start))
    if between_words or _joined(text, end) or _joined(new, stop):
        high = max(_word_end(text, end), _word_end(new, stop) - stop + end)
    return low, high
