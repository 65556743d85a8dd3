"""Paints what a report's letters cannot say: underlines, tints, rules, marks in the margin."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import attrgetter
from typing import Final, cast

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QPen,
    QTextBlock,
    QTextLine,
)

from desktop.report.colors import WAVE, Glyph, Look, ReportColors
from desktop.report.mirror import GUTTER, Mirror, blocks
from desktop.report.picture import Style

_LINE_WIDTH: Final = 1.6
_WAVE_LENGTH: Final = 5.0
_WAVE_HEIGHT: Final = 1.6
_DASHES: Final[Mapping[Qt.PenStyle, list[float]]] = {
    Qt.PenStyle.DotLine: [0.1, 2.2],  # round caps make dots of it
    Qt.PenStyle.DashDotLine: [4.0, 2.4, 0.1, 2.4],
}
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u08ff\u200f\u202b\u202e\u2067\ufb1d-\ufefc\U00010800-\U00010fff]"
)


@dataclass(frozen=True)
class _Bar:
    """A stretch of one line: from ``left`` to ``right``, in document pixels."""

    left: float
    right: float
    style: Style


def paint_marks(painter: QPainter, mirror: Mirror, colors: ReportColors, visible: QRectF) -> None:
    """Paint under the text of ``mirror`` whatever meets ``visible``, in document pixels."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    layout = mirror.document.documentLayout()
    metrics = QFontMetricsF(mirror.document.defaultFont())
    for block in blocks(mirror.document):
        box = layout.blockBoundingRect(block)
        if box.bottom() < visible.top():
            continue
        if box.top() > visible.bottom():
            break
        _paint_block(painter, mirror, colors, block, box, visible, metrics)
    painter.restore()


def _paint_block(
    painter: QPainter,
    mirror: Mirror,
    colors: ReportColors,
    block: QTextBlock,
    box: QRectF,
    visible: QRectF,
    metrics: QFontMetricsF,
) -> None:
    lines = block.layout()
    mixed = _RIGHT_TO_LEFT.search(block.text()) is not None
    for number in range(lines.lineCount()):
        line = lines.lineAt(number)
        baseline = box.top() + line.y() + line.ascent()
        if not visible.top() - metrics.height() < baseline < visible.bottom() + metrics.height():
            continue
        bars = list(_bars(mirror, block, line, box.left(), mixed=mixed))
        glyphs = {look.glyph for bar in bars if (look := mirror.looks[bar.style]).glyph}
        first = block.position() + line.textStart()
        after = first + line.textLength() + (number == lines.lineCount() - 1)
        if any(first <= clash.start < after for clash in mirror.clashes):
            glyphs.add(Glyph.CLASH)
        for bar in bars:
            if bar.style is Style.HEADING:
                _paint_rule(painter, bar, baseline + metrics.descent() + 3.5, box.right(), colors)
            else:
                _paint_bar(painter, bar, mirror.looks[bar.style], baseline, metrics)
        for clash in mirror.clashes:
            for x0, x1 in _along(line, block.position(), clash.start, clash.end, mixed=mixed):
                left, right = box.left() + x0, box.left() + x1
                draw_outline(painter, left, right, baseline, metrics, colors, strong=clash.strong)
        _paint_glyphs(painter, glyphs, baseline, metrics, colors)


def _bars(
    mirror: Mirror, block: QTextBlock, line: QTextLine, left: float, *, mixed: bool
) -> Iterator[_Bar]:
    """What is to be drawn along a line; ``mixed`` if both directions of writing may meet there."""
    first = block.position() + line.textStart()
    last = first + line.textLength()
    nearest = bisect_right(mirror.stretches, first, key=attrgetter("end"))
    for stretch in islice(mirror.stretches, nearest, None):
        if stretch.start >= last:
            break
        for x0, x1 in _along(line, block.position(), stretch.start, stretch.end, mixed=mixed):
            yield _Bar(left + x0, left + x1, stretch.style)


def _along(
    line: QTextLine, origin: int, start: int, end: int, *, mixed: bool
) -> Iterator[tuple[float, float]]:
    """Where the characters ``start:end`` lie along a line of the block at ``origin``."""
    first = line.textStart()
    low, high = max(start - origin, first), min(end - origin, first + line.textLength())
    if low >= high:
        return
    end_of_ink = line.naturalTextRect().right()
    # Where both directions meet, neighbours in the text may lie apart on the screen.
    edges = range(low, high + 1) if mixed else (low, high)
    for x0, x1 in _joined(sorted((_x(line, a), _x(line, b))) for a, b in pairwise(edges)):
        x1 = min(x1, end_of_ink)
        if x1 > x0:
            yield x0, x1


def _joined(pieces: Iterable[list[float]]) -> list[list[float]]:
    """The intervals ``[from, to]`` from left to right, those that touch as one."""
    joined: list[list[float]] = []
    for low, high in sorted(pieces):
        if joined and low - joined[-1][1] < 1:
            joined[-1][1] = max(joined[-1][1], high)
        else:
            joined.append([low, high])
    return joined


def _x(line: QTextLine, position: int) -> float:
    found = line.cursorToX(position)
    return cast(float, found[0] if isinstance(found, tuple) else found)


def _paint_bar(
    painter: QPainter, bar: _Bar, look: Look, baseline: float, metrics: QFontMetricsF
) -> None:
    if look.tint:
        top = baseline - metrics.ascent() * 0.92
        bottom = baseline + metrics.descent() + 1.5
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(look.tint))
        painter.drawRoundedRect(
            QRectF(QPointF(bar.left, top), QPointF(bar.right, bottom)), 2.5, 2.5
        )
    draw_underline(painter, bar.left, bar.right, baseline + metrics.descent() * 0.72 + 0.5, look)


def draw_underline(painter: QPainter, left: float, right: float, y: float, look: Look) -> None:
    """The line of ``look`` from ``left`` to ``right``."""
    if look.line is Qt.PenStyle.NoPen:
        return
    pen = QPen(QColor(look.line_color), _LINE_WIDTH)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    if look.line is WAVE:
        painter.strokePath(_wave(left + 1, right - 1, y), pen)
        return
    if look.line in _DASHES:
        pen.setDashPattern(_DASHES[look.line])
    painter.setPen(pen)
    painter.drawLine(QPointF(left + 1, y), QPointF(max(left + 1, right - 1), y))


def draw_outline(
    painter: QPainter,
    left: float,
    right: float,
    baseline: float,
    metrics: QFontMetricsF,
    colors: ReportColors,
    *,
    strong: bool = False,
) -> None:
    """The line around a place that clashes."""
    top, bottom = baseline - metrics.ascent() * 0.94, baseline + metrics.descent() + 2.5
    painter.setPen(QPen(QColor(colors.clash), 2.4 if strong else _LINE_WIDTH - 0.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(
        QRectF(QPointF(left - 1.5, top), QPointF(right + 0.5, bottom)), 3.5, 3.5
    )


def _wave(left: float, right: float, y: float) -> QPainterPath:
    path = QPainterPath(QPointF(left, y))
    half, height = _WAVE_LENGTH / 2, 2 * _WAVE_HEIGHT  # a curve rises half way to its control
    for number in range(max(1, round((right - left) / half))):
        x = left + number * half
        crest = QPointF(x + half / 2, y + (-height if number % 2 else height))
        path.quadTo(crest, QPointF(x + half, y))
    return path


def _paint_rule(painter: QPainter, bar: _Bar, y: float, right: float, colors: ReportColors) -> None:
    painter.setPen(QPen(QColor(colors.rule), 1.0))
    painter.drawLine(QPointF(bar.left, y), QPointF(right, y))
    painter.setPen(QPen(QColor(colors.accent), 2.0))
    painter.drawLine(QPointF(bar.left, y), QPointF(bar.left + 28, y))


def _paint_glyphs(
    painter: QPainter,
    glyphs: AbstractSet[Glyph],
    baseline: float,
    metrics: QFontMetricsF,
    colors: ReportColors,
) -> None:
    middle = baseline - metrics.xHeight() / 2
    if Glyph.TICK in glyphs:
        draw_tick(painter, QPointF(GUTTER - 9, middle), metrics.ascent(), colors)
    if Glyph.PIN in glyphs:
        draw_pin(painter, QPointF(GUTTER - 22, middle), 12.0, colors)
    if Glyph.CLASH in glyphs:
        draw_clash(painter, QPointF(GUTTER - 33, middle), 10.0, colors)


def draw_clash(painter: QPainter, center: QPointF, size: float, colors: ReportColors) -> None:
    """The mark of a line with a clash: an exclamation mark in a triangle."""
    path = QPainterPath()
    path.moveTo(0, -5.4)
    path.lineTo(6, 5)
    path.lineTo(-6, 5)
    path.closeSubpath()
    painter.save()
    painter.translate(center)
    painter.scale(size / 11, size / 11)
    color = QColor(colors.clash)
    pen = QPen(color, 1.4)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(color)
    painter.drawPath(path)
    painter.setPen(QPen(QColor(colors.on_clash), 1.6))
    painter.drawLine(QPointF(0, -2.2), QPointF(0, 1.4))
    painter.drawPoint(QPointF(0, 3.6))
    painter.restore()


def draw_tick(painter: QPainter, center: QPointF, height: float, colors: ReportColors) -> None:
    """The mark of typed text: a bar."""
    pen = QPen(QColor(colors.typed), 2.0)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    half = QPointF(0, height / 2 - 1)
    painter.drawLine(center - half, center + half)


def draw_pin(painter: QPainter, center: QPointF, size: float, colors: ReportColors) -> None:
    """The mark of pinned text: a drawing pin, leaning."""
    path = QPainterPath()
    path.addRoundedRect(QRectF(-3.4, -6, 6.8, 2.2), 1, 1)  # head
    path.addRect(QRectF(-2, -4.2, 4, 4))  # shaft
    path.addRoundedRect(QRectF(-4.2, -0.6, 8.4, 2), 1, 1)  # collar
    path.addRoundedRect(QRectF(-0.6, 1, 1.2, 5.4), 0.6, 0.6)  # needle
    path.setFillRule(Qt.FillRule.WindingFill)
    painter.save()
    painter.translate(center)
    painter.rotate(28)
    painter.scale(size / 12, size / 12)
    painter.fillPath(path, QColor(colors.pin))
    painter.restore()
