"""A slim bar over the image to move among several opened studies."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QWheelEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QToolButton, QWidget

from desktop.theme import GRID


class StudyBar(QFrame):
    """Previous, a list of the studies by name, next, and which of how many; hidden for one."""

    chosen = Signal(int)

    def __init__(
        self, previous: QAction, following: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("studyBar")
        self._list = _StudyList(self)
        # A wheel or a stray key must not change the patient: only who came by Tab means the list.
        self._list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._list.setAccessibleName("Opened studies")
        self._list.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._list.activated.connect(self.chosen)
        self._place = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID)
        row.addWidget(_step_button(previous, self))
        row.addWidget(self._list, 1)
        row.addWidget(_step_button(following, self))
        row.addWidget(self._place)
        self.hide()

    def set_studies(self, names: Sequence[str], current: int) -> None:
        """Show ``names`` with the one at ``current`` chosen; emits nothing."""
        if [self._list.itemText(i) for i in range(self._list.count())] != list(names):
            self._list.clear()
            self._list.addItems(list(names))
        self._list.setCurrentIndex(current)
        self._place.setText(f"{current + 1} of {len(names)}")
        self.setVisible(len(names) > 1)


class _StudyList(QComboBox):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


def _step_button(action: QAction, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setDefaultAction(action)
    button.setProperty("flat", True)
    button.setProperty("glyph", True)
    button.setAccessibleName(action.text().replace("&", ""))
    return button
