"""Which model a worker runs, as the reader chose it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from inference.client import ANYWHERE, Placement


@dataclass(frozen=True)
class ModelChoice:
    """What the next worker loads, where, and the adapter that it puts on top."""

    checkpoint: Path
    placement: Placement = ANYWHERE
    adapter: Path | None = None
