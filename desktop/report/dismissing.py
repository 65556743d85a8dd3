"""Asking why a clash may stand, in a dialog that does not block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from desktop.report.clashes import ReportClash, title
from desktop.theme import GRID

_OF_FORM: Final = ("It is written so on purpose", "It will be mended later")
_OF_STUDY: Final = (
    "The header of the study is wrong",
    "The words are about another study or person",
    "It will be mended later",
)
_OF_TWO_PLACES: Final = (
    "Both are so: they tell of two different things",
    "One of them tells of an earlier examination",
    "They mean the same",
    "It will be mended later",
)


def ready_reasons(clash: ReportClash) -> Sequence[str]:
    """Reasons that fit a clash."""
    if clash.of_form:
        return _OF_FORM
    return _OF_STUDY if len(clash.places) == 1 else _OF_TWO_PLACES


class DismissDialog(QDialog):
    """Offers ready reasons and a line for another; ``take`` gets the one that was given."""

    def __init__(self, parent: QWidget, clash: ReportClash, take: Callable[[str], None]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Dismiss clash")
        self._take = take
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        heading = QLabel(title(clash))
        heading.setObjectName("dialogTitle")
        why = QLabel(clash.why)
        why.setTextFormat(Qt.TextFormat.PlainText)
        why.setWordWrap(True)
        why.setObjectName("dialogText")
        column.addWidget(heading)
        column.addWidget(why)
        self.reasons = QButtonGroup(self)
        for reason in ready_reasons(clash):
            button = QRadioButton(reason)
            self.reasons.addButton(button)
            column.addWidget(button)
        self.other = QLineEdit()
        self.other.setPlaceholderText("Another reason")
        self.other.setAccessibleName("Another reason")
        self.other.setMaxLength(200)
        column.addWidget(self.other)
        note = QLabel("It is kept with the report, and comes back when the words change.")
        note.setObjectName("dialogNote")
        note.setWordWrap(True)
        column.addWidget(note)
        column.addWidget(self._buttons())
        self.setMinimumWidth(52 * GRID)
        self.reasons.buttonClicked.connect(self._allow)
        self.other.textChanged.connect(self._allow)
        self._allow()

    def _buttons(self) -> QDialogButtonBox:
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.dismiss = buttons.addButton("Dismiss", QDialogButtonBox.ButtonRole.AcceptRole)
        self.dismiss.setDefault(True)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        return buttons

    @property
    def reason(self) -> str:
        """What was written, else what was chosen."""
        chosen = self.reasons.checkedButton()
        return self.other.text().strip() or (chosen.text() if chosen is not None else "")

    def _allow(self) -> None:
        self.dismiss.setEnabled(bool(self.reason))

    def _accept(self) -> None:
        self.accept()
        self._take(self.reason)
