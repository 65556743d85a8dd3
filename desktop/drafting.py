"""One job at a time between the editor and the worker: plan, preview, one edit."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.outside import Consent, Outside
from desktop.report.editor import ReportEditor
from desktop.report.model import NothingToFill, Plan, Report, StaleReport
from desktop.report.store import StoreError
from desktop.studies.context import prompt_context
from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import Study
from desktop.tasks import Tasks
from desktop.throttle import Throttle
from desktop.viewer.pixels import model_image
from desktop.worker_link import InfillClient, Job, WorkerLink
from inference.client import WorkerError
from inference.protocol import Canvas, Filled, Options

_log = logging.getLogger(__name__)

FRAME_SECONDS: Final = 1 / 30
"""The shortest time between two pictures of a canvas."""


@dataclass(frozen=True)
class Finished:
    """What a job came to on a report that was not on screen; ``who`` names its study."""

    who: str
    identity: StudyIdentity
    report: Report
    plan: Plan
    filled: Filled

    @property
    def is_fresh(self) -> bool:
        """Whether the report is as it was when the job was planned, so that it can be taken."""
        return self.plan.before_revision == self.report.revision

    def taken(self) -> Report:
        """A copy of the report that it is taken into. Raises :class:`StaleReport`."""
        copy = Report(
            self.report.content, revision=self.report.revision, dismissed=self.report.dismissed
        )
        copy.apply_candidates(self.plan, self.filled.candidates)
        return copy


@dataclass
class _Running:
    """A job, and whether it plays on screen; ``plan`` is there once the worker is asked."""

    who: str
    identity: StudyIdentity
    report: Report
    plan: Plan | None = None
    away: bool = False


class Drafting(QObject):
    """Runs the model on the report of one study.

    While a job runs, the draft canvas plays in the editor as a preview. Its end is one edit;
    cancelling, a failure or the worker's death leave the report as it was. Where another report
    is looked at meanwhile the job goes on behind it: it plays again when one comes back, and what
    it has come to by then is offered, never taken unasked.
    """

    busy_changed = Signal(bool)
    waiting = Signal()  # for the worker to be ready, then for its first canvas
    progressed = Signal(object)  # Canvas
    finished = Signal(object)  # Filled
    cancelled = Signal()
    failed = Signal(object)  # WorkerError | NothingToFill | StaleReport
    held = Signal(object, object)  # Outside, and what begins the same once the reader agrees
    held_behind = Signal(object, str)  # Outside, and of whose report, which is not on screen
    unsure = Signal(str)  # why nobody can say whether the model was made for the image
    offered = Signal(object)  # Finished: of the report on screen, to be taken or not
    ended_behind = Signal(str)  # of whose report: it is offered when that is on screen again
    outdated = Signal(str)  # of whose report: it was read anew, and what was written is given up
    broke = Signal(object)  # Exception: a fault of our own

    def __init__(
        self,
        link: WorkerLink,
        editor: ReportEditor,
        parent: QObject | None = None,
        consent: Consent | None = None,
    ) -> None:
        super().__init__(parent)
        self._link = link
        self._consent = consent if consent is not None else Consent()
        self._editor = editor
        self._tasks = Tasks(self.broke.emit)
        self._ahead = Tasks(self.broke.emit)
        self._prepared: tuple[InfillClient, str | None, Study] | None = None
        self._seen: tuple[Study, NDArray[np.uint8]] | None = None
        self._frames: Throttle[Canvas] = Throttle(self._show, FRAME_SECONDS, self)
        self._running: _Running | None = None
        self._ready: list[Finished] = []

    @property
    def busy(self) -> bool:
        """Whether a job runs, on whichever report."""
        return self._running is not None

    @property
    def away(self) -> bool:
        """Whether it is on a report that is not on screen."""
        return self._running is not None and self._running.away

    def begin(
        self, name: str, study: Study, make_plan: Callable[[], Plan], *, warm: bool = False
    ) -> None:
        """Start a job unless one runs. ``make_plan`` is asked once the worker is ready.

        A ``warm`` job begins near the words that stand in its gaps, else from noise.
        """
        if self.busy:
            return
        who = study.patient_name or study.patient_id or study.path.name
        self._running = _Running(who, study.identity, self._editor.report)
        self.busy_changed.emit(True)
        self._tasks.spawn(self._run(name, self._running, study, make_plan, warm), name, self._ended)

    def leave(self) -> None:
        """Let the job go on without its report on screen; ends the preview."""
        if self._running is not None:
            self._running.away = True
            self._frames.cancel()
            self._editor.end_preview()
            self.busy_changed.emit(True)

    def concerns(self, report: Report) -> bool:
        """Whether a job runs for a report, or what one came to waits to be taken into it."""
        running = self._running is not None and self._running.report is report
        return running or any(finished.report is report for finished in self._ready)

    def keep_untaken(self, keep: Callable[[StudyIdentity, Report], object]) -> str:
        """Give ``keep`` each report as it would be with what waits to be taken into it.

        Of several for one report the latest is kept. Returns why one could not be, else nothing.
        """
        latest = {id(each.report): each for each in self._ready if each.is_fresh}
        for finished in latest.values():
            try:
                keep(finished.identity, finished.taken())
            except StoreError as error:
                return (
                    f"What the model wrote for {finished.who} waits to be taken and cannot be kept "
                    f"({error.reason}): go back and take it. Closing once more gives it up."
                )
        return ""

    def arrive(self, identity: StudyIdentity | None) -> None:
        """Go on with the report that is on screen now: play its job, or offer what it came to.

        What was written for another state of the report of this study, which was read anew from
        disk since, can be taken no more: that is told.
        """
        running, report = self._running, self._editor.report
        if running is not None and running.away and running.report is report:
            running.away = False
            if running.plan is not None and running.plan.before_revision == report.revision:
                self._editor.start_preview(running.plan)
            self.busy_changed.emit(True)
        key = identity.key if identity is not None else None
        for finished in [each for each in self._ready if each.identity.key == key]:
            if finished.report is report:
                self.offered.emit(finished)
            else:
                self._ready.remove(finished)
                self.outdated.emit(finished.who)

    def take(self, finished: Finished) -> None:
        """Put in what was offered, as one edit; tells of a report that has changed since."""
        if finished.report is not self._editor.report or finished not in self._ready:
            return
        self._ready = [each for each in self._ready if each.report is not finished.report]
        self._take(finished.plan, finished.filled)

    def cancel(self) -> None:
        self._tasks.cancel()

    async def stop(self) -> None:
        """Cancel and wait until the report is free again."""
        await self._tasks.close()

    async def close(self) -> None:
        """End all that runs."""
        await asyncio.gather(self._tasks.close(), self._ahead.close())

    def prepare(self, study: Study) -> None:
        """Let the model look at the image before the first job on it; once as it is."""
        client = self._link.client
        if client is None or self._consent.holds(study, client.model):
            return
        asked = client, client.model.adapter, study
        if asked == self._prepared:
            return
        self._prepared = asked
        self._ahead.cancel()
        self._ahead.spawn(self._prepare(client, study), "prepare")

    async def image_of(self, study: Study) -> NDArray[np.uint8]:
        """What the model sees of a study; made once, for a reader waits for it."""
        if self._seen is None or self._seen[0] is not study:
            self._seen = study, await asyncio.to_thread(model_image, study.image)
        return self._seen[1]

    async def _prepare(self, client: InfillClient, study: Study) -> None:
        image = await self.image_of(study)
        try:
            await client.prepare(image=image, context=prompt_context(study))
        except WorkerError as error:
            # Not for the reader yet: the job itself will say it, if there is one.
            _log.info("the study could not be prepared: %s", error)

    async def _run(
        self, name: str, running: _Running, study: Study, make_plan: Callable[[], Plan], warm: bool
    ) -> None:
        try:
            await self._fill(running, study, make_plan, warm)
        except asyncio.CancelledError:
            self.cancelled.emit()
        except Outside as outside:
            self._hold(outside, running, partial(self.begin, name, study, make_plan, warm=warm))
        except (WorkerError, NothingToFill) as error:
            self.failed.emit(error)

    def _hold(self, outside: Outside, running: _Running, again: Callable[[], None]) -> None:
        if running.away:
            self.held_behind.emit(outside, running.who)
        else:
            self.held.emit(outside, again)

    def _ended(self) -> None:
        self._running = None
        self.busy_changed.emit(False)

    async def _fill(
        self, running: _Running, study: Study, make_plan: Callable[[], Plan], warm: bool
    ) -> None:
        make_plan()  # says at once where there is nothing to fill
        self.waiting.emit()
        await self._link.ready()
        if (model := self._link.model) is not None:  # else it ended at once, which is told below
            self._consent.check(study, model)
            self.unsure.emit(self._consent.unknown(study, model))
        self.waiting.emit()
        image = await self.image_of(study)
        plan = running.plan = make_plan()
        job = Job(
            pieces=plan.pieces,
            image=image,
            context=prompt_context(study),
            options=Options(seed=secrets.randbelow(2**31), warm=warm),  # so that a refill differs
        )
        if not running.away:
            self._editor.start_preview(plan)
        try:
            filled = await self._link.run(job, self._frames.submit)
        finally:
            self._frames.cancel()
            if not running.away:
                self._editor.end_preview()
        if running.away or self._editor.report is not running.report:
            finished = Finished(running.who, running.identity, running.report, plan, filled)
            self._ready.append(finished)
            self.ended_behind.emit(running.who)
        else:
            self._take(plan, filled)

    def _take(self, plan: Plan, filled: Filled) -> None:
        try:
            self._editor.take_candidates(plan, filled.candidates)
        except StaleReport as error:
            self.failed.emit(error)
        else:
            self.finished.emit(filled)

    def _show(self, canvas: Canvas) -> None:
        if not self.away:
            self._editor.show_preview(canvas)
            self.progressed.emit(canvas)
