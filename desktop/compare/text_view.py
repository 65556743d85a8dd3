"""The text of one side, as the report pane would show it, with a cursor but not to be edited."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QPainter, QPen, QTextCursor
from PySide6.QtWidgets import QWidget

from desktop.compare.taking import sentence_in
from desktop.report.mirror import GUTTER, RIGHT, TOP
from desktop.report.page import ReportPage
from desktop.report.picture import Picture

_OWN_KEYS: Final = frozenset(
    {
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_End,
    }
)
"""What moves the cursor; every other plain key is the window's."""


class TextView(ReportPage):
    """``moved`` tells that the cursor stands elsewhere, or that the focus came or went.

    ``scrolled`` tells that the reader has scrolled, and how far: from 0 at the top to 1.
    """

    moved = Signal()
    scrolled = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._placeholder = ""
        self._sentences = False
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.cursorPositionChanged.connect(self._cursor_moved)
        # Of wheel, bar and touch pad alone: other text, or the cursor, moves no other side.
        self.verticalScrollBar().actionTriggered.connect(self._scrolled)

    @property
    def text(self) -> str:
        return self._mirror.picture.text

    def show_picture(self, picture: Picture | None) -> None:
        """``None`` shows the placeholder instead."""
        at = self.verticalScrollBar().value()
        self._mirror.show(picture if picture is not None else Picture("", (), ()))
        self.verticalScrollBar().setValue(at)
        self.viewport().update()

    def set_placeholder(self, text: str) -> None:
        self._placeholder = text
        self.setAccessibleDescription(text)
        self.viewport().update()

    def mark_sentences(self, on: bool) -> None:
        """Frame the sentence at the cursor while the keyboard is here."""
        self._sentences = on
        self.viewport().update()

    def sentence(self) -> tuple[int, int]:
        """Where the sentence at the cursor lies, in code points; empty where there is none."""
        return sentence_in(self.text, self._mirror.index.point(self.textCursor().position()))

    def put_cursor(self, position: int) -> None:
        cursor = QTextCursor(self._mirror.document)
        cursor.setPosition(self._mirror.index.units(position))
        self.setTextCursor(cursor)

    def scroll_to(self, position: int) -> None:
        """Show ``position`` with a little of what stands above it."""
        cursor = QTextCursor(self._mirror.document)
        cursor.setPosition(self._mirror.index.units(min(position, len(self.text))))
        bar, place = self.verticalScrollBar(), self.cursorRect(cursor)
        if not 0 <= place.top() < self.viewport().height() // 2:
            bar.setValue(bar.value() + place.top() - 4 * place.height())

    def scroll_as_far(self, share: float) -> None:
        """From 0 at the top to 1 at the end."""
        bar = self.verticalScrollBar()
        bar.setValue(round(share * bar.maximum()))

    def _scrolled(self, _action: int) -> None:
        bar = self.verticalScrollBar()
        if bar.maximum() > 0:
            self.scrolled.emit(bar.sliderPosition() / bar.maximum())

    def _cursor_moved(self) -> None:
        if not self._mirror.busy:
            self.viewport().update()
            self.moved.emit()

    # Drawing

    def paint_beside(self, painter: QPainter) -> None:
        if self.document().isEmpty():
            self._paint_placeholder(painter)
        elif self._sentences and self.hasFocus():
            self._paint_sentence(painter)

    def _paint_placeholder(self, painter: QPainter) -> None:
        width = self.lineWrapColumnOrWidth() - GUTTER - RIGHT
        painter.setFont(self.document().defaultFont())
        painter.setPen(QColor(self._colors.soft))
        column = QRectF(GUTTER, TOP, width, self.viewport().height() - TOP)
        painter.drawText(column, Qt.TextFlag.TextWordWrap, self._placeholder)

    def _paint_sentence(self, painter: QPainter) -> None:
        """A frame around each line of the sentence that would be taken."""
        start, end = (self._mirror.index.units(place) for place in self.sentence())
        block = self._mirror.document.findBlock(start)
        if start == end or not block.isValid():
            return
        box = self._mirror.document.documentLayout().blockBoundingRect(block)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(self._colors.accent), 1.2))
        lines = block.layout()
        for number in range(lines.lineCount()):
            line = lines.lineAt(number)
            low = max(start - block.position(), line.textStart())
            high = min(end - block.position(), line.textStart() + line.textLength())
            if low < high:
                left, right = (_x(line.cursorToX(place)) for place in (low, high))
                right = min(right, line.naturalTextRect().right())
                top = box.top() + line.y() + line.ascent() * 0.02
                height = line.ascent() + line.descent() + 3
                painter.drawRoundedRect(
                    QRectF(box.left() + left - 3, top, right - left + 6, height), 3, 3
                )

    # Qt

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
            if plain and event.key() not in _OWN_KEYS:
                event.ignore()
                return False
        return super().event(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()
        self.moved.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()
        self.moved.emit()


def _x(found: object) -> float:
    """Qt's answer is a number, or a pair of one and the place that it belongs to."""
    place = found[0] if isinstance(found, tuple) else found
    assert isinstance(place, float)
    return place
