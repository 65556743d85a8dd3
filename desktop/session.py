"""The opened studies, the one on screen, and its report kept as it is written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.report.model import Report
from desktop.report.store import ReportStore, StoreConflict, StoreError
from desktop.studies.isolation import find_studies, read_study
from desktop.studies.reading import Study, StudyError

SAVE_DELAY_MS: Final = 500
"""How long a change may wait for its saving; a power cut costs no more."""

RETRY_DELAY_MS: Final = 10_000
"""How long a report that could not be saved waits for the next try."""


class StudySession(QObject):
    """What is open in one window. Studies are read off the window's thread.

    ``list_changed`` tells that the studies or their names are others, ``study_changed`` that
    another one is on screen with its report, ``failed`` what stood in the way: a list of
    :class:`StudyError` and :class:`StoreError`. A report that cannot be saved is not left: the
    study stays on screen, and :attr:`unsaved` is the error until ``saved`` tells of its end.
    """

    list_changed = Signal()
    study_changed = Signal()
    failed = Signal(object)
    saved = Signal()

    def __init__(self, store: ReportStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.paths: list[Path] = []
        self.names: list[str] = []
        self.index = -1
        self.study: Study | None = None
        self.report = Report()
        self._unreadable: set[int] = set()
        self._saved_revision = self.report.revision
        self.unsaved: StoreError | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._saving = QTimer(self)
        self._saving.setSingleShot(True)
        self._saving.setInterval(SAVE_DELAY_MS)
        self._saving.timeout.connect(self._save_unasked)

    async def open(self, paths: Sequence[Path]) -> bool:
        """Open the studies in files and folders, in place of those open now.

        The first readable one goes on screen; ``False`` where there is none, or where the report
        of the study before cannot be saved. Cancelling leaves open what was.
        """
        stop = threading.Event()
        try:
            found, errors = await asyncio.to_thread(find_studies, paths, stop)
        finally:
            stop.set()  # a thread is not cancelled with the coroutine that waits for it
        first = await _first_readable(found, errors)
        if errors:  # the report's own troubles come after it, for they matter more
            self.failed.emit(errors)
        if first is None or not self.save():
            return False
        index, study = first
        self.paths = found
        self.names = [path.name for path in found]
        self._unreadable = set(range(index))
        self._put(index, study)
        return True

    async def show(self, index: int) -> None:
        """Put one of the opened studies on screen, with its report."""
        try:
            study = await _read(self.paths[index])
        except StudyError as error:
            self._unreadable.add(index)
            self.failed.emit([error])
        else:
            if self.save():
                self._put(index, study)
        self.list_changed.emit()

    def neighbour(self, step: int) -> int | None:
        """The next study before (-1) or after (1) this one that is not known to be unreadable."""
        index = self.index + step
        while 0 <= index < len(self.paths):
            if index not in self._unreadable:
                return index
            index += step
        return None

    def save(self, *, overwrite: bool = False) -> bool:
        """Write the report unless it stands on disk as it is; ``False`` where that failed.

        ``overwrite`` replaces a file that another program has changed, which is kept aside. A
        failure is told each time: who asks must learn why nothing happens.
        """
        if self._try_to_save(overwrite=overwrite):
            return True
        self.failed.emit([self.unsaved])
        return False

    def _save_unasked(self) -> None:
        told = str(self.unsaved)
        if not self._try_to_save() and str(self.unsaved) != told:
            self.failed.emit([self.unsaved])

    def _try_to_save(self, *, overwrite: bool = False) -> bool:
        self._saving.stop()
        if self.study is None or self.report.revision == self._saved_revision:
            return True
        try:
            self._store.save(_key(self.study), self.report, overwrite=overwrite)
        except StoreError as error:
            self.unsaved = error
            if not isinstance(error, StoreConflict):
                self._saving.start(RETRY_DELAY_MS)  # a disk may have room again
            return False
        self.unsaved = None
        self._saved_revision = self.report.revision
        self.saved.emit()
        return True

    def _put(self, index: int, study: Study) -> None:
        """Another image of the same study keeps the report, and with it undo and redo."""
        same = self.study is not None and _key(self.study) == _key(study)
        self.index = index
        self.names[index] = _name(study)
        self.study = study
        if not same:
            self._load(study)
        self.list_changed.emit()
        self.study_changed.emit()

    def _load(self, study: Study) -> None:
        self._unsubscribe()
        try:
            self.report = self._store.load(_key(study)) or Report()
        except StoreError as error:
            self.report = Report()
            self.failed.emit([error])
        self._saved_revision = self.report.revision
        self._unsubscribe = self.report.subscribe(self._changed)

    def _changed(self) -> None:
        # Not restarted by later changes, so that steady typing is saved as well.
        if not self._saving.isActive():
            self._saving.start(SAVE_DELAY_MS)


async def _read(path: Path) -> Study:
    """Read a study off the window's thread; cancelling ends the reading."""
    stop = threading.Event()
    try:
        return await asyncio.to_thread(read_study, path, stop)
    finally:
        stop.set()


async def _first_readable(
    paths: Sequence[Path], errors: list[StudyError]
) -> tuple[int, Study] | None:
    """The place and the study of the first path that can be read; adds why others cannot."""
    for index, path in enumerate(paths):
        try:
            return index, await _read(path)
        except StudyError as error:
            errors.append(error)
    return None


def _key(study: Study) -> str:
    return study.study_uid or study.instance_uid or str(study.path.absolute())


def _name(study: Study) -> str:
    parts = (study.patient_name or study.path.name, study.description, study.view, study.study_date)
    return " · ".join(part for part in parts if part)
