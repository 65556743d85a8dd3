"""A layout that fills lines from left to right and goes on below where there is no more room."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtWidgets import QLayout, QLayoutItem, QWidget


class Flow(QLayout):
    """Lines of widgets; ``after`` is the space between two of them, ``below`` that of two lines.

    A widget added with ``stretch`` takes what is left of its line.
    """

    def __init__(self, parent: QWidget | None = None, *, after: int = 0, below: int = 0) -> None:
        super().__init__(parent)
        self._items: list[QLayoutItem] = []
        self._stretched: list[QLayoutItem] = []
        self._after, self._below = after, below

    def add(self, widget: QWidget, *, stretch: bool = False) -> None:
        self.addWidget(widget)
        if stretch:
            self._stretched.append(self._items[-1])

    # Qt

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), apply=False)

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, apply=True)

    def sizeHint(self) -> QSize:
        """All in one line."""
        hints = [item.sizeHint() for item in self._shown()]
        wide = sum(hint.width() for hint in hints) + self._after * max(len(hints) - 1, 0)
        return self._framed(QSize(wide, max((hint.height() for hint in hints), default=0)))

    def minimumSize(self) -> QSize:
        """One in each line, as far as the width goes."""
        size = QSize()
        for item in self._shown():
            size = size.expandedTo(item.minimumSize())
        return self._framed(size)

    # Inside

    def _shown(self) -> list[QLayoutItem]:
        return [item for item in self._items if not item.isEmpty()]

    def _framed(self, size: QSize) -> QSize:
        margins = self.contentsMargins()
        return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom())

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        used = 0
        for item in self._shown():
            wide = item.sizeHint().width()
            if lines and used + self._after + wide <= width:
                lines[-1].append(item)
                used += self._after + wide
            else:
                lines.append([item])
                used = wide
        return lines

    def _place(self, rect: QRect, *, apply: bool) -> int:
        """Put all in their places; returns the height that this takes."""
        margins = self.contentsMargins()
        room = rect.marginsRemoved(margins)
        y = room.y()
        lines = self._lines(room.width())
        for line in lines:
            high = max(item.sizeHint().height() for item in line)
            if apply:
                self._place_line(line, QRect(room.x(), y, room.width(), high))
            y += high + self._below
        return y - (self._below if lines else 0) - rect.y() + margins.bottom()

    def _place_line(self, line: list[QLayoutItem], room: QRect) -> None:
        hints = [item.sizeHint() for item in line]
        used = sum(hint.width() for hint in hints) + self._after * (len(line) - 1)
        takers = sum(item in self._stretched for item in line)
        spare = max(room.width() - used, 0) // takers if takers else 0
        x = room.x()
        for item, hint in zip(line, hints, strict=True):
            wide = min(hint.width() + (spare if item in self._stretched else 0), room.width())
            above = (room.height() - hint.height()) // 2
            item.setGeometry(QRect(QPoint(x, room.y() + above), QSize(wide, hint.height())))
            x += wide + self._after
