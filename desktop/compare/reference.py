"""The report as it should be, to hold both texts against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from desktop import report_file
from desktop.opening import ask_paths


@dataclass(frozen=True)
class Reference:
    """``name`` is shown; it leaves the window nowhere."""

    name: str
    text: str


def ask_reference(
    parent: QWidget, take: Callable[[Reference], None], refused: Callable[[str], None]
) -> None:
    """Ask for a text file and call ``take`` with it, or ``refused`` with what is wrong."""

    def read(paths: object) -> None:
        assert isinstance(paths, list)
        path: Path = paths[0]
        try:
            take(Reference(path.name, report_file.read_text(path)))
        except report_file.ReportFileError as error:
            refused(str(error))

    ask_paths(parent, "Load a reference report", QFileDialog.FileMode.ExistingFile, None, read)
