"""What the window says of its jobs and its troubles, in the banner and the status line."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from PySide6.QtCore import QObject

from desktop.asking import Asking
from desktop.drafting import Drafting, Finished
from desktop.outside import Outside
from desktop.report.clashing import Clashing
from desktop.report.faults import unread
from desktop.report.finding import Doubt
from desktop.report.model import GAP_CHAR, CandidateSet, NothingToFill
from desktop.report.store import StoreConflict
from desktop.session import StudySession
from desktop.widgets.banner import Banner, Notice, NoticeKind
from desktop.widgets.status_line import StatusLine
from desktop.worker_link import WorkerLink, WorkerState
from inference.client import WorkerDied, WorkerError
from inference.protocol import Filled

UNSAVED = "unsaved"
"""The topic of a report that could not be saved: its notice stays until it is."""

FILLS: Final = "fills"
"""The topic of what the model wrote last: its note goes with the words."""

UNSURE: Final = "unsure"
"""The topic of whether the model was made for the image: its note goes with the next job."""

ASKING: Final = "asking"
"""The topic of an answer that was given up: its note goes with the next question."""


class Notices(QObject):
    """Listens to the session, the worker and the jobs of one window."""

    def __init__(
        self,
        session: StudySession,
        link: WorkerLink,
        drafting: Drafting,
        asking: Asking,
        clashing: Clashing,
        banner: Banner,
        status: StatusLine,
    ) -> None:
        super().__init__(drafting)
        self._drafting = drafting
        self._text = session.report.text
        self._told_of: int | None = None  # the number of the fills that a note is about
        self._session = session
        self._drafting = drafting
        self._link = link
        self._clashing = clashing
        self._banner = banner
        self._status = status
        session.failed.connect(self.show_errors)
        session.doubted.connect(self.show_doubt)
        session.saved.connect(self._show_saved)
        session.saving.cautioned.connect(self._show_caution)
        session.study_changed.connect(self._show_saved)  # of one left unsaved the mark tells
        drafting.waiting.connect(self._show_waiting)
        drafting.progressed.connect(status.show_canvas)
        drafting.finished.connect(self._show_filled)
        drafting.cancelled.connect(self._show_cancelled)
        drafting.failed.connect(self.show_refused_job)
        drafting.broke.connect(self.show_fault)
        drafting.offered.connect(self._offer)
        drafting.ended_behind.connect(self._show_ended_behind)
        drafting.outdated.connect(self._show_outdated)
        drafting.held_behind.connect(self._show_held_behind)
        drafting.unsure.connect(self._show_unsure)
        asking.unsure.connect(self._show_unsure)
        asking.waiting.connect(self._show_waiting)
        asking.answered.connect(self._show_answered)
        asking.cancelled.connect(self._show_cancelled)
        asking.given_up.connect(self._show_given_up)
        asking.failed.connect(self.show_refused_job)
        asking.broke.connect(self.show_fault)

    def show_worker(self) -> None:
        """The worker's state and its model."""
        text = {
            WorkerState.STOPPED: "No worker",
            WorkerState.STARTING: f"{self._link.stage or 'Starting'}…",
            WorkerState.READY: "Ready",
            WorkerState.BUSY: "Writing",
            WorkerState.CHANGING: "Changing the adapter…",
            WorkerState.SILENT: "Does not answer",
            WorkerState.STOPPING: "Stopping the worker…",
            WorkerState.DIED: "Worker stopped",
        }[self._link.state]
        self._status.show_worker(self._link.state.value, text)
        self._status.show_model(self._link.model)
        if self._link.state in (WorkerState.READY, WorkerState.BUSY, WorkerState.CHANGING):
            self._banner.withdraw("worker")

    def show_refusal(self, error: WorkerError) -> None:
        """An adapter is not on; what the reader has is untouched."""
        self._banner.show_notice(Notice(NoticeKind.ERROR, str(error), topic="model"))

    def show_adapter_doubt(self, sentence: str) -> None:
        """An adapter is on, and may belong to another checkpoint."""
        self._banner.show_notice(Notice(NoticeKind.WARNING, sentence, topic="model"))

    def show_fault(self, fault: Exception) -> None:
        self._banner.show_notice(
            Notice(
                NoticeKind.ERROR,
                f"Something went wrong inside Pinfill ({type(fault).__name__}: {fault}). "
                "Your report is kept; the log says more.",
            )
        )

    def show_errors(self, errors: list[Exception]) -> None:
        more = len(errors) - 1
        tail = f" And {more} more; this notice's tooltip has them all." if more else ""
        conflict = isinstance(errors[0], StoreConflict)
        self._banner.show_notice(
            Notice(
                NoticeKind.ERROR,
                f"{errors[0]}{tail}",
                details="\n".join(str(error) for error in errors) if more else "",
                action=("Save over it", self._save_over) if conflict else None,
                topic=UNSAVED if errors[0] is self._session.unsaved else "studies",
            )
        )

    def show_doubt(self, doubt: Doubt) -> None:
        """Whose a report is cannot be told for sure: the reader decides."""
        take = ("Take it", partial(self._session.take, doubt)) if doubt.offer is not None else None
        self._banner.show_notice(
            Notice(NoticeKind.WARNING, doubt.text, action=take, topic="studies")
        )

    def _save_over(self) -> None:
        self._session.save(overwrite=True)

    def _show_caution(self, text: str) -> None:
        self._banner.show_notice(Notice(NoticeKind.WARNING, text, topic="folder"))

    def _show_saved(self) -> None:
        self._banner.withdraw(UNSAVED)

    def _show_waiting(self) -> None:
        starting = self._link.state is WorkerState.STARTING
        self._status.show_text(
            "Waits until the model is loaded · Esc cancels" if starting else "Asking the model…"
        )

    def _show_filled(self, filled: Filled) -> None:
        self._status.show_filled(filled)
        self._told_of = max((each.number for each in self._sets()), default=None)
        if said := " ".join((*unread(filled), *self._of_fills())):
            self._banner.show_notice(Notice(NoticeKind.INFO, said, topic=FILLS))

    def _of_fills(self) -> Iterator[str]:
        """What clashes in the words that the model wrote last."""
        fills = [
            place for each in self._sets() if each.number == self._told_of for place in each.places
        ]
        clashing = [
            clash
            for clash in self._clashing.all_now()
            if any(
                low < fill.end and fill.start < high for low, high in clash.places for fill in fills
            )
        ]
        text = self._session.report.text
        if stayed := sum(text[fill.start : fill.end] == GAP_CHAR for fill in fills):
            yield (
                "The model had nothing to put into a gap inside a sentence: it stays open."
                if stayed == 1
                else f"The model had nothing to put into {stayed} gaps inside sentences: they "
                "stay open."
            )
        if clashing:
            once = "once" if len(clashing) == 1 else f"{len(clashing)} times"
            yield f"What the model wrote clashes {once}: F8 shows where, and why."

    def outdate(self) -> None:
        """The report has changed: take back what was said of words that are gone."""
        text = self._session.report.text
        if text != self._text and not self._drafting.busy:
            self._status.outdate()
        self._text = text
        if all(each.number != self._told_of for each in self._sets()):
            self._banner.withdraw(FILLS)

    def _sets(self) -> tuple[CandidateSet, ...]:
        return self._session.report.candidate_sets

    def _offer(self, finished: Finished) -> None:
        self._banner.show_notice(
            Notice(
                NoticeKind.INFO,
                f"The model has written for {finished.who} while another study was on screen.",
                action=("Take it", partial(self._drafting.take, finished)),
                topic="job",
            )
        )

    def _show_ended_behind(self, who: str) -> None:
        self._status.show_text(f"The text for {who} is ready: it is offered when you go back")

    def _show_outdated(self, who: str) -> None:
        self._banner.show_notice(
            Notice(
                NoticeKind.WARNING,
                f"What the model wrote for {who} cannot be taken: another window or program has "
                "changed the report since. Ask the model again.",
                topic="job",
            )
        )

    def _show_held_behind(self, outside: Outside, who: str) -> None:
        text = f"Nothing was written for {who}. {outside} Go back and ask again to decide."
        self._banner.show_notice(Notice(NoticeKind.WARNING, text, topic="job"))

    def _show_unsure(self, sentence: str) -> None:
        if sentence:
            self._banner.show_notice(Notice(NoticeKind.INFO, sentence, topic=UNSURE))

    def _show_answered(self) -> None:
        self._status.show_text("")

    def _show_given_up(self, question: str, who: str) -> None:
        self._banner.show_notice(
            Notice(
                NoticeKind.INFO,
                f"The answer to “{question}” about {who} was given up when you left: ask again "
                "there.",
                topic=ASKING,
            )
        )

    def _show_cancelled(self) -> None:
        self._status.tell_of_text("Cancelled; the report is as it was")

    def show_refused_job(self, error: Exception) -> None:
        """One sentence; the worker's death is told by the window, which can restart it."""
        self._status.show_text("")
        if isinstance(error, WorkerDied) or self._link.state is WorkerState.DIED:
            return
        kind = NoticeKind.INFO if isinstance(error, NothingToFill) else NoticeKind.ERROR
        self._banner.show_notice(Notice(kind, str(error), topic="job"))
