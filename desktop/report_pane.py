"""The right side of the window: whose report, the commands, the editor, the legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from desktop import theme
from desktop.actions import Actions, commands
from desktop.report.editor import ReportEditor
from desktop.report.legend import ReportLegend
from desktop.studies.names import shown_path
from desktop.studies.reading import Study
from desktop.theme import GRID, Palette
from desktop.widgets.elided_label import ElidedLabel
from desktop.widgets.flow import Flow
from desktop.widgets.unsaved_mark import UnsavedMark
from desktop.widgets.wrapped_text import WrappedText

_ROW: Final[Sequence[Sequence[str]]] = (
    ("draft", "infill", "refill"),
    ("pin", "unpin", "gap"),
    ("cancel",),
)
_HEADER: Final = ("undo", "redo", "copy")


class ReportPane(QFrame):
    """Lays out the report's parts; what they do is wired by the window."""

    def __init__(
        self,
        editor: ReportEditor,
        legend: ReportLegend,
        actions: Actions,
        mark: UnsavedMark,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("reportPane")
        self._actions = actions
        self._patient = WrappedText(most_lines=4)  # a name that is cut may be another's
        self._patient.setObjectName("patientLine")
        self._study = _line("studyLine")

        names = QVBoxLayout()
        names.setSpacing(GRID // 4)
        names.addWidget(self._patient)
        names.addWidget(self._study)
        header = QFrame(self)
        header.setObjectName("reportHeader")
        top = QHBoxLayout(header)
        top.setContentsMargins(2 * GRID, GRID + GRID // 2, GRID + GRID // 2, GRID + GRID // 2)
        top.setSpacing(GRID // 2)
        top.addLayout(names, 1)
        for name in _HEADER:
            button = _button(actions[name], header)
            button.setProperty("flat", True)
            button.setProperty("glyph", True)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            top.addWidget(button)

        row = Flow(after=2 * GRID, below=GRID // 2)
        row.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID)
        for group in _ROW:
            row.add(self._group(group))

        foot = QFrame(self)
        foot.setObjectName("reportFoot")
        bottom = QHBoxLayout(foot)
        bottom.setContentsMargins(2 * GRID, GRID, 2 * GRID, GRID // 2)
        bottom.addWidget(legend, 1)

        self._body: tuple[QWidget, ...] = (editor, foot)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(header)
        column.addWidget(mark)
        column.addLayout(row)
        column.addWidget(editor, 1)
        column.addWidget(foot)
        column.addStretch(0)
        self.show_study(None)

    def _group(self, names: Sequence[str]) -> QWidget:
        """Buttons that stay in one line where the row wraps."""
        group = QWidget(self)
        line = QHBoxLayout(group)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GRID // 2)
        for name in names:
            button = _button(self._actions[name], group)
            button.setProperty("primary", name == "draft")
            line.addWidget(button)
        return group

    def show_study(self, study: Study | None) -> None:
        for widget in self._body:
            widget.setVisible(study is not None)  # nothing is typed that no study would keep
        if study is None:
            self._patient.set_full_text("No study")
            self._study.set_full_text("Open a DICOM file to write its report")
            self._study.setToolTip("")
            return
        parts = (study.patient_id, study.study_date, study.description, study.view)
        self._patient.set_full_text(study.patient_name or study.patient_id or "Unnamed patient")
        self._study.set_full_text(" · ".join(part for part in parts if part))
        self._study.setToolTip(shown_path(study.path))

    def recolor(self, colors: Palette) -> None:
        for command in commands():
            if command.icon:
                self._actions[command.name].setIcon(theme.icon(command.icon, colors))


def _button(action: QAction, parent: QWidget) -> QToolButton:
    button = QToolButton(parent)
    button.setObjectName(f"{action.objectName()}Button")
    button.setDefaultAction(action)
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setAccessibleName(action.iconText())
    return button


def _line(name: str) -> ElidedLabel:
    label = ElidedLabel()
    label.setObjectName(name)
    return label
