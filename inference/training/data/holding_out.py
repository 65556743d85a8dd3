"""Holding out rows to validate on, so that nothing seen in training is validated on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from inference.training.data.rows import Row

_WHOLE: Final = 2**64


def hold_out(
    rows: Sequence[Row], share: float, seed: int = 0
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The rows to train on and those held out, both in the order of ``rows``.

    Whole groups (images, patients) are held out, about ``share`` of them, 0 to 1, chosen by a
    hash of the seed and the group's name: rows that are added later move none of the others. With
    a share between 0 and 1 and two groups or more, either side gets at least one group; that one
    may move. Raises :class:`ValueError` for a share beyond 0 and 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, not at {share}")
    places = {row.group: _place(row.group, seed) for row in rows}
    held = {group for group, place in places.items() if place < share * _WHOLE}
    if 0 < share < 1 and len(places) > 1:
        in_order = sorted(places, key=places.__getitem__)
        held = (held | {in_order[0]}) - ({in_order[-1]} if len(held) == len(places) else set())
    return (
        tuple(row for row in rows if row.group not in held),
        tuple(row for row in rows if row.group in held),
    )


def _place(group: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}\n{group}".encode()).digest()[:8])
