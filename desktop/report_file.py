"""Report files: UTF-8 text in which ``{{gap}}`` or ``{{gap 12}}`` (tokens) marks a gap.

``{{gap: some words}}`` is a gap with the words that stand in it now: a clue to its length, and
what a warm job begins near. All else is pinned byte for byte: line ends stay as they are, white
space at the end of a line too. Spaces and tabs may stand inside the braces; a byte order mark at
the start is no text and is dropped. What begins like a gap mark and is none, such as ``{{gap x}}``
or ``{{gap 0}}``, is an error, never silently pinned.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

from desktop.report.spans import GAP_CHAR
from inference.protocol import Fixed, Gap, Piece

MAX_BYTES: Final = 1_000_000
"""More than any report; a file beyond it is something else, named by mistake."""

_MARK: Final = re.compile(
    r"\{\{[ \t]*gap(?:[ \t]+([1-9][0-9]{0,5}))?[ \t]*(?::[ \t]*([^{}]*?)[ \t]*)?\}\}"
)
_LIKE_A_MARK: Final = re.compile(r"\{\{[ \t]*gap(?![a-z])[^{}\r\n]{0,20}\}{0,2}")


class ReportFileError(Exception):
    """``str()`` is one sentence: what is wrong with the report file and what to do."""


def parse(text: str) -> tuple[Piece, ...]:
    """The pieces of a report text, in order; fixed pieces are never empty.

    Raises :class:`ReportFileError` for a malformed gap mark, or if there is no gap.
    """
    pieces: list[Piece] = []
    end = 0
    for mark in _MARK.finditer(text):
        pieces += _fixed(text, end, mark.start())
        pieces.append(Gap(int(mark[1]) if mark[1] else None, mark[2] or ""))
        end = mark.end()
    pieces += _fixed(text, end, len(text))
    if not any(isinstance(piece, Gap) for piece in pieces):
        raise ReportFileError(
            "there is no gap in it: write {{gap}}, or {{gap 12}} for twelve tokens, where the "
            "model may write"
        )
    return tuple(pieces)


def read(path: Path) -> tuple[Piece, ...]:
    """The pieces of a report file; ``-`` reads standard input. Raises :class:`ReportFileError`."""
    name = "standard input" if str(path) == "-" else str(path)
    try:
        return parse(_decode(_read_bytes(path)))
    except ReportFileError as error:
        raise ReportFileError(f"{name}: {error}.") from None


def read_text(path: Path) -> str:
    """The text of a report file as it stands, ``-`` reads standard input.

    Raises :class:`ReportFileError`.
    """
    name = "standard input" if str(path) == "-" else str(path)
    try:
        return _decode(_read_bytes(path))
    except ReportFileError as error:
        raise ReportFileError(f"{name}: {error}.") from None


def mask_gaps(text: str) -> str:
    """``text`` with its gap marks written over by U+FFFC and its line ends as ``\\n``.

    Every other character stands where it stood, so that line and column stay true.
    """
    return _MARK.sub(lambda mark: GAP_CHAR * len(mark[0]), mask_line_ends(text))


def mask_line_ends(text: str) -> str:
    """``text`` with every line end as ``\\n`` and no U+FFFC, all else where it stood."""
    return text.replace(GAP_CHAR, "\ufffd").replace("\r\n", " \n").replace("\r", "\n")


def gap_mark(gap: Gap) -> str:
    """A gap as it is written in a report file."""
    return "{{gap}}" if gap.tokens is None else f"{{{{gap {gap.tokens}}}}}"


def _fixed(text: str, start: int, end: int) -> list[Piece]:
    bad = _LIKE_A_MARK.search(text, start, end)
    if bad:
        line = text.count("\n", 0, bad.start()) + 1
        raise ReportFileError(
            f"“{bad[0]}” in line {line} is not a gap mark: write {{{{gap}}}}, or {{{{gap 12}}}} "
            "for twelve tokens"
        )
    return [Fixed(text[start:end])] if start < end else []


def _read_bytes(path: Path) -> bytes:
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with path.open("rb") as file:
                data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ReportFileError("there is no such file, so check its name") from None
    except IsADirectoryError:
        raise ReportFileError("this is a folder, so name a report file in it") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ReportFileError(f"the file cannot be read ({reason}), so mend that first") from None
    if len(data) > MAX_BYTES:
        raise ReportFileError(
            f"it is larger than {MAX_BYTES:,} bytes and so no report: name a text file"
        )
    return data


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReportFileError(
            f"it is not UTF-8 text (byte {error.start}, line {line}), so save it as UTF-8"
        ) from None
