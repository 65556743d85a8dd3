"""The fields of a row as text, or a sentence about what is wrong with one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inference.training.data.files import NotUtf8, RepeatedKey
from inference.training.data.rows import BadRow, Kind

_YES_OR_NO: Final = frozenset({"yes", "no"})

NOT_UTF_8: Final = "The row is not UTF-8; save the file as UTF-8, or write the row again."


_KINDS: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}
"""What JSON calls what is no text."""


def record(value: Any) -> dict[str, Any]:
    """``value`` as a JSON object. Raises :class:`BadRow` where it is none."""
    if isinstance(value, NotUtf8):
        raise BadRow(NOT_UTF_8)
    if isinstance(value, RepeatedKey):
        raise BadRow(f"The key {value.key!r} stands twice; keep one of them.")
    if not isinstance(value, dict):
        raise BadRow("The row is not a JSON object; write it as one, in braces.")
    return value


def text(row: Mapping[str, Any], key: str) -> str:
    """A text that must be there, as it stands, without white space around it.

    Raises :class:`BadRow`.
    """
    value = row.get(key)
    if value is None:
        raise BadRow(f"{key!r} is missing; add it.")
    if not isinstance(value, str):
        raise BadRow(f"{key!r} is {_KINDS.get(type(value), 'no text')}; write it as a text.")
    if not value.strip():
        raise BadRow(f"{key!r} is empty; fill it in, or delete the row.")
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadRow(f"{key!r} holds half a character (a lone surrogate); write it again.")
    return value.strip()


def line(row: Mapping[str, Any], key: str) -> str:
    """The same on one line, every run of white space a single space."""
    return " ".join(text(row, key).split())


def figure(row: Mapping[str, Any], key: str) -> str:
    """The same of what data sets also write as a number, e.g. an id: it counts as its digits."""
    value = row.get(key)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    if value is not None and not isinstance(value, str):
        raise BadRow(f"{key!r} is neither a text nor a number; write it as a text.")
    return line(row, key)


def kind_of(answer: str) -> Kind:
    """Closed where the answer is yes or no: for data that does not say it."""
    return "closed" if answer.rstrip(".").casefold() in _YES_OR_NO else "open"


def answer_type(row: Mapping[str, Any]) -> Kind:
    """What ``answer_type`` says, as VQA-RAD and SLAKE write it. Raises :class:`BadRow`."""
    told = line(row, "answer_type").upper()
    if told == "CLOSED":
        return "closed"
    if told == "OPEN":
        return "open"
    raise BadRow(f"The answer_type is {told!r}; write OPEN or CLOSED.")
