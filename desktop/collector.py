"""Cyclic garbage is collected on Qt's thread alone.

Python collects in whichever thread happens to allocate. A QObject in a cycle would then be
destroyed by a thread that reads a study, which Qt does not allow.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import QTimer

_INTERVAL_MS: Final = 500


@contextmanager
def collecting_on_this_thread() -> Iterator[None]:
    """Replace the automatic collector by one that runs on this thread's Qt event loop."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    timer = QTimer()
    timer.timeout.connect(_collect)
    timer.start(_INTERVAL_MS)
    try:
        yield
    finally:
        timer.stop()
        gc.collect()
        gc.enable()


def _collect() -> None:
    """Collect the oldest generation whose threshold is passed, as the automatic one would."""
    due = [
        generation
        for generation, (count, limit) in enumerate(
            zip(gc.get_count(), gc.get_threshold(), strict=True)
        )
        if count > limit
    ]
    if due:
        gc.collect(due[-1])
