"""Three questions about two texts of which nobody says whose they are."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QLabel, QRadioButton, QWidget

from desktop.actions import Actions
from desktop.compare.blind import QUESTIONS, Answer
from desktop.compare.transport import button
from desktop.theme import GRID

_SHOWN = {Answer.LEFT: "Left", Answer.SAME: "The same", Answer.RIGHT: "Right"}


class Questions(QFrame):
    """``changed`` tells that an answer was given."""

    changed = Signal()

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("questions")
        grid = QGridLayout(self)
        grid.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(GRID // 2)
        grid.setColumnStretch(4, 1)
        self._groups: dict[str, QButtonGroup] = {}
        for row, (name, question) in enumerate(QUESTIONS):
            grid.addWidget(QLabel(question), row, 0)
            self._groups[name] = group = QButtonGroup(self)
            for column, answer in enumerate(Answer, 1):
                choice = QRadioButton(_SHOWN[answer], self)
                choice.setObjectName(f"{name}-{answer.value}")
                choice.setAccessibleName(f"{question} {_SHOWN[answer]}")
                group.addButton(choice)
                grid.addWidget(choice, row, column)
            group.buttonToggled.connect(self._changed)
        grid.addWidget(button(actions, "save", self), 0, 5, 3, 1, Qt.AlignmentFlag.AlignVCenter)

    @property
    def answers(self) -> dict[str, Answer]:
        """What was answered so far."""
        given = {}
        for name, group in self._groups.items():
            chosen = group.checkedButton()
            if chosen is not None:
                given[name] = Answer(chosen.objectName().removeprefix(f"{name}-"))
        return given

    @property
    def complete(self) -> bool:
        return len(self.answers) == len(QUESTIONS)

    def clear(self) -> None:
        for group in self._groups.values():
            group.setExclusive(False)
            for choice in group.buttons():
                choice.setChecked(False)
            group.setExclusive(True)

    def _changed(self) -> None:
        self.changed.emit()
