"""How much time and memory one file may take."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import Final

SECONDS: Final = 10.0
"""For one file, from its last byte read to its picture, where the processor is free for it."""

MEMORY: Final = 900 << 20
"""Bytes beside the file and its picture."""

_PAGE_AT: Final = 5
"""Where ``/proc/self/statm`` counts the pages of data and stack."""


def memory_in_use() -> int:
    """Bytes of this process that count against the cap; 0 where the system does not say."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[_PAGE_AT])
        return pages * resource.getpagesize()
    except (ImportError, OSError, IndexError, ValueError):
        return 0


def cap_memory(limit: int) -> None:
    """Let allocations of this process fail beyond ``limit`` bytes of data, where Linux runs."""
    if sys.platform != "linux":
        return  # elsewhere nothing of the kind is kept to
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    with contextlib.suppress(OSError, ValueError):  # a time limit still stands
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
