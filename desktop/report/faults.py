"""The model's known faults in words, and what of a report it had no room to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from inference.protocol import Fault, Filled

FAULT_WORDS: Final[dict[Fault, str]] = {
    "stutter": "repeats itself",
    "unclosed": "breaks off",
    "copy": "copies a pinned sentence",
    "stop": "has a stop too many",
    "heading": "has a heading twice or nothing under it",
    "broken": "has a sentence that is not whole",
    "empty": "wrote nothing inside a sentence",
}


def told(faults: Iterable[Fault]) -> str:
    """For example "repeats itself, breaks off"."""
    return ", ".join(FAULT_WORDS[fault] for fault in faults)


def unread(filled: Filled) -> Iterator[str]:
    """A sentence on what the model had not read, if it was so."""
    if filled.unseen:
        characters = "1 character" if filled.unseen == 1 else f"{filled.unseen:,} characters"
        were = "was" if filled.unseen == 1 else "were"
        yield (
            f"The report is longer than the model can read at once: {characters} away from the "
            f"gap {were} not read."
        )
