"""A notice that lies over the top of another widget, which keeps its size and its place."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QWidget

_PLACING = frozenset(
    {QEvent.Type.Show, QEvent.Type.Hide, QEvent.Type.Resize, QEvent.Type.Move}
) | frozenset({QEvent.Type.LayoutRequest})


class Covering(QObject):
    """Keeps ``cover`` over the top of ``host``, as wide as that and as high as it needs.

    ``covered`` tells how many pixels of the host lie under it.
    """

    covered = Signal(int)

    def __init__(self, cover: QWidget, host: QWidget) -> None:
        super().__init__(host)
        self._cover, self._host = cover, host
        cover.setParent(host.parentWidget())  # not of the host: that would get its mouse events
        self._height = 0
        for widget in (cover, host):
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        own_move = watched is self._cover and event.type() in (QEvent.Type.Move, QEvent.Type.Resize)
        if event.type() in _PLACING and not own_move:
            self._place()
        return False

    def _place(self) -> None:
        cover, host = self._cover, self._host
        height = 0
        if not cover.isHidden():
            height = max(cover.heightForWidth(host.width()), cover.minimumSizeHint().height())
            cover.setGeometry(host.x(), host.y(), host.width(), min(height, host.height()))
            cover.raise_()
        if height != self._height:
            self._height = height
            self.covered.emit(height)
