"""Another worker in the place of one: chosen, restarted, or back to the last that worked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial

from desktop.model_choice import ModelChoice
from desktop.settings import CHECKPOINTS, Settings
from desktop.tasks import Tasks
from desktop.widgets.banner import Banner, Notice, NoticeKind
from desktop.worker_link import WorkerLink, WorkerState
from inference.client import WorkerError


class WorkerCare:
    """Looks after the worker of one window. ``jobs`` end what runs on it."""

    def __init__(
        self,
        link: WorkerLink,
        banner: Banner,
        settings: Settings,
        tasks: Tasks,
        jobs: Sequence[Callable[[], Awaitable[None]]],
    ) -> None:
        self._link, self._banner, self._settings = link, banner, settings
        self._tasks, self._jobs = tasks, jobs
        self._replacing = False
        self._proven: ModelChoice | None = None  # the last that a worker was ready with

    def choose(self, choice: ModelChoice) -> None:
        """Run another checkpoint, or the same elsewhere; the report stays as it is."""
        self._link.choice = choice
        self._banner.withdraw("model")
        self.restart()

    def restart(self) -> None:
        """Start the worker anew: one that died at once, one that hangs after its end."""
        if self._replacing:
            return  # a second worker would be the one that nobody ends
        self._banner.withdraw("worker")
        if self._link.state in (WorkerState.DIED, WorkerState.STOPPED):
            self._link.start()
        else:
            self._replacing = True
            self._tasks.spawn(self._replace(), "restart the worker", self._replaced)

    def remember(self) -> None:
        """The worker is ready with what was chosen."""
        self._proven = self._link.choice
        self._settings.remember_in(CHECKPOINTS, self._proven.checkpoint)

    def tell_of_death(self, error: WorkerError, consolation: str) -> None:
        """Say why the worker has gone, and offer what can be done."""
        proven, chosen = self._proven, self._link.choice
        action: tuple[str, Callable[[], None]] = ("Restart worker", self.restart)
        if proven is not None and replace(proven, adapter=chosen.adapter) != chosen:
            back = replace(proven, adapter=chosen.adapter)
            name = proven.checkpoint.name
            if proven.checkpoint == chosen.checkpoint:
                name = proven.placement.device or "the automatic device"
            else:
                back = proven
            action = (f"Back to {name}", partial(self.choose, back))
        text = f"{error} {consolation}".strip()
        self._banner.show_notice(Notice(NoticeKind.ERROR, text, action=action, topic="worker"))

    def tell_of_silence(self, consolation: str) -> None:
        """Say that the worker hangs; once it answers, the notice is withdrawn."""
        text = (
            "The worker does not answer. It may come back by itself; restart it if it does not. "
            f"{consolation}"
        )
        action = ("Restart worker", self.restart)
        self._banner.show_notice(
            Notice(NoticeKind.ERROR, text.strip(), action=action, topic="worker")
        )

    async def _replace(self) -> None:
        # Together, for a job may wait for the answer of a worker that hangs; the link first, for
        # it takes no job from then on.
        await asyncio.gather(self._link.close(), *(end() for end in self._jobs))
        self._link.start()

    def _replaced(self) -> None:
        self._replacing = False
