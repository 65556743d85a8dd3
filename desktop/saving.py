"""Keeping the report on screen on disk, and saying when it is not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.report.files import written_beside
from desktop.report.model import Report
from desktop.report.recovery import RecoveryCopies, RecoveryCopy, remove, set_aside
from desktop.report.store import ReportStore, StoreConflict, StoreError, encode
from desktop.studies.identity import StudyIdentity

SAVE_DELAY_MS: Final = 500
"""How long a change may wait for its saving; a power cut costs no more."""

COPY_DELAY_MS: Final = 250
"""How long a change may wait for its recovery copy while saving fails."""

RETRY_DELAY_MS: Final = 10_000
"""How long a report that could not be saved waits for the next try."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Unsaved:
    """Why a report is not on disk, and its recovery copy, or why there is none.

    ``elsewhere`` is the file that the reader has had the text written to since.
    """

    error: StoreError
    copy: Path | StoreError
    elsewhere: Path | None = None

    @property
    def conflict(self) -> bool:
        return isinstance(self.error, StoreConflict)

    @property
    def kept(self) -> bool:
        """Whether the words outlive the window."""
        return isinstance(self.copy, Path) or self.elsewhere is not None


@dataclass
class _Watched:
    """A report and where it stands.

    ``copied`` is the revision in the recovery copy, ``elsewhere`` a file that the reader has had
    written, with its revision.
    """

    identity: StudyIdentity
    name: str
    report: Report
    saved: int
    copied: int = -1
    elsewhere: tuple[Path, int] | None = None
    unsaved: Unsaved | None = None

    @property
    def is_saved(self) -> bool:
        return self.report.revision == self.saved


class Saving(QObject):
    """Saves one report half a second after a change; while that fails, keeps a recovery copy.

    ``saved`` tells that the report on screen is on disk, ``failed`` why something that was asked
    for did not happen, a list of :class:`~desktop.report.store.StoreError`, ``changed`` that
    :attr:`unsaved`, :attr:`left` or :attr:`found` are others. A report that could not be saved may
    be left once its recovery copy is written; it is tried again until it is saved. ``cautioned``
    has a sentence on a folder that other users can look into, once.
    """

    saved = Signal()
    failed = Signal(object)
    changed = Signal()
    cautioned = Signal(str)

    def __init__(
        self, store: ReportStore, copies: RecoveryCopies, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._copies = copies
        copies.sweep_settled()
        self._now: _Watched | None = None
        self._left: dict[str, _Watched] = {}
        self.found: RecoveryCopy | None = None
        """The latest copy that an earlier run left of this study, to be offered."""
        self._cautioned = False
        self._unsubscribe: Callable[[], None] = lambda: None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._save_unasked)

    @property
    def unsaved(self) -> Unsaved | None:
        """Why the report on screen is not on disk, where saving it has failed."""
        return self._now.unsaved if self._now is not None else None

    @property
    def left(self) -> list[tuple[str, Unsaved]]:
        """The names of the studies whose reports are in recovery copies alone, and why."""
        return [(left.name, left.unsaved) for left in self._left.values() if left.unsaved]

    # Whose report it is

    @property
    def saved_revision(self) -> int:
        """The revision of the report on screen that is on disk."""
        return self._now.saved if self._now is not None else 0

    def _place(self, identity: StudyIdentity) -> str:
        return self._store.path(identity).name

    def watch(
        self, identity: StudyIdentity, name: str, report: Report, saved_revision: int
    ) -> None:
        """Keep another study's report from now on, of which ``saved_revision`` is on disk."""
        self._leave(report)
        left = self._left.pop(self._place(identity), None)
        if left is not None and left.report is report:
            self._now = left
        elif self._now is None:
            self._now = _Watched(identity, name, report, saved_revision)
        self._unsubscribe = report.subscribe(self._report_changed)
        self._look_for_copy(self._now)
        if not self._now.is_saved or self._left:
            self._timer.start(SAVE_DELAY_MS)
        self.changed.emit()

    def let_go(self) -> None:
        """Keep no report: nothing is on screen."""
        self._leave(None)
        self.found = None
        self.changed.emit()

    def _leave(self, for_report: Report | None) -> None:
        self._unsubscribe()
        self._unsubscribe = lambda: None
        self._timer.stop()
        before = self._now
        if before is None or before.report is for_report:
            return
        if not before.is_saved:
            self._left[self._place(before.identity)] = before
        self._now = None

    def _look_for_copy(self, now: _Watched) -> None:
        self.found = None
        for copy in self._copies.found(now.identity):
            if copy.report.content == now.report.content:
                remove(copy)  # it was saved after all
            elif self.found is None:
                self.found = copy

    def restore(self) -> None:
        """Put the found copy in place of the report, as one step that undo takes back."""
        copy, now = self.found, self._now
        if copy is None or now is None:
            return
        now.report.restore(copy.report.content, copy.report.dismissed)
        self.found = None
        if self.keep_copy():
            remove(copy)
        self.changed.emit()

    def pass_over(self) -> None:
        """Offer the found copy no more; its file is kept under another name."""
        if self.found is not None:
            set_aside(self.found)
            self.found = None
            self.changed.emit()

    # Saving

    def save(self, *, overwrite: bool = False) -> bool:
        """Write the report unless it stands on disk as it is; ``False`` where that failed.

        ``overwrite`` replaces a file that another program has changed, which is kept aside. A
        failure is told each time: who asks must learn why nothing happens.
        """
        if self._try(overwrite=overwrite):
            return True
        assert self.unsaved is not None
        self.failed.emit([self.unsaved.error])
        return False

    def save_all(self) -> bool:
        """The same for the report on screen and those that were left unsaved."""
        saved = self.save()
        self._try_left()
        return saved and not self._left

    def may_leave(self) -> bool:
        """Save, or keep a recovery copy where the disk refuses; a conflict is settled first."""
        if self._try():
            return True
        unsaved = self.unsaved
        assert unsaved is not None
        if unsaved.kept and not unsaved.conflict:
            return True
        self.failed.emit([unsaved.error])
        return False

    def keep_copy(self) -> bool:
        """Save, or keep a recovery copy whatever stands in the way: the end is near."""
        return self._try() or (self.unsaved is not None and self.unsaved.kept)

    def keep_aside(self, identity: StudyIdentity, report: Report) -> None:
        """Keep a report as it may become in a recovery copy, to be offered at the next opening.

        Raises :class:`~desktop.report.store.StoreError`.
        """
        self._copies.keep(identity, report)

    def reload(self) -> None:
        """Take the report from disk in place of this one, as one step that undo takes back."""
        now = self._now
        if now is None:
            return
        try:
            on_disk = self._store.load(now.identity) or Report()
        except StoreError as error:
            self.failed.emit([error])
            return
        now.report.restore(on_disk.content, on_disk.dismissed)
        self._is_saved(now)

    def save_elsewhere(self, path: Path) -> None:
        """Write the report to a file that the reader chose: whole to ``.json``, else its text."""
        now = self._now
        if now is None:
            return
        text = path.suffix.lower() != ".json"
        try:
            data = now.report.plain_text().encode() if text else encode(now.report, now.identity)
            with written_beside(path, data) as written:
                written.replace(path)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self.failed.emit([StoreError(f"Nothing was written to {path}: {reason}.")])
            return
        if now.unsaved is not None:
            now.elsewhere = path, now.report.revision
            now.unsaved = replace(now.unsaved, elsewhere=path)
            self.changed.emit()

    def _save_unasked(self) -> None:
        self._try()  # that it failed `changed` tells: nobody waits for it
        self._try_left()

    def _try(self, *, overwrite: bool = False) -> bool:
        self._timer.stop()
        now = self._now
        if now is None or now.is_saved:
            return True
        error = self._write(now, overwrite=overwrite)
        if error is None:
            self._is_saved(now)
            self.saved.emit()
            return True
        self._keep(now, error)
        if not isinstance(error, StoreConflict):
            self._timer.start(RETRY_DELAY_MS)  # a disk may have room again
        self.changed.emit()
        return False

    def _try_left(self) -> None:
        for key, left in list(self._left.items()):
            error = self._write(left, overwrite=False)
            if error is None:
                self._is_saved(left)
                del self._left[key]
            else:
                self._keep(left, error)  # the mark names it
            self.changed.emit()
        if self._left and not self._timer.isActive():
            self._timer.start(RETRY_DELAY_MS)

    def _write(self, watched: _Watched, *, overwrite: bool) -> StoreError | None:
        try:
            self._store.save(watched.identity, watched.report, overwrite=overwrite)
        except StoreError as error:
            return error
        except Exception as error:  # whatever it is, the words are not on disk
            _log.exception("a report could not be saved")
            told = f"The report could not be saved ({type(error).__name__}: {error})."
            return StoreError(told)
        return None

    def _keep(self, watched: _Watched, error: StoreError) -> None:
        copy = watched.unsaved.copy if watched.unsaved is not None else None
        revision = watched.report.revision
        stands = isinstance(copy, Path) and watched.copied == revision and copy.exists()
        if not stands:
            try:
                copy = self._copies.keep(watched.identity, watched.report)
                watched.copied = revision
            except StoreError as failure:
                copy = failure
        assert copy is not None, "it stands, or was tried"
        path, written = watched.elsewhere or (None, -1)
        watched.unsaved = Unsaved(error, copy, path if written == revision else None)

    def _is_saved(self, watched: _Watched) -> None:
        watched.saved = watched.report.revision
        watched.copied = -1
        watched.elsewhere = None
        watched.unsaved = None
        self._copies.drop(watched.identity)
        self.changed.emit()
        if self._store.open_to_others and not self._cautioned:
            self._cautioned = True
            self.cautioned.emit(
                f"Other users of this computer can look into {self._store.folder}, where reports "
                f"lie, and Pinfill cannot change that ({self._store.open_to_others}). Take their "
                "permissions away, or set PINFILL_DATA_DIR to another folder."
            )

    def _report_changed(self) -> None:
        # Not restarted by later changes, so that steady typing is saved as well.
        delay = SAVE_DELAY_MS if self.unsaved is None else min(COPY_DELAY_MS, SAVE_DELAY_MS)
        if not 0 <= self._timer.remainingTime() <= delay:
            self._timer.start(delay)
