"""The first is shown at once, the latest in its time, the last always."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QApplication

from desktop.throttle import Throttle


def test_the_first_is_shown_at_once_and_the_last_in_its_time(qapp: QApplication) -> None:
    shown: list[int] = []
    throttle = Throttle(shown.append, 0.5)
    for number in range(10):
        throttle.submit(number)
    assert shown == [0]
    timer = throttle.findChild(QTimer)
    assert timer is not None
    assert QSignalSpy(timer.timeout).wait(2_000)
    assert shown == [0, 9]


def test_flush_does_not_wait(qapp: QApplication) -> None:
    shown: list[int] = []
    throttle = Throttle(shown.append, 1_000)
    for number in range(3):
        throttle.submit(number)
    throttle.flush()
    throttle.flush()
    assert shown == [0, 2]


def test_what_was_cancelled_is_not_shown(qapp: QApplication) -> None:
    shown: list[int] = []
    throttle = Throttle(shown.append, 1_000)
    throttle.submit(1)
    throttle.submit(2)
    throttle.cancel()
    throttle.flush()
    assert shown == [1]
