"""What stands between a report and its leaving Pinfill: the reader hears what is unresolved."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop.report.clashing import Clashing
from desktop.report.editor import ReportEditor
from desktop.report.leaving import Matter, matters, within
from desktop.report.leaving_dialog import LeavingDialog


class Leaving(QObject):
    """Asks before the report of an editor is copied or written elsewhere as plain text."""

    def __init__(self, editor: ReportEditor, clashing: Clashing) -> None:
        super().__init__(editor)
        self._editor = editor
        self._clashing = clashing
        self.dialog: LeavingDialog | None = None
        """The last one that was opened."""
        editor.before_copying = self._copying

    def let_go(
        self, verb: str, go_on: Callable[[], object], place: tuple[int, int] | None = None
    ) -> None:
        """Call ``go_on`` at once where nothing is unresolved in the report, or in ``place`` of it.

        Else say what is, and call it once the reader wants that all the same.
        """
        found = matters(self._editor.report.text, self._clashing.all_now())
        if place is not None:
            found = within(found, *place)
        if not found:
            go_on()
            return
        first = min(found, key=lambda matter: matter.place)
        self.dialog = LeavingDialog(
            self._editor.window(), verb, found, go_on, lambda: self._show(first)
        )
        self.dialog.destroyed.connect(self._forget)
        self.dialog.open()

    def _forget(self) -> None:
        self.dialog = None

    def _copying(self, place: tuple[int, int], copy: Callable[[], None]) -> None:
        self.let_go("Copy", copy, place)

    def _show(self, matter: Matter) -> None:
        if matter.clash is not None:
            self._clashing.go_to(matter.clash, matter.place)
            return
        self._editor.setFocus()
        self._editor.select(*matter.place)
        self._editor.ensureCursorVisible()
