"""The opened studies, the one on screen, and its report kept as it is written."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.report.finding import Doubt, find_report, nameless
from desktop.report.model import Report
from desktop.report.recovery import RecoveryCopies
from desktop.report.shelf import Shelf
from desktop.report.store import ReportStore, StoreError
from desktop.saving import Saving
from desktop.studies.errors import PassedOver
from desktop.studies.isolation import find_studies, read_study
from desktop.studies.names import shown as shown_text
from desktop.studies.reading import Study, StudyError
from desktop.viewer.showing import check_showable

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Shown:
    """What is on screen together: never a part of one beside a part of another."""

    paths: list[Path] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    unreadable: set[int] = field(default_factory=set)
    index: int = -1
    study: Study | None = None
    report: Report = field(default_factory=Report)
    saved_revision: int = 0


@dataclass(frozen=True)
class _Found:
    """The report of a study as it goes on screen, and what is told with it."""

    report: Report
    saved_revision: int
    doubt: Doubt | None = None
    error: StoreError | None = None


class StudySession(QObject):
    """What is open in one window. Studies are read off the window's thread.

    Another study goes on screen in one step: it is read, all that its first picture needs is
    computed, the report that is left is saved and the other one found; only then is anything
    changed, and where one of :attr:`views` raises all is changed back.

    ``list_changed`` tells that the studies or their names are others, ``study_changed`` that
    another one is on screen with its report, ``failed`` what stood in the way: a list of
    :class:`StudyError` and :class:`StoreError`, and ``doubted``, a :class:`Doubt`, that a report
    may be another patient's. A report that can be neither saved nor copied, or in whose
    place another one was put, is not left: the study stays on screen (:mod:`desktop.saving`).
    """

    list_changed = Signal()
    study_changed = Signal()
    failed = Signal(object)
    doubted = Signal(object)
    saved = Signal()
    listed = Signal(object, int)
    """Which folder is being listed, a :class:`~pathlib.Path`, and how many entries are known."""

    def __init__(
        self,
        store: ReportStore,
        copies: RecoveryCopies | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self.views: list[Callable[[], None]] = []
        """What shows the study on screen; each is called when another one is, before all others."""
        self.note = ""
        """What the last search passed over, where nothing worse is to be told."""
        self._shown = _Shown()
        self.in_use: Callable[[Report], bool] = lambda report: False
        """Whether a job is bound to a report that is left: it is kept, however many there are."""
        self._shelf = Shelf(lambda report: self.in_use(report))
        self._files: dict[tuple[str, ...], set[Path]] = {}  # shown, of each nameless patient
        self.saving = Saving(store, copies or RecoveryCopies(), self)
        self.saving.failed.connect(self.failed)
        self.saving.saved.connect(self.saved)

    @property
    def unsaved(self) -> StoreError | None:
        """Why the report on screen is not on disk, where saving it has failed."""
        return self.saving.unsaved.error if self.saving.unsaved is not None else None

    @property
    def paths(self) -> list[Path]:
        return self._shown.paths

    @property
    def names(self) -> list[str]:
        return self._shown.names

    @property
    def index(self) -> int:
        return self._shown.index

    @property
    def study(self) -> Study | None:
        return self._shown.study

    @property
    def report(self) -> Report:
        return self._shown.report

    async def open(self, paths: Sequence[Path]) -> bool:
        """Open the studies in files and folders, in place of those open now.

        The first readable one goes on screen; ``False`` where there is none, or where the report
        of the study before cannot be saved. Cancelling leaves open what was.
        """
        stop = threading.Event()
        loop = asyncio.get_running_loop()

        def listed(folder: Path, count: int) -> None:
            loop.call_soon_threadsafe(self.listed.emit, folder, count)

        try:
            found, errors = await asyncio.to_thread(find_studies, paths, stop, listed)
        finally:
            stop.set()  # a thread is not cancelled with the coroutine that waits for it
        first = await _first_readable(found, errors)
        errors.sort(key=lambda error: isinstance(error, PassedOver))  # faults come first
        self.note = ""
        if any(not isinstance(error, PassedOver) for error in errors):
            self.failed.emit(errors)  # the report's own troubles come after it and matter more
        else:
            self.note = " ".join(map(str, errors))
        if first is None:
            return False
        index, study = first
        names = [shown_text(path.name) for path in found]
        return self._put(_Shown(found, names, set(range(index)), index, study))

    async def show(self, index: int) -> bool:
        """Put one of the opened studies on screen, with its report; ``False`` where it stays."""
        shown = self._shown
        try:
            study = await _read(shown.paths[index])
        except StudyError as error:
            shown.unreadable.add(index)
            self.failed.emit([error])
            self.list_changed.emit()
            return False
        put = self._put(replace(shown, index=index, study=study))
        if not put:
            self.list_changed.emit()  # a list that was chosen from shows another place
        return put

    def neighbour(self, step: int, index: int | None = None) -> int | None:
        """The next study before (-1) or after (1) that is not known to be unreadable.

        Counted from ``index``, else from the one on screen.
        """
        index = (self.index if index is None else index) + step
        while 0 <= index < len(self.paths):
            if index not in self._shown.unreadable:
                return index
            index += step
        return None

    def save(self, *, overwrite: bool = False) -> bool:
        """Save the report; ``False`` where that failed (:meth:`Saving.save`)."""
        return self.saving.save(overwrite=overwrite)

    def _put(self, shown: _Shown) -> bool:
        """Show all of ``shown`` with the report of its study, or leave everything as it is.

        Another image of the same study keeps the report.
        """
        study = shown.study
        assert study is not None
        if not self.saving.may_leave():
            return False
        try:
            found = self._find(study)
        except Exception as error:  # nothing has changed yet, and nothing will
            _log.error("the report of %s", study.path, exc_info=error)
            fault = StoreError(
                f"{shown_text(study.path.name)} was not opened, for its report cannot be read "
                f"({error}): move "
                f"{self._store.path(study.identity)} away."
            )
            self.failed.emit([fault])
            return False
        names = [*shown.names]
        names[shown.index] = _name(study)
        shown = replace(
            shown, names=names, report=found.report, saved_revision=found.saved_revision
        )
        if not self._commit(shown):
            return False
        if found.error is not None:
            self.failed.emit([found.error])
        if found.doubt is not None:
            self.doubted.emit(found.doubt)
        return True

    def _find(self, study: Study) -> _Found:
        """The report of ``study``: the one at hand, with its undo, or the saved one."""
        identity, now = study.identity, self.study
        if now is not None and now.identity.key == identity.key:
            return _Found(self.report, self.saving.saved_revision, self._doubt_of(study))
        kept = self._shelf.get(identity.key)
        if kept is not None:
            report, saved_revision = kept
            if report.revision != saved_revision or self._store.is_current(identity):
                return _Found(report, saved_revision, self._doubt_of(study))
        try:
            saved, doubt = find_report(self._store, identity)
        except StoreError as error:
            return _Found(Report(), 0, error=error)
        report = saved or Report()
        doubt = self._doubt_of(study) or doubt
        return _Found(report, report.revision, doubt)

    def _doubt_of(self, study: Study) -> Doubt | None:
        """Where only the study number says that another file is of the same patient."""
        if study.identity.named:
            return None
        files = self._files.setdefault(study.identity.key, set())
        is_another = bool(files) and study.path not in files
        files.add(study.path)
        return nameless(study.identity) if is_another else None

    def take(self, doubt: Doubt) -> None:
        """Put the report that was offered in place of the empty one on screen, as one step.

        Tells of a failure, and does nothing where another study is on screen meanwhile.
        """
        study = self.study
        if doubt.offer is None or study is None or study.identity.key != doubt.identity.key:
            return
        try:
            if self.report.text:
                raise StoreError(
                    "The report is not empty any more: take everything back, then open the study "
                    f"again; or copy what you need from {doubt.offer}."
                )
            other = self._store.read_other(doubt.offer, study.identity.study)
            self.report.restore(other.content, other.dismissed)
        except StoreError as error:
            self.failed.emit([error])

    def _commit(self, shown: _Shown) -> bool:
        """Change all at once, or nothing: a view that raises has everything changed back."""
        before = replace(self._shown, saved_revision=self.saving.saved_revision)
        self._become(shown)
        fault = self._present()
        if fault is None:
            self.list_changed.emit()
            self.study_changed.emit()
            return True
        self._become(before)
        if self._present() is not None:  # what was shown a moment ago; nothing is safer
            self._become(_Shown())
            self._present()
            self.study_changed.emit()
        assert shown.study is not None
        shown.unreadable.add(shown.index)
        name = shown_text(shown.study.path.name)
        self.failed.emit([StudyError(f"{name} cannot be shown ({fault}): report this file.")])
        return False

    def _become(self, shown: _Shown) -> None:
        before, self._shown = self._shown, shown
        if before.study is not None and before.report is not shown.report:
            self._shelf.put(before.study.identity.key, before.report, self.saving.saved_revision)
        if shown.study is None:
            self.saving.let_go()
        else:
            name = _name(shown.study)
            self.saving.watch(shown.study.identity, name, shown.report, shown.saved_revision)

    def _present(self) -> Exception | None:
        """Tell the views; returns why one of them cannot show what is open."""
        try:
            for view in self.views:
                view()
        except Exception as error:
            _log.error("a study cannot be shown", exc_info=error)
            return error
        return None


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


async def _read(path: Path) -> Study:
    """A study of which all that its first picture needs was computed, off the window's thread.

    Cancelling ends the reading. Raises :class:`StudyError`, and nothing else, on any bad file.
    """
    stop = threading.Event()

    def read() -> Study:
        study = read_study(path, stop)
        check_showable(study)
        return study

    try:
        return await asyncio.to_thread(read)
    except StudyError:
        raise
    except Exception as error:
        _log.error("%s cannot be read", path, exc_info=error)
        raise StudyError(
            f"{shown_text(path.name)} cannot be read ({type(error).__name__}: {error}): report "
            "this file."
        ) from error
    finally:
        stop.set()


def _name(study: Study) -> str:
    parts = (
        study.patient_name or shown_text(study.path.name),
        study.description,
        study.view,
        study.study_date,
    )
    return " · ".join(part for part in parts if part)
