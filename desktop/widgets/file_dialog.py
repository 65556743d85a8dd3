"""The dialog that chooses files: the platform's own, or Qt's, dressed as the window is."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFileDialog, QHeaderView, QSplitter, QToolButton, QTreeView, QWidget

from desktop import theme

ICONS: Final = {
    "backButton": "previous",
    "forwardButton": "next",
    "toParentButton": "up",
    "newFolderButton": "new-folder",
    "listModeButton": "list",
    "detailModeButton": "details",
}
"""The buttons of Qt's own dialog, whose pictures are nearly black whatever the theme."""

_SIZE: Final = QSize(880, 520)
_PLACES: Final = 144
"""How wide the list of places beside the files is."""


def file_dialog(parent: QWidget, title: str) -> QFileDialog:
    """A dialog that deletes itself once it is done."""
    dialog = QFileDialog(parent, title)
    dialog.finished.connect(dialog.deleteLater)
    _dress(dialog, parent.window().size())
    return dialog


def _dress(dialog: QFileDialog, largest: QSize) -> None:
    """Does nothing where the platform shows a dialog of its own, which has no widgets."""
    colors = dialog.palette()
    normal = colors.color(QPalette.ColorRole.ButtonText).name()
    disabled = colors.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.ButtonText).name()
    for button in dialog.findChildren(QToolButton):
        if button.objectName() in ICONS:
            button.setIcon(theme.icon_in(ICONS[button.objectName()], normal, disabled))
    for view in dialog.findChildren(QTreeView):
        header = view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for panes in dialog.findChildren(QSplitter):
            panes.setSizes([_PLACES, _SIZE.width() - _PLACES])
        dialog.resize(_SIZE.boundedTo(largest))
