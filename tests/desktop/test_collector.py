from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEventLoop, QTimer

from desktop.collector import collecting_on_this_thread


@pytest.fixture(autouse=True)
def automatic() -> Iterator[None]:
    gc.enable()
    yield
    assert gc.isenabled()


class Knot:
    """Garbage that only the cyclic collector finds; tells which thread did."""

    ended: list[int]

    def __init__(self, ended: list[int]) -> None:
        self.ended = ended
        self.itself = self

    def __del__(self) -> None:
        self.ended.append(threading.get_ident())


def allocate_much() -> None:
    kept = [[number] for number in range(200_000)]
    assert len(kept) == 200_000


def test_garbage_is_collected_while_the_loop_runs_and_on_its_thread_alone(qapp: object) -> None:
    ended: list[int] = []
    with collecting_on_this_thread():
        Knot(ended)
        reader = threading.Thread(target=allocate_much)
        reader.start()
        reader.join()
        assert ended == []
        kept = [[number] for number in range(2000)]
        loop = QEventLoop()
        watch = QTimer()
        watch.timeout.connect(lambda: loop.quit() if ended else None)
        watch.start(10)
        QTimer.singleShot(20_000, loop.quit)
        loop.exec()
        assert ended == [threading.get_ident()]
        assert len(kept) == 2000


def test_an_application_within_another_leaves_the_collector_to_it(qapp: object) -> None:
    with collecting_on_this_thread():
        with collecting_on_this_thread():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
