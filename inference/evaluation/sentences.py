"""Sentences of a report: take one out, find the first."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Final

_SENTENCE: Final = re.compile(r"[^\s][^\n]*?[.?!](?=\s|$)")
_HEADING: Final = re.compile(r"[A-Z][A-Z ]+:")


@dataclass(frozen=True)
class RemovedSentence:
    """``left + sentence + right`` is the report; ``left`` ends with the space before a sentence."""

    left: str
    sentence: str
    right: str


def remove_sentence(report: str, rng: random.Random) -> RemovedSentence:
    """Take one sentence out of a report, any but the last.

    Raises :class:`ValueError` if the report has fewer than two sentences.
    """
    found = [match for match in _SENTENCE.finditer(report) if not _HEADING.fullmatch(match[0])]
    if len(found) < 2:
        raise ValueError("a report of at least two sentences is needed")
    match = rng.choice(found[:-1])
    return RemovedSentence(report[: match.start()], match[0], report[match.end() :])


def first_sentence(text: str) -> str:
    """The first sentence of ``text``, without space around it; all of it if it has no end."""
    match = _SENTENCE.search(text)
    return (match[0] if match else text).strip()
