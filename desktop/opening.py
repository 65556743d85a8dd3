"""Choosing what to open: dialogs that do not block, and the list of recent paths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from desktop.settings import Settings
from desktop.studies.names import shown_path
from desktop.widgets.file_dialog import file_dialog

Open = Callable[[Sequence[Path]], None]


class Opening:
    """Asks the reader for files or folders and hands them to ``open_paths``."""

    def __init__(self, parent: QWidget, settings: Settings, open_paths: Open) -> None:
        self._parent = parent
        self._settings = settings
        self._open = open_paths
        self.recent_menu = QMenu("Open &Recent", parent)
        self.recent_menu.aboutToShow.connect(self._fill_recent)

    def choose_file(self) -> None:
        self._choose(QFileDialog.FileMode.ExistingFiles, "Open a DICOM file")

    def choose_folder(self) -> None:
        self._choose(QFileDialog.FileMode.Directory, "Open a folder of studies")

    def _choose(self, mode: QFileDialog.FileMode, title: str) -> None:
        recent = self._settings.recent
        start = None
        if recent:
            start = recent[0] if recent[0].is_dir() else recent[0].parent
        ask_paths(self._parent, title, mode, start, self._open)

    def _fill_recent(self) -> None:
        menu = self.recent_menu
        menu.clear()
        recent = self._settings.recent
        for path in recent:
            menu.addAction(shown_path(path)).triggered.connect(
                lambda _checked=False, path=path: self._open([path])
            )
        if not recent:
            menu.addAction("Nothing opened yet").setEnabled(False)
            return
        menu.addSeparator()
        menu.addAction("Clear This List").triggered.connect(
            lambda _checked=False: self._settings.forget_recent()
        )


def ask_paths(
    parent: QWidget, title: str, mode: QFileDialog.FileMode, start: Path | None, take: Open
) -> None:
    """Call ``take`` with the files or folders that the reader chooses, from ``start`` on."""
    dialog = file_dialog(parent, title)
    dialog.setFileMode(mode)
    if start is not None:
        dialog.setDirectory(str(start))
    dialog.filesSelected.connect(lambda names: take([Path(name) for name in names]))
    dialog.open()


def local_paths(data: QMimeData) -> list[Path]:
    """The files and folders of this machine in something dropped."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
