"""Asking for the length of a gap, in a dialog that does not block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QInputDialog, QWidget

_USUAL: Final = 12


def ask_length(parent: QWidget, most: int, take: Callable[[int], None]) -> QInputDialog:
    """Call ``take`` with a number of tokens, 1 to ``most``, once the reader has chosen one."""
    dialog = QInputDialog(parent)
    dialog.setInputMode(QInputDialog.InputMode.IntInput)
    dialog.setWindowTitle("Gap length")  # short: the dialog is as wide as its label
    dialog.setLabelText("Length in tokens (a word is one or two):")
    dialog.setIntRange(1, most)
    dialog.setIntValue(min(_USUAL, most))
    dialog.setOkButtonText("Insert")
    dialog.intValueSelected.connect(take)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
