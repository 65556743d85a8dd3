"""The line below the report that says what its marks mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.report.colors import Glyph, Look, ReportColors, looks
from desktop.report.painting import draw_clash, draw_outline, draw_pin, draw_tick, draw_underline
from desktop.report.picture import Style
from desktop.report.pill import draw_pill, pill_width, small

_ENTRIES: Final[tuple[tuple[str, Style | Glyph | None], ...]] = (
    ("typed", Style.TYPED),
    ("generated", Style.GENERATED),
    ("pinned", Style.PINNED),
    ("edited", Style.EDITED),
    ("differs", Style.DIFFERS),
    ("clash", Glyph.CLASH),
    ("gap", None),
)
_BETWEEN: Final = 18.0
_MARK: Final = 13.0
"""Room for the mark left of a word."""


class ReportLegend(QWidget):
    """Each kind of text, written the way the editor draws it; wraps where it is narrow."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._colors = ReportColors.dark()
        self.setAccessibleName("Legend of the report")
        self.setAccessibleDescription(
            "Typed text has a bar in the margin. Generated text is underlined with dots. Pinned "
            "text has a solid line and a pin in the margin. Edited text has dashes and dots. A "
            "wave is under a word that decides clinically and differs between the model's "
            "candidates: click it to see them. A line around words, with a triangle in the margin, "
            "says that they clash with others or with the study: F8 goes there. A gap is where "
            "the model may write."
        )
        self.setToolTip(self.accessibleDescription())
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_colors(self, colors: ReportColors) -> None:
        self._colors = colors
        self.update()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        bottoms = [box.bottom() for _, _, box in self._places(width)]
        return round(max(bottoms)) + 2

    def sizeHint(self) -> QSize:
        places = list(self._places(10_000))
        return QSize(round(places[-1][2].right()) + 2, self.heightForWidth(10_000))

    def minimumSizeHint(self) -> QSize:
        widest = max(box.width() for _, _, box in self._places(10_000))
        return QSize(round(widest) + 2, self.heightForWidth(10_000))

    def _places(self, width: float) -> Iterator[tuple[str, Style | Glyph | None, QRectF]]:
        font = self._font()
        metrics = QFontMetricsF(font)
        height = metrics.height() + 5
        x = y = 0.0
        for word, style in _ENTRIES:
            wide = metrics.horizontalAdvance(word)
            wide = pill_width(word, font) if style is None else wide + self._lead(style)
            if x and x + wide > width:
                x, y = 0.0, y + height
            yield word, style, QRectF(x, y, wide, height)
            x += wide + _BETWEEN

    def _lead(self, style: Style | Glyph) -> float:
        return _MARK + 3 if isinstance(style, Glyph) else _MARK if self._look(style).glyph else 0.0

    def _look(self, style: Style) -> Look:
        return looks(self._colors)[style]

    def _font(self) -> QFont:
        return small(self.font())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        font = self._font()
        metrics = QFontMetricsF(font)
        painter.setFont(font)
        for word, style, box in self._places(self.width()):
            if style is None:
                draw_pill(painter, box.adjusted(0, 1, 0, -2), word, font, self._colors)
                continue
            self._paint_mark(painter, style, box, metrics)
            left = box.left() + self._lead(style)
            baseline = box.top() + metrics.ascent() + 1
            painter.setPen(QColor(self._colors.soft))
            painter.drawText(QPointF(left, baseline), word)
            if isinstance(style, Glyph):
                draw_outline(painter, left, box.right(), baseline, metrics, self._colors)
            else:
                draw_underline(painter, left, box.right(), baseline + 3.5, self._look(style))

    def _paint_mark(
        self, painter: QPainter, style: Style | Glyph, box: QRectF, metrics: QFontMetricsF
    ) -> None:
        center = QPointF(box.left() + 4, box.top() + metrics.ascent() * 0.62 + 1)
        if isinstance(style, Glyph):
            draw_clash(painter, center + QPointF(1, 0), 9.5, self._colors)
        elif style is Style.TYPED:
            draw_tick(painter, center, metrics.ascent(), self._colors)
        elif self._look(style).glyph:
            draw_pin(painter, center + QPointF(1, 0), 9.5, self._colors)
