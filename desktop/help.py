"""The two pages of the Help menu, as dialogs that never block the window."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QScrollArea, QVBoxLayout, QWidget

from desktop import actions
from desktop.compare.commands import COMPARE
from desktop.theme import GRID
from desktop.widgets.status_line import DISCLAIMER

MOUSE: Final = (
    ("Left drag", "window and level"),
    ("Shift or Space + left drag, middle drag", "pan"),
    ("Wheel", "zoom about the pointer"),
    ("Double click", "fit"),
)

IMAGE_KEYS: Final = (
    ("F", "fit"),
    ("I", "invert"),
    ("R", "reset window and level"),
    ("+  −", "zoom"),
    ("1", "one stored pixel a screen pixel"),
    ("Arrow keys", "pan"),
)

ABOUT: Final = f"""
<h3>Pinfill</h3>
<p>A DICOM viewer whose report pane a diffusion language model fills between pinned words.</p>
<p>The work behind it: <i>Discrete Diffusion Language Models for Interactive Radiology Report
Drafting</i>, arXiv 2607.01436.</p>
<p><b>{DISCLAIMER}.</b> Every word it writes is to be read and answered for by a person.
The bundled studies and patients are fictional.</p>
<p>Apache License 2.0.</p>
"""


REPORT_KEYS: Final = (
    ("Tab", "next gap, behind the last one the next part of the window"),
    ("Shift+Tab", "the gap or the part before"),
    ("Ctrl+Tab, Ctrl+Shift+Tab", "the part of the window behind or before, past all gaps"),
)

Rows = Sequence[tuple[str, str]]


def pages_of_keys() -> Iterator[tuple[str, Rows]]:
    """Every key and what the mouse does, in groups with a title each."""
    for title, group in actions.ALL.items():
        if title == "View":
            yield "On the image", MOUSE + IMAGE_KEYS
            yield "In the report", REPORT_KEYS
        if rows := _rows(group):
            yield title, rows
    yield "In the window that compares", _rows(COMPARE)


def keys_in_markdown() -> str:
    """The same for the user guide."""
    groups = []
    for title, rows in pages_of_keys():
        lines = (f"| {keys.replace('|', chr(92) + '|')} | {what} |" for keys, what in rows)
        groups.append("\n".join((f"| {title} | |", "|---|---|", *lines)))
    return "\n\n".join(groups)


def show_shortcuts(parent: QWidget) -> QDialog:
    blocks = [_table(title, rows) for title, rows in pages_of_keys()]
    return _show(parent, "Keyboard and mouse", "".join(blocks), scrolls=True)


def _rows(group: Iterable[actions.Command]) -> Rows:
    return [
        (", ".join(actions.shown_keys(command)), _told(command))
        for command in group
        if command.keys
    ]


def show_table(parent: QWidget, title: str, rows: list[tuple[str, str]]) -> QDialog:
    """Names and values on a page of their own."""
    return _show(parent, title, _table("", rows, width=120), wide=True)


def show_about(parent: QWidget) -> QDialog:
    return _show(parent, "About Pinfill", ABOUT)


def _table(title: str, rows: Rows, width: int = 200) -> str:
    """``width`` is that of the first column, in pixels."""
    cells = "".join(
        f"<tr><td width='{width}' style='padding:2px 16px 2px 0'><b>{_escaped(keys)}</b></td>"
        f"<td style='padding:2px 0'>{_escaped(what)}</td></tr>"
        for keys, what in rows
    )
    head = f"<h4>{title}</h4>" if title else ""
    return f"{head}<table cellspacing='0'>{cells}</table>"


def _told(command: actions.Command) -> str:
    name = command.text.replace("&", "").removesuffix("…")
    return f"{name}: {command.tip[0].lower()}{command.tip[1:]}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _show(
    parent: QWidget, title: str, html: str, *, scrolls: bool = False, wide: bool = False
) -> QDialog:
    dialog = QDialog(parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.setWindowTitle(title)
    page = QLabel(html)
    page.setTextFormat(Qt.TextFormat.RichText)
    page.setWordWrap(True)
    page.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
    column = QVBoxLayout(dialog)
    column.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
    column.setSpacing(2 * GRID)
    if scrolls:
        area = QScrollArea()
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setWidget(page)
        column.addWidget(area)
        dialog.resize(QSize(80 * GRID, 88 * GRID).boundedTo(parent.window().size()))
    else:
        column.addWidget(page)
        dialog.setMinimumWidth((72 if wide else 56) * GRID)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    column.addWidget(buttons)
    dialog.open()
    return dialog
