"""Saying what is unresolved before a report leaves Pinfill, in a dialog that does not block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from desktop.report.leaving import Matter, count_of
from desktop.theme import GRID

_MOST_HEIGHT: Final = 40 * GRID


class LeavingDialog(QDialog):
    """Names ``found``; the reader goes on, has the first shown, or cancels.

    ``verb`` is what is about to happen: "Copy".
    """

    def __init__(
        self,
        parent: QWidget,
        verb: str,
        found: Sequence[Matter],
        go_on: Callable[[], object],
        show_first: Callable[[], object],
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(verb)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        heading = QLabel(f"{count_of(found)}:")
        heading.setObjectName("dialogTitle")
        column.addWidget(heading)
        column.addWidget(_list(found))
        if any(matter.clash is None for matter in found):
            note = QLabel("Where a gap is open, nothing will stand.")
            note.setObjectName("dialogNote")
            column.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.show_first = buttons.addButton("Show first", QDialogButtonBox.ButtonRole.ActionRole)
        self.go_on = buttons.addButton(f"{verb} anyway", QDialogButtonBox.ButtonRole.AcceptRole)
        self.show_first.setDefault(True)
        self.show_first.clicked.connect(lambda: self._end(show_first))
        self.go_on.clicked.connect(lambda: self._end(go_on))
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.setMinimumWidth(64 * GRID)

    def _end(self, run: Callable[[], object]) -> None:
        self.accept()
        run()


def _list(found: Sequence[Matter]) -> QWidget:
    rows = QWidget()
    column = QVBoxLayout(rows)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(GRID // 2)
    for matter in found:
        row = QLabel(f"•  {matter.told}")
        row.setTextFormat(Qt.TextFormat.PlainText)
        row.setWordWrap(True)
        row.setObjectName("dialogText")
        column.addWidget(row)
    column.addStretch(1)
    area = QScrollArea()
    area.setObjectName("candidateArea")
    rows.setObjectName("candidateList")
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setWidgetResizable(True)
    area.setWidget(rows)
    height = column.heightForWidth(58 * GRID)
    area.setFixedHeight(min(height, _MOST_HEIGHT))
    return area
