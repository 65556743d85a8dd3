"""The gap mark in the running text: a pill that says ``gap`` and, if it has one, its length."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QObject, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPen,
    QPyTextObject,
    QTextDocument,
    QTextFormat,
)

from desktop.report.colors import ReportColors

GAP_OBJECT: Final = int(QTextFormat.ObjectTypes.UserObject.value) + 1
TOKENS: Final = int(QTextFormat.Property.UserProperty.value) + 1
"""The property of a gap's format that holds its length; 0 is a length left to the model."""

_SIDE: Final = 7.0
_MARGIN: Final = 1.5


def label(tokens: int | None) -> str:
    return f"gap · {tokens}" if tokens else "gap"


def small(font: QFont) -> QFont:
    """The letters of a pill in a text of ``font``."""
    letters = QFont(font)
    letters.setPointSizeF(max(7.0, font.pointSizeF() * 0.8))
    return letters


def draw_pill(
    painter: QPainter, rect: QRectF, text: str, font: QFont, colors: ReportColors
) -> None:
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colors.gap), 1.0))
    painter.setBrush(QColor(colors.gap_tint))
    radius = rect.height() / 2
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), radius, radius)
    painter.setPen(QColor(colors.gap))
    painter.setFont(font)
    painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


def pill_width(text: str, font: QFont) -> float:
    return QFontMetricsF(font).horizontalAdvance(text) + 2 * _SIDE


class GapPill(QPyTextObject):
    """Draws the gap marks of one document."""

    def __init__(self, colors: ReportColors, parent: QObject) -> None:
        super().__init__(parent)
        self.colors = colors

    def intrinsicSize(self, doc: QTextDocument, position: int, char_format: QTextFormat) -> QSizeF:
        font = doc.defaultFont()
        width = pill_width(label(_tokens(char_format)), small(font)) + 2 * _MARGIN
        metrics = QFontMetricsF(font)
        return QSizeF(width, metrics.ascent() + metrics.descent())

    def drawObject(
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument,
        position: int,
        char_format: QTextFormat,
    ) -> None:
        font = doc.defaultFont()
        inner = QRectF(rect).adjusted(_MARGIN, 1.0, -_MARGIN, 0.0)
        draw_pill(painter, inner, label(_tokens(char_format)), small(font), self.colors)


def _tokens(char_format: QTextFormat) -> int:
    return int(char_format.property(TOKENS) or 0)
