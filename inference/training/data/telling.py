"""Telling people, on the terminal, what of a data set is not used."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from inference.counting import counted
from inference.training.data.rows import Malformed, Reading


def tell_left_out(reading: Reading) -> None:
    """Name every row that is gone on without, count what nobody asked for, and say what else is
    to be known of how the data were read."""
    for note in reading.notes:
        print(f"pinfill: {note}", file=sys.stderr)
    tell_malformed(reading.malformed, "left out: ")
    for why, count in reading.left_out.items():
        print(f"pinfill: left out: {counted(count, why)}", file=sys.stderr)


def tell_malformed(malformed: Sequence[Malformed], prefix: str = "") -> None:
    """Name each by its file and line; lines that are wrong in the same way share a sentence."""
    alike: dict[tuple[object, str], list[int]] = {}
    for row in malformed:
        alike.setdefault((row.origin.file, row.reason), []).append(row.origin.line)
    for (file, reason), lines in alike.items():
        print(f"pinfill: {prefix}{file}:{_spans(lines)}: {reason}", file=sys.stderr)


def _spans(lines: Sequence[int]) -> str:
    """Numbers in rising order as spans, ``1-3, 7``."""
    spans: list[list[int]] = []
    for line in sorted(set(lines)):
        if spans and spans[-1][-1] == line - 1:
            spans[-1][1:] = [line]
        else:
            spans.append([line])
    return ", ".join("-".join(map(str, span)) for span in spans)
