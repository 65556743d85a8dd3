"""What can go wrong with a worker, for its clients; ``str()`` is a sentence for the reader."""

from __future__ import annotations

from collections.abc import Sequence

from inference.protocol import FailureKind


class WorkerError(Exception):
    """Something is wrong with the worker."""


class RequestFailed(WorkerError):
    """The worker refused or failed; the sentence says what is wrong and what to do."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class WorkerDied(WorkerError):
    """The worker is gone. ``log`` holds the last lines that it wrote."""

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log = tuple(log)
