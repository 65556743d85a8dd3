"""A page that reports are drawn on: the letters, the width of a line, the marks beside it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
)
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from desktop.report.colors import ReportColors
from desktop.report.mirror import GUTTER, RIGHT, Mirror
from desktop.report.painting import paint_marks

POINT_SIZE: Final = 11.5
"""The least size of the letters; a larger font of the widget is followed."""

MEASURE: Final = 72
"""The longest line, in average characters."""


class ReportPage(QTextEdit):
    """Shows one of its mirrors, the first one to begin with."""

    _ready = False  # Qt tells of changes while it is still constructing

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colors = ReportColors.dark()
        self._mirrors: list[Mirror] = []
        self._mirror = self._shown = self.add_mirror()
        self.setDocument(self._mirror.document)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAcceptRichText(False)
        self.setAcceptDrops(False)
        self.setTabChangesFocus(True)  # Tab leads on, as everywhere in the window
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setLineWrapMode(QTextEdit.LineWrapMode.FixedPixelWidth)
        self.set_colors(self._colors)
        self._ready = True

    def add_mirror(self) -> Mirror:
        """Another document that the page can show."""
        mirror = Mirror(self._colors, self._reading_font(), self)
        self._mirrors.append(mirror)
        return mirror

    def show_mirror(self, mirror: Mirror) -> None:
        self._shown = mirror
        self.setDocument(mirror.document)
        self._limit_measure()

    def set_colors(self, colors: ReportColors) -> None:
        self._colors = colors
        for mirror in self._mirrors:
            mirror.set_colors(colors)
        roles = {
            QPalette.ColorRole.Base: colors.paper,
            QPalette.ColorRole.Text: colors.ink,
            QPalette.ColorRole.Highlight: colors.selection,
            QPalette.ColorRole.HighlightedText: colors.selected_ink,
        }
        palette = self.palette()
        for role, color in roles.items():
            palette.setColor(role, QColor(color))
        self.setPalette(palette)
        self.viewport().update()

    def paint_beside(self, painter: QPainter) -> None:
        """Draw what else is to be seen, in pixels of the document, under the letters."""

    def _reading_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(POINT_SIZE, font.pointSizeF()))
        return font

    def _limit_measure(self) -> None:
        letters = QFontMetricsF(self.document().defaultFont()).averageCharWidth()
        widest = round(GUTTER + MEASURE * letters + RIGHT)
        width = min(widest, self.viewport().width())
        if self.lineWrapColumnOrWidth() != width:
            self.setLineWrapColumnOrWidth(width)

    # Qt

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._limit_measure()

    def paintEvent(self, event: QPaintEvent) -> None:
        at = QPointF(0, self.verticalScrollBar().value())
        painter = QPainter(self.viewport())
        painter.translate(-at)
        visible = QRectF(event.rect()).translated(at)
        paint_marks(painter, self._shown, self._colors, visible)
        self.paint_beside(painter)
        painter.end()
        super().paintEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self._ready:
            for mirror in self._mirrors:
                mirror.set_font(self._reading_font())
            self._limit_measure()
