"""The mark of words that are not on disk: it stands until they are, and nothing puts it away."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop import theme
from desktop.theme import GRID, Palette
from desktop.widgets.wrapped_text import WrappedText

Action = tuple[str, Callable[[], object]]
"""A button's text and what it does."""


class UnsavedMark(QFrame):
    """A glyph, a sentence and buttons at the head of the report; hidden while there is none."""

    def __init__(self, colors: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("unsavedMark")
        self._colors = colors
        self._icon = QLabel(self)
        self._icon.setFixedWidth(2 * GRID)
        self._icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._text = WrappedText(self)
        self._buttons: list[QPushButton] = []
        self._actions: list[Action] = []

        line = QHBoxLayout()
        line.setSpacing(GRID)
        line.addWidget(self._icon)
        line.addWidget(self._text, 1)
        self._row = QHBoxLayout()
        self._row.setContentsMargins(3 * GRID, 0, 0, 0)
        self._row.setSpacing(GRID // 2)
        self._row.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(GRID + GRID // 2, GRID // 2, GRID, GRID // 2)
        column.setSpacing(GRID // 2)
        column.addLayout(line)
        column.addLayout(self._row)
        self.hide()

    @property
    def text(self) -> str:
        return self._text.full_text if not self.isHidden() else ""

    @property
    def offers(self) -> tuple[str, ...]:
        """The buttons' texts."""
        return tuple(text for text, _ in self._actions) if not self.isHidden() else ()

    def show_mark(self, text: str, details: str, actions: Sequence[Action]) -> None:
        """Say ``text``, with ``details`` in the tooltip; nothing to say hides the mark."""
        told = self.text
        self._actions = list(actions)
        self.setToolTip(details)
        self._text.set_full_text(text)
        self.setAccessibleName(text)
        self._show_buttons()
        self.setVisible(bool(text))
        self.recolor(self._colors)
        if text and text != told:
            QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def _show_buttons(self) -> None:
        # Kept where the texts are the same, for one of them may have the focus.
        while len(self._buttons) < len(self._actions):
            button = QPushButton(self)
            number = len(self._buttons)
            button.setObjectName(f"unsavedAction{number}")
            button.clicked.connect(lambda _checked=False, number=number: self._act(number))
            self._buttons.append(button)
            self._row.insertWidget(number, button)
        for number, button in enumerate(self._buttons):
            button.setVisible(number < len(self._actions))
            if number < len(self._actions):
                button.setText(self._actions[number][0])

    def _act(self, number: int) -> None:
        if number < len(self._actions):
            self._actions[number][1]()

    def recolor(self, colors: Palette) -> None:
        self._colors = colors
        scale = self.devicePixelRatioF()
        self._icon.setPixmap(theme.glyph("warning", colors.warning, scale=scale))
