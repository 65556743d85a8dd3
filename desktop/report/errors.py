"""What can go wrong with a saved report, said to the reader."""

from __future__ import annotations

from pathlib import Path


class StoreError(Exception):
    """A report could not be read or written; the message says why and what to do.

    ``reason`` is the cause in a few words.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason or message


class StoreConflict(StoreError):
    """The file changed on disk since it was read here; it was not overwritten."""


class DamagedReport(StoreError):
    """The file is no report. It was moved to ``kept_at``, so that the study can go on."""

    def __init__(self, message: str, kept_at: Path) -> None:
        super().__init__(message)
        self.kept_at = kept_at


class NewerReport(StoreError):
    """The file was written by a newer Pinfill; it was left as it is."""
