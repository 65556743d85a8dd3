"""One job at a time between the editor and the worker: plan, preview, one edit."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.report.editor import ReportEditor
from desktop.report.model import NothingToFill, Plan
from desktop.studies.context import prompt_context
from desktop.studies.reading import Study
from desktop.tasks import Tasks
from desktop.throttle import Throttle
from desktop.viewer.pixels import model_image
from desktop.worker_link import InfillClient, Job, WorkerLink
from inference.client import WorkerError
from inference.protocol import Canvas, Options

_log = logging.getLogger(__name__)

FRAME_SECONDS: Final = 1 / 30
"""The shortest time between two pictures of a canvas."""


class Drafting(QObject):
    """Runs the model on the report of one study.

    While a job runs, the draft canvas plays in the editor as a preview. Its end is one edit;
    cancelling, a failure or the worker's death leave the report as it was.
    """

    busy_changed = Signal(bool)
    waiting = Signal()  # for the worker to be ready, then for its first canvas
    progressed = Signal(object)  # Canvas
    finished = Signal(object)  # Filled
    cancelled = Signal()
    failed = Signal(object)  # WorkerError | NothingToFill
    broke = Signal(object)  # Exception: a fault of our own

    def __init__(self, link: WorkerLink, editor: ReportEditor, parent: QObject | None = None):
        super().__init__(parent)
        self._link = link
        self._editor = editor
        self._tasks = Tasks(self.broke.emit)
        self._ahead = Tasks(self.broke.emit)
        self._prepared: tuple[InfillClient, str | None, Study] | None = None
        self._seen: tuple[Study, NDArray[np.uint8]] | None = None
        self._frames: Throttle[Canvas] = Throttle(self._show, FRAME_SECONDS, self)
        self._busy = False

    @property
    def busy(self) -> bool:
        return self._busy

    def begin(
        self, name: str, study: Study, make_plan: Callable[[], Plan], *, warm: bool = False
    ) -> None:
        """Start a job unless one runs. ``make_plan`` is asked once the worker is ready.

        A ``warm`` job begins near the words that stand in its gaps, else from noise.
        """
        if self._busy:
            return
        self._busy = True
        self.busy_changed.emit(True)
        self._tasks.spawn(self._run(study, make_plan, warm), name, self._ended)

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
        if client is None:
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

    async def _run(self, study: Study, make_plan: Callable[[], Plan], warm: bool) -> None:
        try:
            await self._fill(study, make_plan, warm)
        except asyncio.CancelledError:
            self.cancelled.emit()
        except (WorkerError, NothingToFill) as error:
            self.failed.emit(error)

    def _ended(self) -> None:
        self._busy = False
        self.busy_changed.emit(False)

    async def _fill(self, study: Study, make_plan: Callable[[], Plan], warm: bool) -> None:
        make_plan()  # says at once where there is nothing to fill
        self.waiting.emit()
        await self._link.ready()
        self.waiting.emit()
        image = await self.image_of(study)
        plan = make_plan()
        job = Job(
            pieces=plan.pieces,
            image=image,
            context=prompt_context(study),
            options=Options(seed=secrets.randbelow(2**31), warm=warm),  # so that a refill differs
        )
        self._editor.start_preview(plan)
        try:
            filled = await self._link.run(job, self._frames.submit)
        finally:
            self._frames.cancel()
            self._editor.end_preview()
        self._editor.take_candidates(plan, filled.candidates)
        self.finished.emit(filled)

    def _show(self, canvas: Canvas) -> None:
        self._editor.show_preview(canvas)
        self.progressed.emit(canvas)
