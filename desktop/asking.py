"""A question about the image on screen, put to the model, and its answer."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.drafting import FRAME_SECONDS
from desktop.outside import Consent, Outside
from desktop.studies.context import prompt_context
from desktop.studies.reading import Study
from desktop.tasks import Tasks
from desktop.throttle import Throttle
from desktop.widgets.ask_bar import AskBar
from desktop.worker_link import Job, WorkerLink
from inference.client import WorkerError
from inference.protocol import Canvas, Gap, Options


class Asking(QObject):
    """Puts one question at a time, and streams what is said into the bar under the image."""

    busy_changed = Signal(bool)
    waiting = Signal()
    answered = Signal()
    cancelled = Signal()
    given_up = Signal(str, str)  # the question, and whose study was left
    failed = Signal(object)  # WorkerError
    held = Signal(object, object)  # Outside, and what asks the same once the reader agrees
    unsure = Signal(str)  # why nobody can say whether the model was made for the image
    broke = Signal(object)  # Exception: a fault of our own

    def __init__(
        self,
        link: WorkerLink,
        bar: AskBar,
        image_of: Callable[[Study], Awaitable[NDArray[np.uint8]]],
        parent: QObject | None = None,
        consent: Consent | None = None,
    ) -> None:
        super().__init__(parent)
        self._consent = consent if consent is not None else Consent()
        self._link, self._bar, self._image_of = link, bar, image_of
        self._tasks = Tasks(self.broke.emit)
        self._frames: Throttle[Canvas] = Throttle(self._show, FRAME_SECONDS, self)
        self.busy = False
        self._asked = ("", "")
        bar.dropped.connect(self.cancel)

    def begin(self, study: Study, question: str) -> None:
        """Ask, unless a question is on its way."""
        if self.busy:
            return
        self.busy = True
        self._asked = question, study.patient_name or study.patient_id or study.path.name
        self.busy_changed.emit(True)
        self._tasks.spawn(self._run(study, question), "ask", self._ended)

    def cancel(self) -> None:
        self._tasks.cancel()

    async def stop(self) -> None:
        """Cancel and wait until the worker is free again."""
        await self._tasks.close()

    async def leave(self) -> None:
        """End what is asked about a study that is left, and tell what is lost by it."""
        lost = self.busy
        await self.stop()
        if lost:
            self.given_up.emit(*self._asked)

    def _ended(self) -> None:
        self.busy = False
        self.busy_changed.emit(False)

    async def _run(self, study: Study, question: str) -> None:
        try:
            await self._ask(study, question)
        except asyncio.CancelledError:
            self._bar.clear()
            self.cancelled.emit()
        except Outside as outside:
            self.held.emit(outside, partial(self.begin, study, question))
        except WorkerError as error:
            self._bar.clear()
            self.failed.emit(error)
        except Exception:
            self._bar.clear()
            raise

    async def _ask(self, study: Study, question: str) -> None:
        self.waiting.emit()
        await self._link.ready()
        if (model := self._link.model) is not None:
            self._consent.check(study, model)
            self.unsure.emit(self._consent.unknown(study, model))
        image = await self._image_of(study)
        name = model.name if model is not None else "The model"
        self._bar.begin(question, name)
        job = Job(
            pieces=(Gap(),),
            image=image,
            context=prompt_context(study),
            options=Options(seed=secrets.randbelow(2**31), candidates=1),
            question=question,
        )
        try:
            filled = await self._link.run(job, self._frames.submit)
        finally:
            self._frames.cancel()
        self._bar.end(filled.fills[0])
        self.answered.emit()

    def _show(self, canvas: Canvas) -> None:
        self._bar.show_answer(canvas.gaps[0])
