"""What a search of folders passed over, counted by kind."""

from __future__ import annotations

from collections import Counter
from typing import Final

from desktop.studies.errors import (
    DamagedError,
    NotAnImageError,
    NotDicomError,
    PassedOver,
    StudyError,
)

_MANY: Final = {
    "file that is no DICOM": "files that are no DICOM",
    "DICOM object without an image": "DICOM objects without an image",
    "raw or derived object": "raw or derived objects",
    "index of a disc": "indexes of discs",
    "damaged DICOM file": "damaged DICOM files",
    "file that cannot be read": "files that cannot be read",
}
"""Plurals that are not made by an s."""

_OTHER, _DAMAGED, _UNREADABLE = (
    "file that is no DICOM",
    "damaged DICOM file",
    "file that cannot be read",
)


class Tally:
    """How many files of each kind were passed over."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __add__(self, other: Tally) -> Tally:
        both = Tally()
        both._counts = self._counts + other._counts
        return both

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, why: Exception | None) -> None:
        """Count a file; ``None`` is one that does not begin as DICOM does."""
        if why is None or isinstance(why, NotDicomError):
            kind = _OTHER
        elif isinstance(why, NotAnImageError):
            kind = why.kind
        elif isinstance(why, StudyError) and not isinstance(why, DamagedError):
            kind = _UNREADABLE
        else:
            kind = _DAMAGED
        self._counts[kind] += 1

    def __str__(self) -> str:
        """A clause, e.g. ``"3 files were passed over: 2 structured reports, 1 damaged DICOM
        file"``, the most frequent kind first.
        """
        total = self._counts.total()
        head = "1 file was" if total == 1 else f"{total} files were"
        kinds = ", ".join(_counted(kind, count) for kind, count in self._counts.most_common())
        return f"{head} passed over: {kinds}"

    def note(self) -> PassedOver:
        return PassedOver(f"{self}.")


def _counted(kind: str, count: int) -> str:
    return f"1 {kind}" if count == 1 else f"{count} {_MANY.get(kind, f'{kind}s')}"
