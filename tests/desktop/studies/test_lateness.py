"""A slow file is told from a file that waits for the processor."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from desktop.studies import lateness
from desktop.studies.lateness import LONGEST, Lateness

SECONDS = 10.0
TICK = 0.05


@pytest.mark.parametrize(
    ("used", "late_at", "starved"),
    [
        (lambda now: now, SECONDS, False),
        (lambda now: now / 2, 2 * SECONDS, False),
        (lambda now: now / 10, LONGEST * SECONDS, True),
        (lambda now: 0.0, SECONDS, False),
        (lambda now: min(now, 3.0), SECONDS, False),
        (lambda now: min(now, 15.0) / 2, 16.0, False),
        (lambda now: None, SECONDS, False),
    ],
    ids=["works", "half", "tenth", "hangs", "hangs later", "hangs while it is late", "unknown"],
)
@pytest.mark.parametrize("file", [0, 1])
def test_time_counts_that_was_given(
    monkeypatch: pytest.MonkeyPatch,
    used: Callable[[float], float | None],
    late_at: float,
    starved: bool,
    file: int,
) -> None:
    """For the first file of a process and for the next one, which begins anew."""
    start = 5.0 * file
    now = 0.0

    def spent(_: int) -> float | None:
        return used(now - start) if now >= start else 0.0

    monkeypatch.setattr("time.monotonic", lambda: now)
    monkeypatch.setattr(lateness, "processor_seconds", spent)
    watch = Lateness(1)
    if file:
        assert not watch.is_late(SECONDS, SECONDS)
        now = start
    while not watch.is_late(start + SECONDS, SECONDS):
        now += TICK
    assert now - start == pytest.approx(late_at, abs=1.2)
    assert now - start >= min(late_at, SECONDS) - TICK
    assert watch.starved is starved
