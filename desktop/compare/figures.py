"""The figures below a text: how long, how much, and what became of the pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QSizePolicy, QWidget

from desktop.compare.differences import token_f1
from desktop.compare.fidelity import Fidelity
from desktop.compare.recording import figures
from desktop.compare.side import Side
from desktop.theme import GRID

_LEAST_LINES: Final = 4
"""So many lines high the figures are at least."""

TIPS = {
    "Time": "In the worker, from taking the job to its last word. The image was read before",
    "First text": "When the first canvas with words was there, settled or not",
    "First settled text": "When the first words were there that the model held for settled",
    "Tokens": "Free positions of the canvas for diffusion; tokens that were written, for the other",
    "Words": "Of the fills: the same count for both",
    "Decoder forwards": "How often the model was run",
    "Pin fidelity": (
        "The share of the pinned characters that came back untouched: phrase by phrase, letter for "
        "letter, in their order"
    ),
    "Token-F1": "Words and punctuation in common with the reference, letter case ignored",
}
"""What each figure means."""


def rows(side: Side, reference: str | None) -> Iterator[tuple[str, str]]:
    """The names of the figures and their values."""
    told = figures(side.recording)
    yield "Time", _seconds(told.seconds)
    yield "First text", _seconds(told.first_text)
    yield "First settled text", _seconds(told.first_settled)
    yield "Tokens", f"{told.tokens}{_rate(told.tokens_per_second)}"
    yield "Words", f"{told.words}{_rate(told.words_per_second)}"
    yield "Decoder forwards", str(told.forwards)
    yield "Pin fidelity", told_fidelity(side.fidelity)
    if reference is not None:
        yield "Token-F1", f"{token_f1(side.text, reference):.3f}"


def told_fidelity(measured: Fidelity) -> str:
    if measured.share is None:
        return "nothing was pinned"
    # Never "100 %" for a text that lost a character.
    percent = 100 if measured.share == 1 else min(99.9, measured.share * 100)
    shown = f"{percent:.0f} %" if percent in (0, 100) else f"{percent:.1f} %"
    return f"{shown} · {measured.kept} of {measured.pinned}"


def _seconds(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f} s"


def _rate(value: float | None) -> str:
    return "" if value is None else f" · {value:.1f} a second"


class FiguresTable(QScrollArea):
    """Names on the left, values beside them; as many rows as there are figures.

    Where the window is low it gives way to the text above it, and scrolls.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("figures")
        self.setAccessibleName("Figures")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verticalScrollBar().rangeChanged.connect(self._take_keys)
        self._table = QWidget()
        self.setWidget(self._table)
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID // 4)
        self._grid.setColumnStretch(1, 1)
        self._labels: dict[str, tuple[QLabel, QLabel]] = {}
        for number, name in enumerate(TIPS):
            told, value = QLabel(name), QLabel()
            told.setProperty("caption", True)
            value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            for column, label in enumerate((told, value)):
                label.setToolTip(TIPS[name])
                self._grid.addWidget(label, number, column)
            self._labels[name] = told, value
        self.show_rows({})

    @property
    def values(self) -> dict[str, str]:
        """What is to be read, by name."""
        return {
            name: value.text() for name, (_, value) in self._labels.items() if not value.isHidden()
        }

    def show_rows(self, values: dict[str, str]) -> None:
        """A figure without a value is left out, with its name."""
        for name, (told, value) in self._labels.items():
            value.setText(values.get(name, ""))
            value.setAccessibleName(f"{name}: {values[name]}" if name in values else "")
            for label in (told, value):
                label.setVisible(name in values)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return self._table.sizeHint() + QSize(2, 2)  # the ring of the focus

    def minimumSizeHint(self) -> QSize:
        whole = self._table.minimumSizeHint()
        lines = _LEAST_LINES * self.fontMetrics().lineSpacing()
        return QSize(whole.width(), min(whole.height(), lines))

    def _take_keys(self, _least: int, most: int) -> None:
        """The arrow keys scroll what does not show at once."""
        scrolls = most > 0
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus if scrolls else Qt.FocusPolicy.NoFocus)
