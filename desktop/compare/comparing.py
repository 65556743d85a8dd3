"""Makes the window that compares work: what is run, taken into the report, answered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtWidgets import QFileDialog

import resources
from desktop import theme
from desktop.asking import Asking
from desktop.compare import blind
from desktop.compare.answering import Arrangement
from desktop.compare.board import Board
from desktop.compare.reference import Reference, ask_reference
from desktop.compare.runner import CannotCompare, Frame, Runner, other_than
from desktop.compare.side import Comparison
from desktop.compare.taking import NoPlace, take
from desktop.compare.window import SIZE, CompareWindow
from desktop.drafting import FRAME_SECONDS, Drafting
from desktop.opening import ask_paths
from desktop.outside import Consent, Outside, notice_of
from desktop.placement import place
from desktop.report.editor import ReportEditor
from desktop.report.model import Content, NothingToFill, Report
from desktop.report.store import data_dir
from desktop.session import StudySession
from desktop.settings import COMPARED, Settings
from desktop.studies.reading import Study
from desktop.theme import ThemeName
from desktop.throttle import Throttle
from desktop.widgets.banner import Notice, NoticeKind
from desktop.worker_link import WorkerLink, WorkerState
from inference.protocol import Paradigm

OLDER: Final = (
    "The report has changed since this run: the comparison belongs to an older text. Run again to "
    "compare on the report as it is."
)
ELSEWHERE: Final = (
    "This comparison belongs to {study}, which is not the study on screen. Nothing of it can be "
    "taken into the report."
)


class Comparing(QObject):
    """Belongs to one main window, whose worker, study and report it compares on."""

    busy_changed = Signal()

    def __init__(
        self,
        link: WorkerLink,
        session: StudySession,
        editor: ReportEditor,
        drafting: Drafting,
        asking: Asking,
        settings: Settings,
        consent: Consent | None = None,
    ) -> None:
        super().__init__(drafting)
        self._consent = consent if consent is not None else Consent()
        self._asking = asking
        self._link, self._session, self._editor = link, session, editor
        self._drafting, self._settings = drafting, settings
        self.answers_file = data_dir() / blind.FILE_NAME
        self.window = CompareWindow(theme.palette(settings.theme))
        self.board = Board(self.window)
        self.runner = Runner(
            link, self._other_checkpoint, drafting.image_of, self, consent=self._consent
        )
        self._chosen: dict[Paradigm, Path] = {}
        self._asked_on: tuple[Study, Report] | None = None
        self._report: Report | None = None  # that the comparison is on
        self._known: list[Content] = []  # its states that the comparison belongs to
        self._taken: list[Content] = []  # the report after each sentence that was taken into it
        self._side = self.window.left
        self._paradigm: Paradigm = "diffusion"  # of the window's model, the last that was known
        self._frames: Throttle[Frame] = Throttle(self._show_canvas, FRAME_SECONDS, self)
        self._connect()
        self.set_theme(settings.theme)
        self.board.refresh()
        self._allow()

    @property
    def busy(self) -> bool:
        return self.runner.busy

    def show(self) -> None:
        window = self.window
        geometry = self._settings.layout("compare")
        if not window.isVisible():
            place(window, QSize(*SIZE), geometry, over=self._editor.window())
        self._show_image()
        window.show()
        window.raise_()
        window.activateWindow()
        self._side.view.setFocus()

    def set_theme(self, name: ThemeName) -> None:
        self.window.set_theme(name)

    async def close(self) -> None:
        """End all that runs behind the window, and the window."""
        self.window.close()
        await self.runner.close()

    def _connect(self) -> None:
        window, runner = self.window, self.runner
        handlers: dict[str, Callable[[], object]] = {
            "run": self._run,
            "cancel": runner.cancel,
            "take": self._take,
            "undo": self._undo,
            "other_side": self._go_to_other_side,
            "left": window.left.view.setFocus,
            "right": window.right.view.setFocus,
            "go_to_image": self._go_to_image,
            "save": self._save,
            "load_reference": lambda: ask_reference(window, self._set_reference, self._refuse),
            "report_as_reference": self._take_report_as_reference,
            "choose_other": self._choose_other,
            "close": window.close,
        }
        for name, handler in handlers.items():
            window.commands[name].triggered.connect(lambda _checked=False, run=handler: run())
        window.commands["blind"].toggled.connect(self._set_blind)
        window.commands["alone"].setChecked(self._settings.compares_alone)
        window.commands["alone"].toggled.connect(self._set_alone)
        window.commands["differences"].toggled.connect(self._show_moment)
        window.player.moved.connect(self._show_moment)
        window.questions.changed.connect(self._allow)
        window.closed.connect(self._closed)
        window.commands.refused.connect(self._tell)
        for column in window.columns:
            column.view.moved.connect(self._moved)
        runner.busy_changed.connect(self._busy_changed)
        runner.stage.connect(self._show_stage)
        runner.drew.connect(self._frames.submit)
        runner.finished.connect(self._take_comparison)
        runner.cancelled.connect(lambda: self._gave_up("Cancelled"))
        runner.failed.connect(self._show_failure)
        runner.broke.connect(self._show_fault)
        self._link.state_changed.connect(self._allow)
        self._drafting.busy_changed.connect(self._allow)
        self._asking.busy_changed.connect(self._allow)
        self._editor.changed.connect(self._check_report)
        self._session.study_changed.connect(self._check_report)

    # What can be done now

    def _allow(self) -> None:
        if (model := self._link.model) is not None:
            self._paradigm = model.paradigm
        running, shown = self.busy, self.board.shown is not None
        no_study = None if self._session.study is not None else "Open a study first"
        wait = "Wait for the comparison, or cancel it" if running else None
        at_work = self._drafting.busy or self._asking.busy
        writing = "Wait for the model, or cancel it" if at_work else None
        usable = self._link.state in (WorkerState.READY, WorkerState.STARTING)
        nothing = wait or (None if shown else "Nothing was compared yet")
        hidden = "Answer the questions first: it would give the names away"
        replay = nothing or (hidden if self.board.hidden else None)
        unasked = None if self.board.hidden else "There are no questions to answer"
        unanswered = None if self.window.questions.complete else "Answer all three questions first"
        unfinished = None if self.window.player.at_end else "Go to the end of both first"
        report = self._session.report
        reasons = {
            "run": no_study or wait or writing or (None if usable else "The worker is not ready"),
            "cancel": None if running else "There is nothing to stop",
            **dict.fromkeys(("play", "restart", "back", "forward", "slow"), replay),
            "differences": nothing,
            "take": no_study or replay or writing or self._elsewhere() or unfinished,
            "undo": writing or self._nothing_taken(),
            "save": wait or unasked or unanswered,
            "blind": wait,
            "alone": wait,
            "report_as_reference": no_study or (None if report.text else "The report is empty"),
            "choose_other": wait,
        }
        for name, why_not in reasons.items():
            self.window.commands.allow(name, why_not)
        self.window.transport.slider.setEnabled(replay is None)
        self.window.way.setEnabled(not running)
        for column in self.window.columns:
            column.view.mark_sentences(reasons["take"] is None)

    def _elsewhere(self) -> str | None:
        same = self._session.report is self._report
        return None if same else "The comparison belongs to another study"

    def _nothing_taken(self) -> str | None:
        """Undo is of what was taken here: anything else is the main window's to take back."""
        last = bool(self._taken) and self._taken[-1] == self._session.report.content
        return None if last else "Nothing was taken that stands last in the report"

    # Running

    def _run(self) -> None:
        study, model = self._session.study, self._link.model
        if study is None:
            return
        if model is not None and self._other_checkpoint(other_than(model.paradigm)) is None:
            self._choose_other(then_run=True)
            return
        self.window.banner.dismiss()
        self.window.caution.dismiss()
        self._asked_on = study, self._session.report
        self._show_image(study)
        self.board.show_running(study, blind=self._blind)
        alone = self.window.commands["alone"].isChecked()
        self.runner.begin(study, self._session.report, self.window.chosen_way, alone=alone)

    def _other_checkpoint(self, paradigm: Paradigm) -> Path | None:
        """What was chosen here; else the demo's sibling for the demo; else what was used last."""
        if paradigm in self._chosen:
            return self._chosen[paradigm]
        with contextlib.suppress(resources.ResourceMissing):
            if self._link.choice.checkpoint == resources.demo_checkpoint(other_than(paradigm)):
                return resources.demo_checkpoint(paradigm)
        return next(iter(self._settings.recent_in(COMPARED.format(paradigm=paradigm))), None)

    def _choose_other(self, *, then_run: bool = False) -> None:
        paradigm = other_than(self._paradigm)

        def chosen(paths: object) -> None:
            assert isinstance(paths, list)
            self._chosen[paradigm] = paths[0]
            self._settings.remember_in(COMPARED.format(paradigm=paradigm), paths[0])
            self._tell(f"The next run compares with {paths[0].name}")
            if then_run and self.window.commands["run"].isEnabled():
                self._run()

        title = f"Choose the {paradigm} checkpoint to compare with"
        start = self._link.choice.checkpoint.parent
        ask_paths(self.window, title, QFileDialog.FileMode.Directory, start, chosen)

    @property
    def _blind(self) -> bool:
        return self.window.commands["blind"].isChecked()

    def _show_stage(self, text: str) -> None:
        self.window.bar.setRange(0, 0)
        self.window.bar.show()
        self._tell(f"{text} · Esc cancels")
        if not self._blind:
            self.board.name_columns(self.runner.models)

    def _show_canvas(self, frame: Frame) -> None:
        self.window.bar.setRange(0, frame.canvas.max_steps)
        self.window.bar.setValue(frame.canvas.step)
        if not self._blind:
            self.board.show_canvas(frame)

    def _busy_changed(self, busy: bool) -> None:
        if not busy:
            self._frames.cancel()
            self.window.bar.hide()
            self._check_report()  # which may have become another one meanwhile
        self.busy_changed.emit()
        self._allow()

    def _take_comparison(self, comparison: Comparison) -> None:
        assert self._asked_on is not None, "a run has ended"
        study, self._report = self._asked_on
        self._known = [comparison.content]
        self._frames.cancel()
        self.window.questions.clear()
        swapped = self._blind and blind.draw_swapped()
        self.board.show(Arrangement(comparison, swapped), study, hidden=self._blind)
        self._check_report()
        self._tell(
            "Read both, then answer" if self._blind else "Both have written · Space replays them"
        )

    def _gave_up(self, why: str) -> None:
        """Show what there was before the run."""
        self._frames.cancel()
        self.board.refresh()
        self._check_report()
        kept = self.board.shown is not None
        before = "the comparison before is shown again" if kept else "nothing was compared"
        self._tell(f"{why}; {before}")

    def _show_failure(self, error: Exception) -> None:
        self._gave_up("Not compared")
        if isinstance(error, Outside):
            self.window.banner.show_notice(notice_of(error, partial(self._run_anyway, error)))
            return
        kind = NoticeKind.INFO if isinstance(error, NothingToFill) else NoticeKind.ERROR
        action = ("Other model…", self._choose_other) if isinstance(error, CannotCompare) else None
        self.window.banner.show_notice(Notice(kind, str(error), action=action))

    def _run_anyway(self, outside: Outside) -> None:
        self._consent.give(outside)
        if self.window.commands["run"].isEnabled():
            self._run()

    def _show_fault(self, fault: Exception) -> None:
        self._gave_up("Not compared")
        self._refuse(
            f"Something went wrong inside Pinfill ({type(fault).__name__}: {fault}). Your report "
            "is untouched; the log says more."
        )

    def _tell(self, text: str) -> None:
        self.window.hint.set_full_text(text)

    def _refuse(self, message: str) -> None:
        self.window.banner.show_notice(Notice(NoticeKind.ERROR, message))

    # The report on screen

    def _check_report(self) -> None:
        """Say whether the comparison still belongs to what is on screen."""
        caution, study = self.window.caution, self.board.study
        caution.dismiss()
        self._show_image()
        if self.board.shown is not None and study is not None and not self.busy:
            if self._elsewhere() is not None:
                name = study.patient_name or study.patient_id or "another patient"
                text = ELSEWHERE.format(study=name)
                caution.show_notice(Notice(NoticeKind.WARNING, text))
            elif self._session.report.content not in self._known:
                caution.show_notice(Notice(NoticeKind.INFO, OLDER))
        self._allow()

    def _show_image(self, asked_on: Study | None = None) -> None:
        """The image that the texts on both sides are about."""
        if asked_on is None and self.busy:
            return
        self.window.show_image(asked_on or self.board.study or self._session.study)

    def _take(self) -> None:
        """Put the sentence at the cursor of the side that has the focus into the report."""
        report, view = self._session.report, self._side.view
        start, end = view.sentence()
        sentence = view.text[start:end]
        try:
            taking = take(report, view.text, start, end)
        except NoPlace as error:
            self.window.banner.show_notice(Notice(NoticeKind.INFO, str(error)))
            return
        self.window.banner.dismiss()
        known = report.content in self._known
        report.apply(taking.plan, taking.fills)
        self._taken.append(report.content)
        self._allow()
        if known:  # what is taken from a comparison does not make it one of an older text
            self._known.append(report.content)
            self._check_report()
        self._tell(f"Taken into the report: “{sentence}” · Ctrl+Z takes it back")

    def _undo(self) -> None:
        self._taken.pop()
        self._session.report.undo()
        self._tell("The sentence is out of the report again")

    def _go_to_other_side(self) -> None:
        left, right = self.window.columns
        (right if self._side is left else left).view.setFocus()

    def _go_to_image(self) -> None:
        self.window.commands["image"].setChecked(True)
        self.window.image.setFocus()

    def _moved(self) -> None:
        """The cursor or the keyboard is in another sentence."""
        for column in self.window.columns:
            if column.view.hasFocus():
                self._side = column
        self._hint()

    def _hint(self) -> None:
        """Say what Enter would take."""
        if self.busy or self.board.shown is None:
            return
        start, end = self._side.view.sentence()
        told = f"Enter takes “{self._side.view.text[start:end]}” into the report"
        takes = self.window.commands["take"].isEnabled() and start < end
        self._tell(told if takes else "")

    def _show_moment(self, _moment: object = None) -> None:
        self.board.show_moment()
        self._allow()
        self._hint()

    def _set_alone(self, on: bool) -> None:
        self._settings.compares_alone = on
        self._tell("Each model is loaded alone" if on else "Both models are loaded together")

    # Blind, and with a reference

    def _set_blind(self, on: bool) -> None:
        if not on and self.board.hidden:
            self._reveal("Not answered: the names are shown")
        elif on:
            self._tell("The next run is shown without names")

    def _save(self) -> None:
        shown = self.board.shown
        if shown is None:
            return
        try:
            blind.append(self.answers_file, shown.line(self.window.questions.answers))
        except blind.AnswersError as error:
            self._refuse(str(error))
            return
        self.window.banner.dismiss()
        count = len(blind.read(self.answers_file))
        self._reveal(f"Saved as answer {count} in {self.answers_file}")

    def _reveal(self, told: str) -> None:
        self.board.show(self.board.shown, self.board.study, hidden=False)
        self._allow()
        # Else it falls to the button next to the one that goes, which undoes.
        self._side.view.setFocus()
        self._tell(told)

    def _take_report_as_reference(self) -> None:
        self._set_reference(Reference("the report as it was", self._session.report.plain_text()))

    def _set_reference(self, reference: Reference) -> None:
        self.board.reference = reference
        self.board.show_figures()
        later = " It is told once the questions are answered." if self.board.hidden else ""
        told = f"Reference: {reference.name}. Its token-F1 stands with the figures.{later}"
        self._tell(told)

    def _closed(self) -> None:
        self._settings.keep_layout("compare", self.window.saveGeometry())
        self.runner.dismiss_other()
