"""Asks the model for other ways to put a fill, where a reader wants to see some."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from desktop.outside import Consent, Outside
from desktop.report.model import CandidateSet, Report
from desktop.report.other_wordings import ENOUGH, HEATS, SIDE_BY_SIDE, pieces_around, told
from desktop.studies.context import prompt_context
from desktop.studies.reading import Study
from desktop.tasks import Tasks
from desktop.worker_link import Job, WorkerLink
from inference.client import WorkerError
from inference.protocol import Options


class Rewording(QObject):
    """One search at a time. What is found is offered beside the fill; the report stays as it is."""

    seeking = Signal(object)  # int, the number of a set; None once it is over
    ended = Signal(str)  # what is to be said of it, in a few words
    failed = Signal(object)  # WorkerError | Outside
    broke = Signal(object)  # Exception: a fault of our own

    def __init__(
        self,
        link: WorkerLink,
        image_of: Callable[[Study], Awaitable[NDArray[np.uint8]]],
        consent: Consent,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._link, self._image_of, self._consent = link, image_of, consent
        self._tasks = Tasks(self.broke.emit)
        self.busy = False
        self.number: int | None = None  # of the set that others are sought for, or were last

    def seek(self, study: Study, report: Report, candidate_set: CandidateSet) -> None:
        """Ask for others than those of a set of ``report``, unless it is being asked."""
        if self.busy:
            return
        self.busy, self.number = True, candidate_set.number
        self.seeking.emit(candidate_set.number)
        self._tasks.spawn(self._run(study, report, candidate_set), "reword", self._ended)

    def cancel(self) -> None:
        self._tasks.cancel()

    async def stop(self) -> None:
        """Cancel and wait until the worker is free again."""
        await self._tasks.close()

    def _ended(self) -> None:
        self.busy = False
        self.seeking.emit(None)

    async def _run(self, study: Study, report: Report, candidate_set: CandidateSet) -> None:
        try:
            await self._seek(study, report, candidate_set)
        except asyncio.CancelledError:
            self.ended.emit("Cancelled; the candidates are as they were")
        except (WorkerError, Outside) as error:
            self.failed.emit(error)

    async def _seek(self, study: Study, report: Report, candidate_set: CandidateSet) -> None:
        await self._link.ready()
        if (model := self._link.model) is not None:
            self._consent.check(study, model)
        image = await self._image_of(study)
        job = Job(
            pieces=pieces_around(report.content, candidate_set),
            image=image,
            context=prompt_context(study),
            options=Options(),
        )
        now: CandidateSet | None = None
        for heat in HEATS:
            options = Options(seed=secrets.randbelow(2**31), candidates=SIDE_BY_SIDE, heat=heat)
            filled = await self._link.run(replace(job, options=options), lambda _: None)
            now = report.offer_others(candidate_set.number, filled.candidates)
            if now is None or len(now.candidates) >= ENOUGH:
                break
        if now is not None:  # else the fill was changed meanwhile
            self.ended.emit(told(now) or f"{len(now.candidates)} candidates")
