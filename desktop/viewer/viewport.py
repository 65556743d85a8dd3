"""The widget that shows the picture of a study."""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.studies.reading import Study
from desktop.viewer import overlay
from desktop.viewer.cautions import CautionBadge
from desktop.viewer.framing import Framing
from desktop.viewer.pixels import LookupTable, View, Voi, Window, sample_view, voi_lookup

FAILED_TEXT: Final = "This image cannot be drawn: its header holds numbers that make no picture"
EMPTY_TEXT: Final = "Drop a DICOM file here or press Ctrl+O"
_log = logging.getLogger(__name__)

ZOOM_STEP: Final = 1.2
_PAN_SHARE: Final = 0.1
"""How much of the viewport one press of an arrow key moves."""
_DRAG_PIXELS: Final = 300
"""Dragging this far widens a window by its own width."""
_EMPTY_COLOUR: Final = QColor(150, 154, 158)


class _Drag(Enum):
    WINDOW = auto()
    PAN = auto()


class Viewport(QWidget):
    """Shows a study on black; the reader windows, zooms and pans it.

    ``window_changed`` carries centre and width in modality values, ``zoom_changed`` device
    pixels for each stored pixel, ``paths_dropped`` a list of :class:`pathlib.Path`.

    Left drag: window and level. Middle drag, or left drag with Shift or Space: pan. Wheel: zoom
    about the pointer. Double click: fit. Keys: F fit, I invert, R reset the window, + and - zoom,
    1 one stored pixel a screen pixel, arrows pan.
    """

    window_changed = Signal(float, float)
    zoom_changed = Signal(float)
    paths_dropped = Signal(list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._study: Study | None = None
        self._empty_text = EMPTY_TEXT
        self._framing: Framing | None = None
        self._voi: Voi | None = None
        self._inverted = False
        self._drag: _Drag | None = None
        self._drag_from = QPointF()
        self._drag_window = Window(0, 1)
        self._space_held = False
        self._drop_hovers = False
        self._covered = self._covered_below = 0
        self._view: View | None = None
        self._table: NDArray[np.uint8] | None = None
        self._keys: Final[dict[Qt.Key, Callable[[], None]]] = {
            Qt.Key.Key_F: self.fit,
            Qt.Key.Key_I: self.invert,
            Qt.Key.Key_R: self.reset_window,
            Qt.Key.Key_Plus: partial(self.zoom_by, ZOOM_STEP),
            Qt.Key.Key_Equal: partial(self.zoom_by, ZOOM_STEP),
            Qt.Key.Key_Minus: partial(self.zoom_by, 1 / ZOOM_STEP),
            Qt.Key.Key_1: partial(self.zoom_to, 1),
            Qt.Key.Key_Left: partial(self._pan_share, -1, 0),
            Qt.Key.Key_Right: partial(self._pan_share, 1, 0),
            Qt.Key.Key_Up: partial(self._pan_share, 0, -1),
            Qt.Key.Key_Down: partial(self._pan_share, 0, 1),
            Qt.Key.Key_Space: self._hold_space,
        }
        self.badge = CautionBadge(self)
        self.badge.toggled.connect(self.update)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAcceptDrops(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(240, 200)
        self.setAccessibleName("Image")
        self.set_study(None)

    def sizeHint(self) -> QSize:
        return QSize(800, 800)

    # State

    @property
    def study(self) -> Study | None:
        return self._study

    @property
    def voi(self) -> Voi | None:
        """The window or lookup table in use."""
        return self._voi

    @property
    def window_level(self) -> Window | None:
        """The window in use; for a lookup table the range of its input."""
        return self._voi.window if isinstance(self._voi, LookupTable) else self._voi

    @property
    def inverted(self) -> bool:
        """Whether the reader inverted the picture, on top of what the file asks for."""
        return self._inverted

    @property
    def framing(self) -> Framing | None:
        return self._framing

    def set_study(self, study: Study | None) -> None:
        """Show a study as its file asks for, the whole picture; ``None`` empties the viewport."""
        self._study = study
        self._empty_text = EMPTY_TEXT
        self._drag = None
        self._inverted = False
        self._framing = None
        self._voi = None
        self._refresh(resampled=True)
        self.badge.set_cautions(study.cautions if study else ())
        self._describe()
        self._set_cursor()
        if study is not None:
            width, height = self._device_size()
            image = study.image
            self._frame(
                lambda: Framing.fit(image.rows, image.columns, image.pixel_aspect, width, height)
            )
            self._set_voi(image.default_voi)

    def set_covered(self, height: int) -> None:
        """Write below the top ``height`` logical pixels, over which something lies."""
        self._covered = height
        self.update()

    def set_covered_below(self, height: int) -> None:
        """Write above the bottom ``height`` logical pixels, over which something lies."""
        self._covered_below = height
        self.badge.raise_by(height)
        self.update()

    # Actions

    def fit(self) -> None:
        if self._framing is not None:
            self._frame(self._framing.refit)

    def zoom_by(self, factor: float) -> None:
        """Zoom about the middle."""
        if (framing := self._framing) is not None:
            self._frame(lambda: framing.zoomed(factor))

    def zoom_to(self, zoom: float) -> None:
        """Zoom about the middle to ``zoom`` screen pixels for each stored pixel."""
        if self._framing is not None:
            self.zoom_by(zoom / self._framing.zoom)

    def pan_by(self, right: float, down: float) -> None:
        """Move the picture by logical pixels."""
        if (framing := self._framing) is not None:
            ratio = self.devicePixelRatioF()
            self._frame(lambda: framing.panned(right * ratio, down * ratio))

    def invert(self) -> None:
        if self._study is not None:
            self._inverted = not self._inverted
            self._refresh()

    def reset_window(self) -> None:
        """Back to the window that the file asks for, not inverted."""
        if self._study is not None:
            self._inverted = False
            self._set_voi(self._study.image.default_voi)

    def set_window(self, center: float, width: float) -> None:
        """Centre and width in modality values; a width that is too small is made to fit."""
        if (window := self.window_level) is not None:
            self._set_voi(window.adjusted(center, width))

    def show_preset(self, number: int) -> None:
        """Use the preset of that index in ``study.image.presets``."""
        if self._study is not None:
            self._set_voi(self._study.image.presets[number].voi)

    # Inside

    def _set_voi(self, voi: Voi) -> None:
        self._voi = voi
        self._refresh()
        window = voi.window if isinstance(voi, LookupTable) else voi
        self.window_changed.emit(window.center, window.width)

    def _frame(self, reckon: Callable[[], Framing]) -> None:
        try:
            framing = reckon()
        except (ArithmeticError, ValueError):  # numbers of a header that no one thought of
            self._give_up()
            return
        zoom = self._framing.zoom if self._framing else None
        self._framing = framing
        self._refresh(resampled=True)
        if framing.zoom != zoom:
            self.zoom_changed.emit(framing.zoom)

    def _refresh(self, *, resampled: bool = False) -> None:
        """Forget what no longer holds; Qt merges many updates into one paint."""
        self._table = None
        if resampled:
            self._view = None
        self.update()

    def _device_size(self) -> tuple[int, int]:
        ratio = self.devicePixelRatioF()
        return max(round(self.width() * ratio), 1), max(round(self.height() * ratio), 1)

    def _describe(self) -> None:
        study = self._study
        if study is None:
            self.setAccessibleDescription(EMPTY_TEXT)
            return
        parts = (study.patient_name, study.description, study.study_date, study.view)
        self.setAccessibleDescription(", ".join(part for part in (*parts, *study.cautions) if part))

    # Painting

    def render_grey(self) -> NDArray[np.uint8] | None:
        """The picture as it is on the screen, (rows, columns) device pixels."""
        if self._study is None or self._framing is None or self._voi is None:
            return None
        shape = (self._framing.height, self._framing.width)
        if self._view is None:
            self._view = sample_view(self._study.image, self._framing.region, shape)
        if self._table is None:
            self._table = voi_lookup(self._study.image, self._voi, invert=self._inverted)
        return self._view.grey(self._table)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._framing is not None and self._device_size() != (
            self._framing.width,
            self._framing.height,
        ):  # moved to a screen of another density
            self._resize_framing()
        painter = QPainter(self)
        try:
            painter.fillRect(self.rect(), overlay.BACKGROUND)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_picture(painter)
            if self.hasFocus() or self._drop_hovers:
                self._paint_ring(painter, 4.0 if self._drop_hovers else 2.0)
        finally:
            painter.end()  # Qt ends the program over one that is left open

    def _paint_picture(self, painter: QPainter) -> None:
        try:
            grey = self.render_grey()
            if grey is not None:
                height, width = grey.shape
                picture = QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8)
                picture.setDevicePixelRatio(self.devicePixelRatioF())
                painter.drawImage(QPointF(0, 0), picture)
                self._paint_overlay(painter)
                return
        except Exception:  # whatever a file brought about, the next one must still be shown
            self._give_up()
            painter.fillRect(self.rect(), overlay.BACKGROUND)
        self._paint_empty(painter)

    def _resize_framing(self) -> None:
        if (framing := self._framing) is not None:
            self._frame(lambda: framing.resized(*self._device_size()))

    def _give_up(self) -> None:
        """Show a sentence in place of the picture, in an exception handler; told in the log."""
        _log.exception("the picture cannot be drawn")
        self._framing = None
        self._view = self._table = None
        self._empty_text = FAILED_TEXT
        self.setAccessibleDescription(FAILED_TEXT)

    def _paint_overlay(self, painter: QPainter) -> None:
        study, framing = self._study, self._framing
        if study is None or framing is None or self._voi is None:
            return
        painter.setFont(self._overlay_font())
        area = QRectF(self.rect()).adjusted(0, self._covered, 0, -self._covered_below)
        window: Window | str = (
            (self._voi.explanation or "VOI LUT of the file")
            if isinstance(self._voi, LookupTable)
            else self._voi
        )
        texts = overlay.corners(study, window, framing.zoom, inverted=self._inverted)
        overlay.draw_corners(painter, area, texts)
        if letters := overlay.EdgeLetters.of(study.image):
            overlay.draw_edges(painter, area, letters)
        if study.image.pixel_spacing is not None and not self.badge.isChecked():
            mm_per_pixel = study.image.pixel_spacing[1] / framing.zoom * self.devicePixelRatioF()
            if bar := overlay.ScaleBar.within(mm_per_pixel, area.width() / 4):
                bottom = self.badge.geometry().top() if study.cautions else area.bottom()
                overlay.draw_scale_bar(
                    painter, QRectF(area.topLeft(), QPointF(area.right(), bottom)), bar
                )

    def _overlay_font(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(font.pointSizeF() * 0.95, 8.0))
        return font

    def _paint_ring(self, painter: QPainter, width: float) -> None:
        """With a dark line inside, so that it stands out on bright pictures as well."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        accent = self.palette().color(QPalette.ColorRole.Accent)
        for colour, inset in ((overlay.BACKGROUND, width), (accent, 0.0)):
            painter.setPen(QPen(colour, width))
            edge = inset + width / 2
            painter.drawRect(QRectF(self.rect()).adjusted(edge, edge, -edge, -edge))

    def _paint_empty(self, painter: QPainter) -> None:
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.2)
        painter.setFont(font)
        area = QRectF(self.rect())
        lines = QFontMetricsF(font).boundingRect(
            area.adjusted(24, 24, -24, -24), Qt.TextFlag.TextWordWrap, self._empty_text
        )
        frame = QRectF(0, 0, lines.width() + 72, lines.height() + 64)
        frame.moveCenter(area.center())
        painter.setPen(QPen(QColor(70, 74, 78), 1.5, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(frame, 10, 10)
        painter.setPen(_EMPTY_COLOUR)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(frame.adjusted(24, 12, -24, -12), int(flags), self._empty_text)

    # Events

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._resize_framing()
        self.badge.place()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._study is None or self._drag is not None:
            return
        if event.button() == Qt.MouseButton.MiddleButton:
            self._drag = _Drag.PAN
        elif event.button() == Qt.MouseButton.LeftButton:
            shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            self._drag = _Drag.PAN if shift or self._space_held else _Drag.WINDOW
        else:
            event.ignore()
            return
        self._drag_from = event.position()
        self._drag_window = self.window_level or self._drag_window
        self._set_cursor()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        moved = event.position() - self._drag_from
        if self._drag is _Drag.PAN:
            self._drag_from = event.position()
            self.pan_by(moved.x(), moved.y())
        elif self._drag is _Drag.WINDOW:
            if moved.isNull():
                return
            start = self._drag_window
            # Relative to the window, yet never so fine that a narrow one cannot be left.
            step = max(start.width, self._default_width() / 16) / _DRAG_PIXELS
            self.set_window(start.center + moved.y() * step, start.width + moved.x() * step)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        held = Qt.MouseButton.LeftButton | Qt.MouseButton.MiddleButton
        if not event.buttons() & held:
            self._drag = None
            self._set_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        steps = event.angleDelta().y() / 120
        if (framing := self._framing) is None or not steps:
            event.ignore()
            return
        at = event.position() * self.devicePixelRatioF()
        self._frame(lambda: framing.zoomed(ZOOM_STEP**steps, at.x(), at.y()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        plain = event.modifiers() & ~(
            Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier
        )
        if plain != Qt.KeyboardModifier.NoModifier or not self._handle_key(Qt.Key(event.key())):
            super().keyPressEvent(event)

    def _handle_key(self, key: Qt.Key) -> bool:
        """Whether the key meant something here."""
        if key == Qt.Key.Key_Escape and self.badge.isChecked():
            self.badge.setChecked(False)
            return True
        if self._study is None or key not in self._keys:
            return False
        self._keys[key]()
        return True

    def _pan_share(self, right: int, down: int) -> None:
        self.pan_by(right * _PAN_SHARE * self.width(), down * _PAN_SHARE * self.height())

    def _hold_space(self) -> None:
        self._space_held = True
        self._set_cursor()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._space_held = False
            self._set_cursor()
        else:
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._space_held = False
        self._set_cursor()
        self.update()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self._drop_hovers = True
            self.update()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_hovers = False
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_hovers = False
        self.update()
        urls = event.mimeData().urls()
        if paths := [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]:
            event.acceptProposedAction()
            self.paths_dropped.emit(paths)

    def _default_width(self) -> float:
        voi = self._study.image.default_voi if self._study else self._drag_window
        return (voi.window if isinstance(voi, LookupTable) else voi).width

    def _set_cursor(self) -> None:
        if self._study is None:
            shape = Qt.CursorShape.ArrowCursor
        elif self._drag is _Drag.PAN:
            shape = Qt.CursorShape.ClosedHandCursor
        elif self._space_held:
            shape = Qt.CursorShape.OpenHandCursor
        else:
            shape = Qt.CursorShape.CrossCursor
        self.setCursor(shape)
