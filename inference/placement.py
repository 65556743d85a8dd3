"""Where a checkpoint runs, and how: what is said on the command line and handed to the worker."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Placement:
    """``device`` is ``cpu``, ``cuda`` or ``cuda:N``; ``None`` picks the best there is.

    ``compiled`` merges the kernels of a step, which takes minutes at the start.
    """

    device: str | None = None
    compiled: bool = False

    def arguments(self) -> list[str]:
        """The same for the command line of a worker."""
        return ["--device", self.device or "auto", *(["--compile"] if self.compiled else [])]


ANYWHERE = Placement()
