"""A small note at a place that clashes: what clashes, and why."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from desktop.theme import GRID

WIDTH: Final = 54 * GRID
_KEYS: Final = "F8  next   ·   Shift+F8  previous   ·   Ctrl+F8  dismiss   ·   Esc  close"


class ClashNote(QFrame):
    """Never takes the keyboard: the reader mends the words below it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("clashNote")
        self._title = QLabel(self)
        self._title.setObjectName("candidateTitle")
        self._why = QLabel(self)
        self._why.setObjectName("clashWhy")
        self._why.setWordWrap(True)
        self._why.setTextFormat(Qt.TextFormat.PlainText)
        keys = QLabel(_KEYS, self)
        keys.setObjectName("candidateKeys")
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        column.setSpacing(GRID // 2)
        for label in (self._title, self._why, keys):
            column.addWidget(label)
        self.hide()

    @property
    def text(self) -> str:
        return f"{self._title.text()}: {self._why.text()}"

    def tell(self, title: str, why: str, line: QRect, room: QRect) -> None:
        """Show under ``line``, where there is no room for it above, all in ``room``."""
        self._title.setText(title)
        self._why.setText(why)
        self.setAccessibleName(self.text)
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.NameChanged))
        width = min(WIDTH, room.width())
        layout = self.layout()
        assert layout is not None
        height = layout.heightForWidth(width)
        left = max(room.left(), min(line.left(), room.right() - width))
        top = line.bottom() + GRID
        if top + height > room.bottom():
            top = max(room.top(), line.top() - GRID - height)
        self.setGeometry(QRect(QPoint(left, top), QSize(width, height)))
        self.show()
        self.raise_()
