"""Text over as many lines as it needs, no word of which is cut."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent, QTextDocument, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextEdit, QWidget

from desktop.theme import GRID

_NARROWEST: Final = 10 * GRID


class WrappedText(QTextEdit):
    """A label that breaks what is longer than a line, as a path may be, at any character.

    :class:`QLabel` breaks between words alone, and cuts off the rest. The text can be selected
    with the mouse. Plain text of more than ``most_lines`` ends in an ellipsis; screen readers and
    the tooltip are told all of it.
    """

    def __init__(self, parent: QWidget | None = None, most_lines: int | None = None) -> None:
        super().__init__(parent)
        self.full_text = ""
        self._most_lines = most_lines
        self._whole = QTextDocument(self)
        self.setProperty("wrapped", True)
        self.setReadOnly(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        for document in (self.document(), self._whole):
            document.setDocumentMargin(0)
            option = document.defaultTextOption()
            option.setWrapMode(self.wordWrapMode())
            document.setDefaultTextOption(option)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def set_full_text(self, text: str, html: str | None = None) -> None:
        """Show ``text``, in the form of ``html`` where there is one."""
        self.full_text = text
        self.setAccessibleName(text)
        for target in (self, self._whole):
            if html is None:
                target.setPlainText(text)
            else:
                target.setHtml(html)
        self._elide()
        self.updateGeometry()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return min(self._reckoned(self._whole, width), self._highest)

    def sizeHint(self) -> QSize:
        self._whole.setDefaultFont(self.font())
        self._whole.setTextWidth(-1)
        width = max(math.ceil(self._whole.idealWidth()), _NARROWEST)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(_NARROWEST, self.fontMetrics().lineSpacing())

    @property
    def _highest(self) -> int:
        lines = 10_000 if self._most_lines is None else self._most_lines
        return lines * (self.fontMetrics().lineSpacing() + 1)

    def _reckoned(self, document: QTextDocument, width: int) -> int:
        document.setDefaultFont(self.font())
        document.setTextWidth(width)
        return math.ceil(document.size().height())

    def _elide(self) -> None:
        if self._most_lines is None:
            return
        trial, width = self._whole.clone(), self.width()
        fits, too_long = 0, len(self.full_text) + 1
        text = self.full_text
        while too_long - fits > 1:
            length = (fits + too_long) // 2
            shown = text if length == len(text) else f"{text[:length].rstrip()}…"
            trial.setPlainText(shown)
            if self._reckoned(trial, width) <= self._highest:
                fits = length
            else:
                too_long = length
        cut = fits < len(text)
        self.setPlainText(f"{text[:fits].rstrip()}…" if cut else text)
        self.setToolTip(text if cut else "")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # all of it shows
