"""Texts of headers and file names as a reader is shown them: names in every script, no hidden hand.

A text from outside may hold characters that turn the direction of what follows, hide, or end a
line. Everything of a header, and every name of a file, goes through :func:`shown` on its way to a
window, a terminal or a sentence.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Final

_ISOLATE: Final = "\u2068"
_POP: Final = "\u2069"
"""First strong isolate and its end (Unicode Standard Annex 9, section 2.4)."""

_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})
_JOINERS: Final = frozenset("\u200c\u200d")
"""Part of words in Persian and in the scripts of India, between letters alone."""


def shown(text: str) -> str:
    """``text`` on one line, with characters that have no picture of their own written out.

    ``"a\\u202eb"`` becomes ``"a[U+202E]b"``. What is written from right to left is isolated, so
    that it cannot reorder what stands beside it.
    """
    plain = "".join(
        char if not _is_hidden(char) or _joins(text, at) else f"[U+{ord(char):04X}]"
        for at, char in enumerate(text)
    )
    if any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in plain):
        return f"{_ISOLATE}{plain}{_POP}"
    return plain


def shown_path(path: Path) -> str:
    """A whole path for a sentence."""
    return shown(str(path))


def person_name(value: object) -> str:
    """A value of the representation PN (PS3.5 section 6.2) as ``"Family, Given"``.

    Every script that the file has is shown, what comes after the first in brackets:
    ``"Yamada, Tarou (山田, 太郎; やまだ, たろう)"``.
    """
    told = [name for group in str(value or "").split("=") if (name := _in_one_script(group))]
    told = list(dict.fromkeys(told))
    if len(told) < 2:
        return "".join(told)
    return f"{told[0]} ({'; '.join(told[1:])})"


def _in_one_script(group: str) -> str:
    parts = [part.strip(" \0") for part in group.split("^")]
    main = [shown(part) for part in parts[:2] if part]
    return ", ".join(main) or " ".join(shown(part) for part in parts[2:] if part)


def _is_hidden(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _joins(text: str, at: int) -> bool:
    """Whether a joiner stands between letters that are not Latin."""
    around = text[max(at - 1, 0) : at] + text[at + 1 : at + 2]
    return (
        text[at] in _JOINERS
        and len(around) == 2
        and all(char > "\u02ff" and unicodedata.category(char)[0] in "LM" for char in around)
    )
