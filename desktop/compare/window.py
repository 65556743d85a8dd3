"""The window that compares: two columns, their figures, a replay, and three blind questions."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from desktop import theme
from desktop.actions import Actions
from desktop.compare.column import Column
from desktop.compare.commands import COMPARE
from desktop.compare.player import Player
from desktop.compare.questions import Questions
from desktop.compare.transport import Transport, button
from desktop.compare.ways import TOLD, Way
from desktop.report.colors import ReportColors
from desktop.report.legend import ReportLegend
from desktop.theme import GRID, Palette, ThemeName
from desktop.widgets.banner import Banner
from desktop.widgets.elided_label import ElidedLabel

SIZE: Final = (1280, 860)


class CompareWindow(QWidget):
    """Lays the parts out; :class:`~desktop.compare.comparing.Comparing` makes them work."""

    closed = Signal()

    def __init__(self, colors: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("compareWindow")
        self.setWindowTitle("Compare — Pinfill")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.commands = Actions(self, COMPARE)
        self.banner = Banner(colors)
        self.caution = Banner(colors)
        self.player = Player(self)
        self.left, self.right = Column("left"), Column("right")
        self.transport = Transport(self.player, self.commands)
        self.questions = Questions(self.commands)
        self.legend = ReportLegend()
        self.way = QComboBox()
        self.way.setObjectName("way")
        self.way.setAccessibleName("How the sibling is asked")
        for way in Way:
            name, tip = TOLD[way]
            self.way.addItem(name, way)
            self.way.setItemData(self.way.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.study = ElidedLabel()
        self.study.setObjectName("compareStudy")
        self.hint = ElidedLabel()
        self.hint.setObjectName("compareHint")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(12 * GRID)
        self.bar.setAccessibleName("Steps or tokens")
        self.bar.hide()
        self.left.view.scrolled.connect(self.right.view.scroll_as_far)
        self.right.view.scrolled.connect(self.left.view.scroll_as_far)
        self._lay_out()
        self._keys = _OwnKeys(self)
        for widget in self.findChildren(QWidget):
            if isinstance(widget, QAbstractButton | QComboBox):
                widget.installEventFilter(self._keys)
        self.resize(*SIZE)
        self.set_questions(on=False)

    @property
    def chosen_way(self) -> Way:
        return Way(self.way.currentData())

    @property
    def columns(self) -> tuple[Column, Column]:
        return self.left, self.right

    def set_questions(self, *, on: bool) -> None:
        """Ask instead of telling: the figures and the replay would give it away."""
        self.questions.setVisible(on)
        self.transport.setVisible(not on)
        for column in self.columns:
            column.figures.setVisible(not on)

    def set_theme(self, name: ThemeName) -> None:
        colors = theme.palette(name)
        for banner in (self.banner, self.caution):
            banner.recolor(colors)
        report_colors = ReportColors.of(colors)
        for column in self.columns:
            column.view.set_colors(report_colors)
        self.legend.set_colors(report_colors)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        top.setSpacing(GRID // 2)
        run = button(self.commands, "run", self)
        run.setProperty("primary", True)
        top.addWidget(run)
        top.addWidget(button(self.commands, "cancel", self))
        top.addSpacing(2 * GRID)
        asked = QLabel("Autoregression is asked with")
        asked.setBuddy(self.way)
        top.addWidget(asked)
        top.addWidget(self.way)
        for name in ("choose_other", "alone"):
            top.addWidget(button(self.commands, name, self))
        top.addStretch(1)
        for name in ("blind", "load_reference", "report_as_reference"):
            top.addWidget(button(self.commands, name, self))

        sides = QSplitter(Qt.Orientation.Horizontal)
        sides.setChildrenCollapsible(False)
        sides.setHandleWidth(GRID)
        for column in self.columns:
            sides.addWidget(column)
        sides.setSizes([1, 1])

        foot = QFrame()
        foot.setObjectName("compareFoot")
        bottom = QHBoxLayout(foot)
        bottom.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID // 2)
        bottom.setSpacing(GRID)
        bottom.addWidget(self.bar)
        bottom.addWidget(self.hint, 1)
        bottom.addWidget(button(self.commands, "take", self))
        bottom.addWidget(button(self.commands, "undo", self))

        marks = QHBoxLayout()
        marks.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID // 2)
        marks.addWidget(self.legend, 1)

        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(top)
        line = QHBoxLayout()
        line.setContentsMargins(2 * GRID, 0, 2 * GRID, GRID)
        line.addWidget(self.study)
        rows.addLayout(line)
        rows.addWidget(self.banner)
        rows.addWidget(self.caution)
        rows.addWidget(sides, 1)
        rows.addWidget(self.transport)
        rows.addWidget(self.questions)
        rows.addLayout(marks)
        rows.addWidget(foot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no part of the window wanted: Esc puts a notice away."""
        if event.key() == Qt.Key.Key_Escape and self.banner.notice is not None:
            self.banner.dismiss()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.player.pause()
        self.closed.emit()


class _OwnKeys(QObject):
    """Plain keys that a button or a list needs for itself are no commands while it has them."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() != QEvent.Type.ShortcutOverride or not isinstance(event, QKeyEvent):
            return False
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        listed = isinstance(watched, QComboBox) and event.key() != Qt.Key.Key_Escape
        if plain and (listed or event.key() == Qt.Key.Key_Space):
            event.accept()
            return True
        return False
