"""Reports that were left for another one: kept with their undo while the window lives."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from desktop.report.model import Report

MOST_REPORTS: Final = 64
MOST_CHARACTERS: Final = 32_000_000
"""Of all states of all reports together; a report of an hour's dictation has about a million."""


class Shelf:
    """The reports of one window by the key of their study; the least recently left goes first.

    A report that is not on disk as it stands never goes, nor one that ``in_use`` tells of: a job
    runs for it, or what came of one waits to be taken.
    """

    def __init__(self, in_use: Callable[[Report], bool] = lambda report: False) -> None:
        self._in_use = in_use
        self._kept: OrderedDict[tuple[str, ...], tuple[Report, int]] = OrderedDict()

    def put(self, key: tuple[str, ...], report: Report, saved_revision: int) -> None:
        """Keep a report that is on disk as it was at ``saved_revision``."""
        self._kept[key] = report, saved_revision
        self._kept.move_to_end(key)
        self._make_room()

    def get(self, key: tuple[str, ...]) -> tuple[Report, int] | None:
        """The report and its saved revision; it stays kept."""
        return self._kept.get(key)

    def drop(self, key: tuple[str, ...]) -> None:
        self._kept.pop(key, None)

    def __len__(self) -> int:
        return len(self._kept)

    def _make_room(self) -> None:
        size = sum(report.characters_kept for report, _ in self._kept.values())
        for key, (report, saved) in list(self._kept.items())[:-1]:
            if len(self._kept) <= MOST_REPORTS and size <= MOST_CHARACTERS:
                return
            if report.revision == saved and not self._in_use(report):
                size -= report.characters_kept
                del self._kept[key]
