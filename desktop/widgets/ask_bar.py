"""A question about the image, and its answer, which is not a report and says so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop import theme
from desktop.theme import GRID, Palette
from desktop.widgets.alt_keys import is_alt_letter
from inference.protocol import Run

_LONGEST: Final = 300
"""Characters of a question."""

_LINES: Final = 8
"""So many of an answer are shown at once at most."""

_WARNING: Final = "Not a report: check it against the image."


class AskBar(QFrame):
    """``asked`` tells a question; :meth:`show_answer` streams what is said to it.

    The answer is in a frame of its own, ``said``, for who owns the bar to lay out.
    """

    asked = Signal(str)
    dropped = Signal()  # the answer, which may still be on its way
    left = Signal()  # by Esc, where nothing is left to put away

    refused = Signal(str)  # why a question cannot be put now

    def __init__(self, ask: QAction, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("askBar")
        self._ask = ask
        self._why_not: str | None = None
        self._colors: Palette | None = None
        self._runs: Sequence[Run] = ()
        self.field = _Field(self)
        self.field.setObjectName("questionField")
        self.field.setAccessibleName("Question about the image")
        self.field.setPlaceholderText("Ask about this image…")
        self.field.setMaxLength(_LONGEST)
        self.field.returnPressed.connect(self._submit)
        self.field.textChanged.connect(self._allow)
        self.field.escaped.connect(self._put_away)
        self.button = QPushButton("Ask", self)
        self.button.setObjectName("askButton")
        self.button.setAutoDefault(False)
        self.button.clicked.connect(self._submit)

        self._answer = _Answer(self)
        self._answer.escaped.connect(self._put_away)
        self._caption = QLabel(self)
        self._caption.setObjectName("answerCaption")
        self._caption.setTextFormat(Qt.TextFormat.PlainText)
        self._caption.setWordWrap(True)
        self._close = QToolButton(self)
        self._close.setProperty("flat", True)
        self._close.setProperty("glyph", True)
        self._close.setToolTip("Put the answer away")
        self._close.setAccessibleName("Put the answer away")
        self._close.clicked.connect(self._drop)

        said = QVBoxLayout()
        said.setSpacing(GRID // 4)
        said.addWidget(self._answer)
        said.addWidget(self._caption)
        self.said = QFrame(self)
        self.said.setObjectName("answer")
        block = QHBoxLayout(self.said)
        block.setContentsMargins(GRID + GRID // 2, GRID, GRID, GRID)
        block.addLayout(said, 1)
        block.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        row = QHBoxLayout()
        row.setSpacing(GRID // 2)
        row.addWidget(self.field, 1)
        row.addWidget(self.button)
        row.setContentsMargins(GRID, GRID, GRID, GRID)
        self.setLayout(row)
        self.clear()
        self._allow()

    @property
    def stops(self) -> tuple[QWidget, ...]:
        """What the Tab key goes to, in this order."""
        return self.field, self.button, self._answer, self._close

    def take_question(self) -> None:
        """Put the cursor into the field; what is typed takes the place of the last question."""
        self.field.setFocus()
        self.field.selectAll()

    def clear(self) -> None:
        """Forget the answer; the question stays, to be put otherwise."""
        self._runs = ()
        self.said.hide()
        self._answer.set_text("")
        self._caption.clear()

    def begin(self, question: str, model: str) -> None:
        """A question is on its way."""
        self._runs = ()
        self._answer.set_text("…")
        self._caption.setText(f"{model} on “{question}” · {_WARNING}")
        self.said.show()

    def show_answer(self, runs: Sequence[Run]) -> None:
        """What is said so far; what may still change is paler and in italics."""
        self._runs = runs
        paler = self._colors.unsettled if self._colors is not None else "gray"
        self._answer.set_text(
            "".join(
                _html(run.text)
                if run.settled
                else f'<i style="color:{paler}">{_html(run.text)}</i>'
                for run in runs
            )
            or "…"
        )

    def end(self, text: str) -> None:
        """The whole answer."""
        self.show_answer([Run(text.strip() or "The model said nothing.", settled=True)])

    def recolor(self, colors: Palette) -> None:
        self._colors = colors
        self._close.setIcon(theme.icon("close", colors))
        if self._runs:
            self.show_answer(self._runs)

    def allow(self, why_not: str | None) -> None:
        """Take questions for ``None``; else they can be written, and are told the reason."""
        self._why_not = why_not
        self._allow()

    def _submit(self) -> None:
        if self._why_not is not None:
            self.refused.emit(self._why_not)
        elif question := self.field.text().strip():
            self.asked.emit(question)

    def _allow(self) -> None:
        question = bool(self.field.text().strip())
        self.button.setEnabled(self._why_not is None and question)
        asking = self._ask.toolTip() if question else "Write a question"
        self.button.setToolTip(self._why_not or asking)

    def _drop(self) -> None:
        self.clear()
        self.dropped.emit()

    def _put_away(self) -> None:
        if self.said.isVisible():
            self._drop()
        else:
            self.left.emit()


def _html(text: str) -> str:
    return escape(text).replace("\n", "<br>")


class _Answer(QTextEdit):
    """As high as its text is, up to some lines: a long answer must not push the image away."""

    escaped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.setObjectName("answerText")
        self.setAccessibleName("Answer")
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(0)

    @property
    def text(self) -> str:
        """As HTML, as it was set."""
        return self._text

    def set_text(self, text: str) -> None:
        self._text = text
        at = self.verticalScrollBar().value()
        self.setHtml(text)
        self._fit()
        self.verticalScrollBar().setValue(at)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        line = self.fontMetrics().lineSpacing()
        wanted = math.ceil(self.document().size().height())
        self.setFixedHeight(max(line, min(wanted, _LINES * line)))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)


class _Field(QLineEdit):
    escaped = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        elif is_alt_letter(event):
            event.ignore()
        else:
            super().keyPressEvent(event)
