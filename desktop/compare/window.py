"""The window that compares: two columns, their figures, a replay, and three blind questions."""

from __future__ import annotations

from collections.abc import Iterator
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
from desktop.studies.reading import Study
from desktop.theme import GRID, Palette, ThemeName
from desktop.viewer.viewport import Viewport
from desktop.widgets.banner import Banner
from desktop.widgets.elided_label import ElidedLabel
from desktop.widgets.flow import Flow
from desktop.widgets.panes import Panes

SIZE: Final = (1440, 860)
PANES: Final = (0.34, 0.66)
"""What the image and the two texts have of the width to begin with."""


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
        self.image = Viewport()
        self.image.setObjectName("compareImage")
        self.image.setAcceptDrops(False)  # studies are opened in the main window
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
        self.commands["image"].setChecked(True)
        self.commands["image"].toggled.connect(self.image.setVisible)
        self.set_questions(on=False)

    @property
    def chosen_way(self) -> Way:
        return Way(self.way.currentData())

    @property
    def columns(self) -> tuple[Column, Column]:
        return self.left, self.right

    def show_image(self, study: Study | None) -> None:
        """The image of what is compared; zoom and window stay while it is the same study."""
        if study is not self.image.study:
            self.image.set_study(study)

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
        top = QFrame()
        line = Flow(top, after=GRID, below=GRID // 2)
        line.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        for group in self._groups():
            line.add(group)

        texts = QSplitter(Qt.Orientation.Horizontal)
        texts.setChildrenCollapsible(False)
        texts.setHandleWidth(GRID)
        for column in self.columns:
            texts.addWidget(column)
        texts.setSizes([1, 1])
        right = QWidget()
        beside = QVBoxLayout(right)
        beside.setContentsMargins(0, 0, 0, 0)
        beside.setSpacing(0)
        # Beside the image, so that no notice moves it.
        beside.addWidget(self.banner)
        beside.addWidget(self.caution)
        beside.addWidget(texts, 1)
        self.panes = Panes(PANES)
        self.panes.addWidget(self.image)
        self.panes.addWidget(right)

        foot = QFrame()
        foot.setObjectName("compareFoot")
        bottom = QHBoxLayout(foot)
        bottom.setContentsMargins(2 * GRID, GRID // 2, 2 * GRID, GRID // 2)
        bottom.setSpacing(GRID)
        bottom.addWidget(self.bar)
        bottom.addWidget(self.hint, 1)
        bottom.addWidget(button(self.commands, "take", self))
        bottom.addWidget(button(self.commands, "undo", self))

        rows = QVBoxLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(top)
        told = QHBoxLayout()
        told.setContentsMargins(2 * GRID, 0, 2 * GRID, GRID)
        told.setSpacing(2 * GRID)
        told.addWidget(self.study, 1, Qt.AlignmentFlag.AlignTop)
        told.addWidget(self.legend)
        rows.addLayout(told)
        rows.addWidget(self.panes, 1)
        rows.addWidget(self.transport)
        rows.addWidget(self.questions)
        rows.addWidget(foot)

    def _groups(self) -> Iterator[QWidget]:
        """What stays together where the row of commands wraps."""
        run = button(self.commands, "run", self)
        run.setProperty("primary", True)
        yield _group(run, button(self.commands, "cancel", self))
        asked = QLabel("Autoregression is asked with")
        asked.setBuddy(self.way)
        yield _group(asked, self.way)
        yield _group(*(button(self.commands, name, self) for name in ("choose_other", "alone")))
        yield _group(*(button(self.commands, name, self) for name in ("blind", "image")))
        references = ("load_reference", "report_as_reference")
        yield _group(*(button(self.commands, name, self) for name in references))

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


def _group(*widgets: QWidget) -> QWidget:
    group = QWidget()
    line = QHBoxLayout(group)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(GRID // 2)
    for widget in widgets:
        line.addWidget(widget)
    return group


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
