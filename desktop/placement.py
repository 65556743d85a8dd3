"""Where a window stands: never larger than the screen, never outside it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray, QMargins, QPoint, QRect, QSize
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

_FRAME: Final = QMargins(4, 48, 4, 8)
"""What a window manager is reckoned to put around a window that is not shown yet, at most."""


def place(
    window: QWidget, size: QSize, state: QByteArray | None, over: QWidget | None = None
) -> None:
    """Give ``window`` the saved geometry ``state``, else ``size``, as far as its screen goes.

    Without a saved one it stands in the middle of the window ``over``, else of its screen: left
    to a window manager, a window as large as the screen hangs over the screen's edge.
    """
    around = _screen(window).availableGeometry() if over is None else over.frameGeometry()
    wanted = QRect(QPoint(0, 0), size)
    wanted.moveCenter(around.center())
    window.setGeometry(within(wanted, _room(over or window)))
    if state is not None and window.restoreGeometry(state):
        keep_on_screen(window)


def keep_on_screen(window: QWidget) -> None:
    """Move and shrink a window until all of it is on one screen."""
    if window.isMaximized() or window.isFullScreen():
        return
    held = within(window.geometry(), _room(window))
    if held != window.geometry():
        window.setGeometry(held)


def within(wanted: QRect, room: QRect) -> QRect:
    """``wanted`` moved into ``room``, and made smaller where it is larger than that."""
    size = wanted.size().boundedTo(room.size())
    x = min(max(wanted.x(), room.x()), room.right() + 1 - size.width())
    y = min(max(wanted.y(), room.y()), room.bottom() + 1 - size.height())
    return QRect(QPoint(x, y), size)


def _room(window: QWidget) -> QRect:
    """What the screen leaves for a window's contents, without its frame."""
    if QGuiApplication.platformName() == "offscreen":
        return QRect(0, 0, 16_384, 16_384)  # no screen that anybody sees
    return _screen(window).availableGeometry().marginsRemoved(_FRAME)


def _screen(window: QWidget) -> QScreen:
    return QGuiApplication.screenAt(window.geometry().center()) or window.screen()
