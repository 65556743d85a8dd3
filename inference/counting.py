"""Numbers of things in sentences."""

from __future__ import annotations


def counted(count: int, what: str) -> str:
    """``1 row in zh``, ``2 rows in zh`` of ``what`` in the plural, its noun first."""
    noun, space, rest = what.partition(" ")
    if count == 1:
        noun = f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
    return f"{count:,} {noun}{space}{rest}"


def is_or_are(count: int) -> str:
    """The verb behind a number of things."""
    return "is" if count == 1 else "are"
