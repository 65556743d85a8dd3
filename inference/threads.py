"""How threads wait for each other while a model runs on a processor.

OpenMP's threads spin at the end of every operation until the last of them arrives. Alone on a
machine that is the fastest way; where another program uses a core, those that spin take the time
that the late one needs. A workstation is never alone.
"""

from __future__ import annotations

import os
from typing import Final

SPINS: Final = "1000"
"""Turns before a waiting thread sleeps; GNU's OpenMP spins 300 times as long by itself.

Figures are in ``docs/benchmarks.md``, under *Speed*.
"""


def wait_briefly() -> None:
    """Have waiting threads sleep soon, unless the user has said how long they are to spin.

    To be called before torch is imported, whose OpenMP reads this once.
    """
    os.environ.setdefault("GOMP_SPINCOUNT", SPINS)
