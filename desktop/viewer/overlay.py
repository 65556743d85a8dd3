"""What is written over the picture: corner texts, orientation letters, the scale bar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from desktop.studies.reading import Study
from desktop.viewer.pixels import StoredImage, Window

BACKGROUND: Final = QColor(0, 0, 0)
TEXT: Final = QColor(222, 226, 230)
SHADOW: Final = QColor(0, 0, 0, 205)
CAUTION: Final = QColor(240, 180, 60)
MARGIN: Final = 12.0

_BAR_LENGTHS_MM: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_OPPOSITE: Final = str.maketrans("LRPAHF", "RLAPFH")


@dataclass(frozen=True)
class ScaleBar:
    """``length`` in logical pixels stands for ``millimetres``."""

    millimetres: int
    length: float

    @property
    def label(self) -> str:
        return f"{self.millimetres / 10:g} cm"

    @classmethod
    def within(cls, mm_per_pixel: float, available: float) -> ScaleBar | None:
        """The longest round length that fits into ``available`` logical pixels."""
        fitting = [mm for mm in _BAR_LENGTHS_MM if mm / mm_per_pixel <= available]
        return cls(fitting[-1], fitting[-1] / mm_per_pixel) if fitting else None


@dataclass(frozen=True)
class EdgeLetters:
    """The patient's directions at the four edges, e.g. the patient's right on the left."""

    left: str
    right: str
    top: str
    bottom: str

    @classmethod
    def of(cls, image: StoredImage) -> EdgeLetters | None:
        if image.orientation is None:
            return None
        right, bottom = image.orientation
        return cls(right.translate(_OPPOSITE), right, bottom.translate(_OPPOSITE), bottom)


@dataclass(frozen=True)
class Corners:
    """Lines of text for each corner; empty lines are left out."""

    top_left: tuple[str, ...]
    top_right: tuple[str, ...]
    bottom_left: tuple[str, ...]


def corners(study: Study, window: Window | str, zoom: float, *, inverted: bool) -> Corners:
    """The corner texts. ``window`` is the name of a lookup table where one is in use."""
    image = study.image
    if isinstance(window, str):
        grey = window
    else:
        grey = f"W {_short(window.width)}   L {_short(window.center)}"
        grey += f" {image.unit}" if image.unit in ("HU", "SUV") else ""
    spacing = image.pixel_spacing
    return Corners(
        top_left=_filled(
            study.patient_name, study.patient_id, _joined(_sex(study.sex), _age(study.age))
        ),
        top_right=_filled(study.description, study.study_date, _joined(study.modality, study.view)),
        bottom_left=_filled(
            "Inverted" if inverted else "",
            grey,
            f"Zoom {zoom * 100:.0f} %",
            f"{spacing[1]:.3g} mm per pixel" if spacing else "",
        ),
    )


def _sex(code: str) -> str:
    return {"F": "female", "M": "male", "O": "other"}.get(code, code)


def _age(age: str) -> str:
    """``"063Y"`` as ``"63 years"``."""
    unit = {"Y": "year", "M": "month", "W": "week", "D": "day"}.get(age[-1:])
    if unit is None:
        return age
    count = int(age[:-1])
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _filled(*lines: str) -> tuple[str, ...]:
    return tuple(line for line in lines if line)


def _short(value: float) -> str:
    """Whole numbers where the values are large, three digits where they are small."""
    return f"{value:.0f}" if abs(value) >= 100 or value == round(value) else f"{value:.3g}"


def draw_corners(painter: QPainter, area: QRectF, texts: Corners) -> None:
    """Each line is cut to half the width of ``area``, so that corners never meet."""
    metrics = QFontMetricsF(painter.font())
    height = metrics.height() * 1.15
    room = area.width() / 2 - 2 * MARGIN
    for lines, right, bottom in (
        (texts.top_left, False, False),
        (texts.top_right, True, False),
        (texts.bottom_left, False, True),
    ):
        top = area.top() + MARGIN
        if bottom:
            top = area.bottom() - MARGIN - height * len(lines)
        for number, line in enumerate(lines):
            text = metrics.elidedText(line, Qt.TextElideMode.ElideRight, room)
            left = area.left() + MARGIN
            if right:
                left = area.right() - MARGIN - metrics.horizontalAdvance(text)
            draw_text(painter, QPointF(left, top + number * height + metrics.ascent()), text)


def draw_text(painter: QPainter, baseline: QPointF, text: str, colour: QColor = TEXT) -> None:
    """Text that stays readable on any picture: a soft dark rim carries it over bright parts."""
    path = QPainterPath()
    path.addText(baseline, painter.font(), text)
    painter.strokePath(path, QPen(SHADOW, 3.4, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.setPen(colour)
    painter.drawText(baseline, text)


def draw_edges(painter: QPainter, area: QRectF, letters: EdgeLetters) -> None:
    font = QFont(painter.font())
    font.setPointSizeF(font.pointSizeF() * 1.25)
    font.setWeight(QFont.Weight.DemiBold)
    painter.save()
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    middle_y = area.center().y() + metrics.capHeight() / 2
    right = area.right() - MARGIN - metrics.horizontalAdvance(letters.right)

    def centred(text: str) -> float:
        return area.center().x() - metrics.horizontalAdvance(text) / 2

    draw_text(painter, QPointF(area.left() + MARGIN, middle_y), letters.left)
    draw_text(painter, QPointF(right, middle_y), letters.right)
    top = area.top() + MARGIN + metrics.ascent()
    draw_text(painter, QPointF(centred(letters.top), top), letters.top)
    bottom = area.bottom() - MARGIN - metrics.descent()
    draw_text(painter, QPointF(centred(letters.bottom), bottom), letters.bottom)
    painter.restore()


def draw_scale_bar(painter: QPainter, area: QRectF, bar: ScaleBar) -> None:
    """In the bottom right corner of ``area``; a tick at every centimetre."""
    right, base = area.right() - MARGIN, area.bottom() - MARGIN - 2
    left = right - bar.length
    path = QPainterPath(QPointF(left, base))
    path.lineTo(right, base)
    ticks = max(bar.millimetres // 10, 1)
    if bar.length / ticks < 4:
        ticks = 1
    for number in range(ticks + 1):
        x = left + bar.length * number / ticks
        path.moveTo(x, base)
        path.lineTo(x, base - (8 if number in (0, ticks) else 5))
    painter.strokePath(path, QPen(SHADOW, 4.0))
    painter.strokePath(path, QPen(TEXT, 1.5))
    metrics = QFontMetricsF(painter.font())
    text_left = right - metrics.horizontalAdvance(bar.label)
    draw_text(painter, QPointF(text_left, base - 12), bar.label)
