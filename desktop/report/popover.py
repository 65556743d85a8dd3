"""A small list at the gap: the candidates, and in which words each differs."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from desktop.report.choices import Choice
from desktop.report.colors import ReportColors
from desktop.report.comparison import Change, Passage
from desktop.theme import GRID

WIDTH: Final = 60 * GRID
_HEIGHT: Final = 48 * GRID
_KEYS: Final = "Alt+↓  Alt+↑  switch   ·   ↑  ↓  Enter  choose   ·   Esc  close"


class CandidatePopover(QFrame):
    """Never takes the keyboard: who reads along in the report goes on writing there."""

    chosen = Signal(int)
    """The index of a candidate."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("candidatePopover")
        self._colors = ReportColors.dark()
        self._rows: list[_Row] = []
        self._highlighted = 0
        self._title = QLabel(self)
        self._title.setObjectName("candidateTitle")
        keys = QLabel(_KEYS, self)
        keys.setObjectName("candidateKeys")
        self._list = QWidget()
        self._list.setObjectName("candidateList")
        self._column = QVBoxLayout(self._list)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GRID // 4)
        self._area = QScrollArea(self)
        self._area.setObjectName("candidateArea")
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setWidgetResizable(True)
        self._area.setWidget(self._list)
        self._around = QVBoxLayout(self)
        self._around.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        self._around.setSpacing(GRID // 2)
        self._around.addWidget(self._title)
        self._around.addWidget(self._area, 1)
        self._around.addWidget(keys)
        self.hide()

    def set_colors(self, colors: ReportColors) -> None:
        self._colors = colors
        self.hide()

    @property
    def highlighted(self) -> int:
        """The index of the candidate that Enter chooses."""
        return self._highlighted

    @property
    def rows(self) -> Sequence[QWidget]:
        return self._rows

    def show_choices(self, title: str, choices: Sequence[Choice]) -> None:
        """Fill the list; the candidate that stands is highlighted."""
        for row in self._rows:
            self._column.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [_Row(choice, self._colors, self) for choice in choices]
        for row in self._rows:
            self._column.addWidget(row)
            row.show()  # else the layout counts it as hidden
            row.clicked.connect(self._choose)
        self._title.setText(title)
        self.setAccessibleName(title)
        self._highlight(next(i for i, choice in enumerate(choices) if choice.current))

    def place(self, above: QRect, below: QRect, room: QRect) -> None:
        """Show under ``below``, where there is no room for it over ``above``; all in ``room``."""
        width = min(WIDTH, room.width())
        height = min(self._wanted_height(width), _HEIGHT, room.height())
        left = max(room.left(), min(below.left(), room.right() - width))
        top = below.bottom() + GRID // 2
        if top + height > room.bottom():
            over = above.top() - GRID // 2 - height
            top = over if over >= room.top() else room.bottom() - height
        self.setGeometry(QRect(QPoint(left, top), QSize(width, height)))
        self.show()
        self.raise_()
        self._area.ensureWidgetVisible(self._rows[self._highlighted], 0, 0)

    def _wanted_height(self, width: int) -> int:
        margins = self._around.contentsMargins()
        inner = width - margins.left() - margins.right() - 2 * self.frameWidth()
        rows = self._column.heightForWidth(inner)
        others = sum(
            item.sizeHint().height()
            for item in (self._around.itemAt(0), self._around.itemAt(2))
            if item is not None
        )
        return rows + others + margins.top() + margins.bottom() + 2 * self._around.spacing() + 4

    def move_highlight(self, step: int) -> None:
        self._highlight((self._highlighted + step) % len(self._rows))
        self._area.ensureWidgetVisible(self._rows[self._highlighted], 0, 0)

    def choose_highlighted(self) -> None:
        self._choose(self._highlighted)

    def _highlight(self, index: int) -> None:
        self._highlighted = index
        for number, row in enumerate(self._rows):
            row.set_highlighted(number == index)
        QAccessible.updateAccessibility(
            QAccessibleEvent(self._rows[index], QAccessible.Event.NameChanged)
        )

    def _choose(self, index: int) -> None:
        if self._rows[index].choice.allowed:
            self.chosen.emit(index)


class _Row(QFrame):
    """One candidate: its number, its text, what is to be said of it."""

    clicked = Signal(int)

    def __init__(self, choice: Choice, colors: ReportColors, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("candidateRow")
        self.choice = choice
        self.setAccessibleName(choice.spoken)
        self.setProperty("current", choice.current)
        number = QLabel(f"<b>{choice.number}</b>" if choice.current else str(choice.number), self)
        number.setObjectName("candidateNumber")
        number.setFixedWidth(2 * GRID)
        number.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        text = QLabel(_html(choice, colors), self)
        text.setTextFormat(Qt.TextFormat.RichText)
        text.setWordWrap(True)
        row = QHBoxLayout(self)
        row.setContentsMargins(GRID // 2, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID)
        row.addWidget(number)
        row.addWidget(text, 1)
        if choice.allowed:
            self.setCursor(Qt.CursorShape.PointingHandCursor)

    def set_highlighted(self, highlighted: bool) -> None:
        self.setProperty("highlighted", highlighted)
        # A changed property reaches the style sheet only when the widget is polished anew.
        self.style().unpolish(self)
        self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # else the report would take it and close the list

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(
            event.position().toPoint()
        ):
            self.clicked.emit(self.choice.number - 1)


def _html(choice: Choice, colors: ReportColors) -> str:
    lines = [_fill(choice.passages, colors)]
    lines += [
        f'<span style="color:{colors.soft}">elsewhere:</span> {_fill(passages, colors)}'
        for passages in choice.elsewhere
    ]
    if choice.notes:
        notes = (
            f'<span style="color:{colors.clash if is_fault else colors.soft}">{escape(note)}</span>'
            for note, is_fault in choice.notes
        )
        lines.append(f'<span style="color:{colors.soft}"> · </span>'.join(notes))
    return "<br>".join(lines)


def _fill(passages: Sequence[Passage], colors: ReportColors) -> str:
    return "".join(_passage(passage, colors) for passage in passages)


def _passage(passage: Passage, colors: ReportColors) -> str:
    """Never by colour alone: what is new is bold and underlined, what is gone struck through."""
    text = escape(passage.text)
    word = text.strip()
    match passage.change:
        case Change.NEW if word:
            marked = f'<b><u style="color:{colors.differs}">{word}</u></b>'
        case Change.GONE if word:
            marked = f'<s style="color:{colors.soft}">{word}</s>'
        case _:
            return text
    before, _, after = text.partition(word)
    return f"{before}{marked}{after}"
