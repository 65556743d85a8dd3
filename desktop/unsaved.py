"""What the window says and offers while words are not on disk, or an earlier run left some."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from desktop.saving import Saving, Unsaved
from desktop.widgets.file_dialog import file_dialog
from desktop.widgets.status_line import StatusLine
from desktop.widgets.unsaved_mark import Action, UnsavedMark

FILTERS: Final = ("Text (*.txt)", "Pinfill report (*.json)")


class UnsavedCare(QObject):
    """Shows the state of a :class:`~desktop.saving.Saving` and does what the reader chooses.

    ``close`` closes the window whatever is unsaved; ``let_go`` says what is unresolved in a report
    before it leaves as plain text.
    """

    def __init__(
        self,
        saving: Saving,
        mark: UnsavedMark,
        status: StatusLine,
        close: Callable[[], object],
        let_go: Callable[[str, Callable[[], object]], object] = lambda _verb, go_on: go_on(),
    ) -> None:
        super().__init__(mark)
        self._saving = saving
        self._mark = mark
        self._status = status
        self._close = close
        self._let_go = let_go
        self._closing = False
        saving.changed.connect(self.show_state)
        self.show_state()

    def offer_closing(self) -> None:
        """The window was to be closed and was held: offer to close it all the same."""
        self._closing = True
        self.show_state()

    def show_state(self) -> None:
        saving = self._saving
        sentences: list[str] = []
        actions: list[Action] = []
        details = ""
        if saving.unsaved is not None:
            sentences.append(_told(saving.unsaved))
            actions += self._ways_out(saving.unsaved)
            details = str(saving.unsaved.error)
        for name, unsaved in saving.left:
            sentences.append(f"Report of {name}: {_told(unsaved)}")
        if not actions and saving.left:
            actions.append(("Retry", saving.save_all))
        if sentences and self._closing:
            actions.append(("Close without saving", self._close))
        self._closing = self._closing and bool(sentences)
        self._status.show_unsaved(bool(sentences))
        if saving.found is not None:
            sentences.append(
                f"Words that were not saved were found, of {saving.found.written:%d %b %Y, %H:%M}."
            )
            actions += [("Restore", saving.restore), ("Pass over", saving.pass_over)]
        self._mark.show_mark("\n".join(sentences), details, actions)

    def _ways_out(self, unsaved: Unsaved) -> list[Action]:
        saving = self._saving
        if unsaved.conflict:
            return [
                ("Save over it", lambda: saving.save(overwrite=True)),
                ("Reload", saving.reload),
                ("Save elsewhere…", self._ask_where),
            ]
        return [("Retry", saving.save_all), ("Save elsewhere…", self._ask_where)]

    def _ask_where(self) -> None:
        window: QWidget = self._mark.window()
        dialog = file_dialog(window, "Save the report elsewhere")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setNameFilters(list(FILTERS))
        dialog.setDefaultSuffix("txt")
        dialog.filterSelected.connect(
            lambda name: dialog.setDefaultSuffix("json" if "json" in name else "txt")
        )
        dialog.fileSelected.connect(lambda name: self._save_elsewhere(Path(name)))
        dialog.open()

    def _save_elsewhere(self, path: Path) -> None:
        """A file in ``.json`` holds gaps and dismissals; of a text their lack is told first."""

        def save() -> None:
            self._saving.save_elsewhere(path)

        if path.suffix.lower() == ".json":
            save()
        else:
            self._let_go("Save", save)


def _told(unsaved: Unsaved) -> str:
    reason = unsaved.error.reason.rstrip(".")
    if unsaved.elsewhere is not None:
        return f"Not saved: {reason}. The text was written to {unsaved.elsewhere}."
    if isinstance(unsaved.copy, Path):
        return f"Not saved: {reason}. A recovery copy is kept."
    return f"Not saved: {reason}. {unsaved.copy}"
