"""Windows and panes on screens of every size."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QByteArray, QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QApplication, QPushButton, QWidget

from desktop import placement
from desktop.compare.window import SIZE
from desktop.main_window import DEFAULT_SIZE
from desktop.placement import place, within
from desktop.widgets.flow import Flow
from desktop.widgets.panes import Panes
from tests.desktop.bench import shown
from tests.desktop.compare.compared import compared
from tests.desktop.qt_loop import on_qt_loop

ROOMS = (QRect(0, 0, 1024, 660), QRect(4, 36, 1272, 660), QRect(1920, 0, 2560, 1400))


@pytest.mark.parametrize("room", ROOMS)
@pytest.mark.parametrize(
    "wanted",
    [
        QRect(0, 0, 1440, 900),
        QRect(-500, -500, 300, 300),
        QRect(9000, 9000, 300, 300),
        QRect(100, 100, 5000, 200),
        QRect(2000, 50, 400, 400),
    ],
)
def test_a_window_is_kept_within_the_screen(room: QRect, wanted: QRect) -> None:
    held = within(wanted, room)
    assert room.contains(held)
    assert held.size() == wanted.size().boundedTo(room.size())
    assert not room.contains(wanted) or held == wanted


def test_a_saved_geometry_of_a_larger_screen_is_brought_in(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = QWidget()
    before.setGeometry(700, 500, 1400, 900)
    saved = before.saveGeometry()
    room = QRect(0, 30, 1024, 640)
    monkeypatch.setattr(placement, "_room", lambda _window: room)
    for state in (saved, None, QByteArray(b"damaged")):
        window = QWidget()
        place(window, QSize(*DEFAULT_SIZE), state)
        assert window.width() <= room.width()
        assert window.height() <= room.height()


@pytest.mark.parametrize("room", ROOMS)
def test_a_window_without_a_saved_place_stands_in_the_middle_of_the_one_below(
    room: QRect, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "_room", lambda _window: room)
    below = QWidget()
    for at in (room.topLeft(), room.center() - QPoint(200, 150), room.bottomRight()):
        below.setGeometry(QRect(at, QSize(400, 300)))
        for size in (QSize(200, 200), QSize(*SIZE), QSize(9000, 9000)):
            window = QWidget()
            place(window, size, None, over=below)
            assert room.contains(window.geometry())
            wanted = QRect(QPoint(0, 0), size)
            wanted.moveCenter(below.geometry().center())
            assert window.geometry() == within(wanted, room)
            assert window.testAttribute(Qt.WidgetAttribute.WA_Moved)  # not left to the manager


@on_qt_loop
async def test_the_comparison_opens_over_the_window_it_belongs_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = QRect(2, 28, 956, 507)  # 1920 x 1080 at scale 2
    monkeypatch.setattr(placement, "_room", lambda _window: room)
    async with shown(tmp_path) as bench:
        await bench.open()
        bench.window.commands["compare"].trigger()
        assert room.contains(bench.window.comparing.window.geometry())


@on_qt_loop
async def test_both_windows_fit_small_screens_and_share_large_ones(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()  # with figures and replay
        for window in (it.bench.window, it.window):
            hint = window.minimumSizeHint()
            assert hint.width() <= 1000, window
            assert hint.height() <= 620, window
    async with shown(tmp_path) as bench:
        await bench.open()
        panes = bench.window._splitter
        for width in (1024, 1280, 2560, 1024):
            bench.window.resize(width, 700)
            image, report = panes.sizes()
            assert 0.5 < image / (image + report) < 0.66
            assert bench.window.width() == width


def test_panes_keep_the_ratio_that_was_chosen(qapp: QApplication) -> None:
    panes = Panes((0.5, 0.5))
    for _ in range(2):
        panes.addWidget(QWidget())
    panes.resize(1008, 100)
    panes.show()
    panes.setSizes([250, 750])
    panes.splitterMoved.emit(250, 1)
    panes.resize(2008, 100)
    left, right = panes.sizes()
    assert left * 3 == pytest.approx(right, abs=4)
    again = Panes((0.5, 0.5))
    for _ in range(2):
        again.addWidget(QWidget())
    assert not again.restore(QByteArray(b"\x00\xffnothing"))
    assert again.restore(panes.saved())
    assert again.ratio == pytest.approx([0.25, 0.75], abs=0.01)


def test_a_row_that_is_too_narrow_goes_on_below(qapp: QApplication) -> None:
    row = QWidget()
    flow = Flow(row, after=8, below=4)
    flow.setContentsMargins(0, 0, 0, 0)
    buttons = [QPushButton(f"Button {number}") for number in range(4)]
    for button in buttons:
        flow.add(button)
    row.resize(flow.sizeHint().width(), 40)
    row.show()
    assert len({button.y() for button in buttons}) == 1
    row.resize(buttons[0].width() * 2 + 12, 200)
    flow.activate()
    flow.setGeometry(row.rect())
    assert len({button.y() for button in buttons}) == 2
    assert flow.heightForWidth(10_000) < flow.heightForWidth(row.width())
    assert all(row.rect().contains(button.geometry()) for button in buttons)
