"""Panes side by side that share the width by a ratio, whatever the window's size."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from desktop.theme import GRID


class Panes(QSplitter):
    """Keeps the ratio that the reader chose; each pane keeps its least width all the same."""

    def __init__(self, ratio: Sequence[float], parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._ratio = list(ratio)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(GRID)
        self.splitterMoved.connect(lambda _position, _index: self._remember())

    @property
    def ratio(self) -> list[float]:
        """The share of each pane; hidden panes have one, too."""
        return list(self._ratio)

    def set_ratio(self, ratio: Sequence[float]) -> None:
        self._ratio = list(ratio)
        self.share_out()

    def saved(self) -> QByteArray:
        """The ratio, to be kept and restored."""
        return QByteArray(" ".join(f"{share:.4f}" for share in self._ratio).encode())

    def restore(self, state: QByteArray) -> bool:
        """Take a saved ratio; ``False``, and nothing done, where it is none for these panes."""
        try:
            ratio = [float(share) for share in bytes(state.data()).split()]
        except ValueError:
            return False
        if len(ratio) != self.count() or not all(0 < share < 1 for share in ratio):
            return False
        self.set_ratio(ratio)
        return True

    def share_out(self) -> None:
        """Give each pane that is shown its share of the width."""
        panes = [self.widget(at) for at in range(self.count())]
        shown = [pane is not None and not pane.isHidden() for pane in panes]
        whole = sum(share for share, on in zip(self._ratio, shown, strict=False) if on)
        if whole > 0:
            # Finer than pixels are, since Qt only scales what it is given.
            self.setSizes([round(100_000 * share / whole) for share in self._ratio])

    def _remember(self) -> None:
        """A hidden pane keeps its share, the others have among them what they had before."""
        sizes = self.sizes()
        shown = [at for at, size in enumerate(sizes) if size]
        whole, total = sum(self._ratio[at] for at in shown), sum(sizes)
        for at in shown:
            self._ratio[at] = whole * sizes[at] / total

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.share_out()
