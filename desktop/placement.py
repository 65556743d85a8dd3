"""Where a window stands: never larger than the screen, never outside it."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QPoint, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

_FRAME = QSize(8, 56)
"""What a window manager is reckoned to put around a window that is not shown yet."""


def place(window: QWidget, size: QSize, state: QByteArray | None) -> None:
    """Give ``window`` the saved geometry ``state``, else ``size``, as far as its screen goes."""
    window.resize(_largest(window, size))
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


def _largest(window: QWidget, size: QSize) -> QSize:
    return size.boundedTo(_room(window).size())


def _room(window: QWidget) -> QRect:
    """What the screen leaves for a window's contents, without its frame."""
    if QGuiApplication.platformName() == "offscreen":
        return QRect(0, 0, 16_384, 16_384)  # no screen that anybody sees
    screen = QGuiApplication.screenAt(window.geometry().center()) or window.screen()
    inset = _FRAME.width() // 2
    return screen.availableGeometry().adjusted(inset, _FRAME.height() - inset, -inset, -inset)
