"""One column: whose text it is, the text, and its figures."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from desktop.compare.figures import FiguresTable
from desktop.compare.text_view import TextView
from desktop.theme import GRID
from desktop.widgets.elided_label import ElidedLabel

_LEAST_LINES: Final = 10
"""So much of a text shows at least; the figures give way to it."""


class Column(QFrame):
    """``side`` is what it is called for screen readers: left or right."""

    def __init__(self, side: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareColumn")
        self.view = TextView(self)
        self.view.setObjectName(f"{side}Text")
        self.view.setAccessibleName(f"Text on the {side}")
        self.view.setMinimumHeight(_LEAST_LINES * self.view.fontMetrics().lineSpacing())
        self.figures = FiguresTable(self)
        self._side = side
        self._name = QLabel(self)
        self._name.setObjectName("columnName")
        self._model = ElidedLabel(self)
        self._model.setObjectName("columnModel")
        head = QVBoxLayout()
        head.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        head.setSpacing(GRID // 4)
        head.addWidget(self._name)
        head.addWidget(self._model)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.view, 1)
        column.addWidget(self.figures)

    @property
    def name(self) -> str:
        return self._name.text()

    @property
    def model(self) -> str:
        return self._model.full_text

    def set_head(self, name: str, model: str = "") -> None:
        """Who wrote it, and a second line about that."""
        self._name.setText(name)
        self._model.set_full_text(model)
        self.view.setAccessibleName(f"Text on the {self._side}: {name}")
