"""What lies over one edge of another widget, which keeps its size and its place."""

from __future__ import annotations

from typing import Final, Literal

from PySide6.QtCore import QEvent, QObject, Signal
from PySide6.QtWidgets import QWidget

Edge = Literal["top", "bottom"]

_PLACING: Final = frozenset(
    {
        QEvent.Type.Show,
        QEvent.Type.Hide,
        QEvent.Type.Resize,
        QEvent.Type.Move,
        QEvent.Type.LayoutRequest,
    }
)


class Covering(QObject):
    """Keeps ``cover`` over one edge of ``host``, as wide as that and as high as it needs.

    ``covered`` tells how many pixels of the host lie under it.
    """

    covered = Signal(int)

    def __init__(self, cover: QWidget, host: QWidget, edge: Edge = "top") -> None:
        super().__init__(host)
        self._cover, self._host, self._edge = cover, host, edge
        hidden = cover.isHidden()
        cover.setParent(host.parentWidget())  # not of the host: that would get its mouse events
        cover.setVisible(not hidden)
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
            wanted = max(cover.heightForWidth(host.width()), cover.minimumSizeHint().height())
            height = min(wanted, host.height())
            top = host.y() if self._edge == "top" else host.y() + host.height() - height
            cover.setGeometry(host.x(), top, host.width(), height)
            cover.raise_()
        if height != self._height:
            self._height = height
            self.covered.emit(height)
