"""The window: image left, report right, and the wiring between what they know."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
)
from PySide6.QtWidgets import (
    QApplication,
    QFrame,
    QMainWindow,
    QVBoxLayout,
    QWidget,
)

from desktop import help as help_pages
from desktop import theme
from desktop.actions import Actions
from desktop.asking import Asking
from desktop.availability import Situation, refusals, refused_job
from desktop.compare.comparing import Comparing
from desktop.drafting import Drafting
from desktop.gap_dialog import ask_length
from desktop.leaving import Leaving
from desktop.menus import fill_menu_bar, presets_menu
from desktop.model_menu import ModelMenu
from desktop.notices import ASKING, FILLS, UNSAVED, UNSURE, Notices
from desktop.opening import Opening, local_paths
from desktop.outside import Consent, Outside, notice_of
from desktop.placement import place
from desktop.report.choosing import Choosing
from desktop.report.clashes import UNKNOWN
from desktop.report.clashing import Clashing
from desktop.report.colors import ReportColors
from desktop.report.editor import ReportEditor
from desktop.report.legend import ReportLegend
from desktop.report.model import CandidateSet, NothingToFill, Plan
from desktop.report.sentences import sentence_at
from desktop.report_pane import ReportPane
from desktop.rewording import Rewording
from desktop.session import StudySession
from desktop.settings import Settings
from desktop.studies.header import study_facts
from desktop.studies.reading import Study
from desktop.switching import Switching
from desktop.tasks import Tasks
from desktop.theme import ThemeName
from desktop.unsaved import UnsavedCare
from desktop.viewer.viewport import Viewport
from desktop.widgets.ask_bar import AskBar
from desktop.widgets.banner import Banner, Notice, NoticeKind
from desktop.widgets.covering import Covering
from desktop.widgets.panes import Panes
from desktop.widgets.status_line import StatusLine
from desktop.widgets.study_bar import StudyBar
from desktop.widgets.unsaved_mark import UnsavedMark
from desktop.worker_care import WorkerCare
from desktop.worker_link import WorkerLink, WorkerState
from inference.client import WorkerError
from radiology.language.sections import SectionName

DEFAULT_SIZE: Final = (1440, 900)
PANES: Final = (0.58, 0.42)
"""What image and report have of the width to begin with."""
ZOOM_STEP: Final = 1.25
_LONGEST_GAP: Final = 1024
"""In tokens, while no checkpoint says how long its canvas is."""

WARM: Final = frozenset({"revise"})
"""The commands of the model that begin near the words that stand; the others, from noise."""

EDITOR_MENU: Final = ("pin", "unpin", "gap", "refill", "revise", "candidates")
"""What the editor's context menu offers beside the usual."""

_log = logging.getLogger(__name__)


class MainWindow(QMainWindow):
    """One window: some studies, the report of the one on screen, one worker."""

    closed = Signal()

    def __init__(self, session: StudySession, link: WorkerLink, settings: Settings) -> None:
        super().__init__()
        self.session = session
        self.link = link
        session.setParent(self)
        link.setParent(self)
        self._settings = settings
        self._warning: Notice | None = None
        self._closing_unsaved = False
        self._asked_to_end = False
        self._held_by_fault = False
        colors = theme.palette(settings.theme)

        self.commands = Actions(self)
        self._opening = Opening(self, settings, self.open_paths)
        self.banner = Banner(colors)
        self.status = StatusLine(colors)
        self.viewport = Viewport()
        self.editor = ReportEditor()
        self.editor.set_report(session.report)
        self.legend = ReportLegend()
        self.choosing = Choosing(self.editor)
        self.clashing = Clashing(self.editor, self.choosing)
        self.leaving = Leaving(self.editor, self.clashing)
        consent = self._consent = Consent()
        self.drafting = Drafting(link, self.editor, self, consent)
        session.in_use = self.drafting.concerns
        self.ask_bar = AskBar(self.commands["ask"])
        self.asking = Asking(link, self.ask_bar, self.drafting.image_of, self, consent)
        self.rewording = Rewording(link, self.drafting.image_of, consent, self)
        self.comparing = Comparing(
            link, session, self.editor, self.drafting, self.asking, settings, consent
        )
        self.notices = Notices(
            session, link, self.drafting, self.asking, self.clashing, self.banner, self.status
        )
        self.tasks = Tasks(self.notices.show_fault)
        self.switching = Switching(session, self._settle, self.notices.show_fault, self)
        self.worker = WorkerCare(
            link,
            self.banner,
            settings,
            self.tasks,
            (self.drafting.stop, self.asking.stop, self.rewording.stop),
        )
        self.model_menu = ModelMenu(
            self,
            link,
            settings,
            self.commands,
            choose=self.worker.choose,
            spawn=self.tasks.spawn,
            refused=self.notices.show_refusal,
        )
        self.study_bar = StudyBar(self.commands["previous"], self.commands["next"])
        self.unsaved_mark = UnsavedMark(colors)
        self.report_pane = ReportPane(self.editor, self.legend, self.commands, self.unsaved_mark)
        self.unsaved = UnsavedCare(
            session.saving, self.unsaved_mark, self.status, self.close_unsaved, self.leaving.let_go
        )

        self.setWindowTitle("Pinfill")
        self.setAcceptDrops(True)
        self._lay_out()
        submenus = {
            "open_folder": self._opening.recent_menu,
            "reset_window": presets_menu(self.viewport),
            "details": self.model_menu.devices,
            "checkpoint": self.model_menu.checkpoints,
            "adapter": self.model_menu.adapters,
        }
        menus = fill_menu_bar(self.menuBar(), self.commands, submenus)
        menus["Model"].aboutToShow.connect(self.model_menu.measure)
        self._connect()
        self.set_theme(settings.theme)
        self._restore_layout()
        self._show_worker()
        self._allow()

    # Layout

    def _lay_out(self) -> None:
        image_pane = QFrame()
        image_pane.setObjectName("imagePane")
        left = QVBoxLayout(image_pane)
        left.setContentsMargins(0, 0, 0, 0)
        left.setSpacing(0)
        left.addWidget(self.study_bar)
        left.addWidget(self.viewport, 1)
        left.addWidget(self.ask_bar)

        # Over the image, so that neither a notice nor an answer moves it.
        above = Covering(self.banner, self.viewport)
        above.covered.connect(self.viewport.set_covered)
        below = Covering(self.ask_bar.said, self.viewport, "bottom")
        below.covered.connect(self.viewport.set_covered_below)

        self._splitter = Panes(PANES)
        self._splitter.addWidget(image_pane)
        self._splitter.addWidget(self.report_pane)

        self.editor.addActions([self.commands[name] for name in EDITOR_MENU])
        self.viewport.setObjectName("viewport")
        self.viewport.setAccessibleName("Image")
        self.editor.setObjectName("reportEditor")
        self.editor.setAccessibleName("Report")

        central = QWidget()
        column = QVBoxLayout(central)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._splitter, 1)
        column.addWidget(self.status)
        self.setCentralWidget(central)
        stops = (self.viewport, self.viewport.badge, *self.ask_bar.stops, self.editor)
        for before, after in pairwise(stops):
            QWidget.setTabOrder(before, after)
        self.ask_bar.hide()  # until there is something to ask about
        self.viewport.setFocus()  # else the first key might choose another study

    def _restore_layout(self) -> None:
        place(self, QSize(*DEFAULT_SIZE), self._settings.layout("window"))
        panes = self._settings.layout("panes")
        if panes is None or not self._splitter.restore(panes):
            self._splitter.share_out()

    # Wiring

    def _connect(self) -> None:
        handlers: dict[str, Callable[[], object]] = {
            "open": self._opening.choose_file,
            "open_folder": self._opening.choose_folder,
            "quit": self.close,
            "draft": self.draft,
            "infill": self.infill,
            "impression": partial(self._write_section, SectionName.IMPRESSION),
            "findings": partial(self._write_section, SectionName.FINDINGS),
            "refill": partial(self._rewrite, "refill"),
            "revise": partial(self._rewrite, "revise"),
            "ask": self.ask_bar.take_question,
            "cancel": self._cancel,
            "next_candidate": partial(self.choosing.step, 1),
            "previous_candidate": partial(self.choosing.step, -1),
            "candidates": self.choosing.show,
            "next_clash": partial(self.clashing.go, 1),
            "previous_clash": partial(self.clashing.go, -1),
            "dismiss_clash": self.clashing.ask_to_dismiss,
            "pin": self.editor.pin_selection,
            "unpin": self.editor.unpin_selection,
            "gap": self.editor.insert_gap,
            "gap_of_length": self._ask_gap_length,
            "undo": self.editor.undo,
            "redo": self.editor.redo,
            "copy": self._copy,
            "compare": self.comparing.show,
            "details": self.model_menu.show_details,
            "checkpoint": self.model_menu.open_checkpoint,
            "adapter": self.model_menu.load_adapter,
            "restart": self.worker.restart,
            "fit": self.viewport.fit,
            "zoom_in": partial(self.viewport.zoom_by, ZOOM_STEP),
            "zoom_out": partial(self.viewport.zoom_by, 1 / ZOOM_STEP),
            "invert": self.viewport.invert,
            "reset_window": self.viewport.reset_window,
            "focus_image": self.viewport.setFocus,
            "focus_report": self.editor.setFocus,
            "focus_other": self._focus_other,
            "previous": partial(self.switching.step, -1),
            "next": partial(self.switching.step, 1),
            "dark": partial(self.set_theme, "dark"),
            "light": partial(self.set_theme, "light"),
            "shortcuts": partial(help_pages.show_shortcuts, self),
            "about": partial(help_pages.show_about, self),
        }
        for name, handler in handlers.items():
            self.commands[name].triggered.connect(lambda _checked=False, run=handler: run())

        self.session.list_changed.connect(self._show_list)
        self.session.views.append(self._show_study)
        self.viewport.paths_dropped.connect(self.open_paths)
        self.study_bar.chosen.connect(self._choose_study)
        self.switching.changed.connect(self._show_moving)
        self.switching.told.connect(self.status.show_text)
        self.switching.refused.connect(self.status.show_text)
        self.switching.opened.connect(self._remember)
        self.editor.keys_refused.connect(self.status.show_text)
        self.editor.changed.connect(self._allow)
        self.editor.changed.connect(self.notices.outdate)
        self.editor.selection_changed.connect(self._allow)
        self.editor.pin_refused.connect(self.status.show_text)
        self.link.state_changed.connect(self._show_worker)
        self.link.died.connect(self._worker_died)
        self.link.refused.connect(self.notices.show_refusal)
        self.link.doubted.connect(self.notices.show_adapter_doubt)
        self.drafting.busy_changed.connect(self._allow)
        self.drafting.held.connect(partial(self._hold, self.editor))
        self.asking.held.connect(partial(self._hold, self.ask_bar.field))
        self.asking.busy_changed.connect(self._allow)
        self.ask_bar.asked.connect(self._ask)
        self.commands.refused.connect(self.status.show_text)
        self.ask_bar.refused.connect(self.status.show_text)
        self.ask_bar.left.connect(self.viewport.setFocus)
        self.comparing.busy_changed.connect(self._allow)
        self.choosing.happened.connect(self.status.tell_of_text)
        self.choosing.wanted.connect(self._seek_others)
        self.rewording.seeking.connect(self.choosing.set_seeking)
        self.rewording.seeking.connect(self._allow)
        self.rewording.ended.connect(self.status.tell_of_text)
        self.rewording.failed.connect(self.notices.show_refused_job)
        self.rewording.broke.connect(self.notices.show_fault)
        self.clashing.happened.connect(self.status.show_text)
        self.clashing.changed.connect(self._allow)

    # Commands

    def open_paths(self, paths: Sequence[Path]) -> None:
        self.switching.open(paths)

    def _remember(self, paths: Sequence[Path]) -> None:
        for path in reversed(paths):
            self._settings.remember(path)

    def _cancel(self) -> None:
        if self.drafting.busy or self.asking.busy or self.rewording.busy:
            self.status.show_text("Cancelling…")  # the worker may take its time
        self.switching.cancel()
        self.drafting.cancel()
        self.asking.cancel()
        self.rewording.cancel()

    def _choose_study(self, index: int) -> None:
        if not self.switching.choose(index):
            self._show_list()  # another list is on its way: this place in it says nothing

    async def _settle(self) -> None:
        """No job plays on the report that is left, and no notice tells of what was opened."""
        self.drafting.leave()
        self.banner.withdraw("studies")
        await asyncio.gather(self.asking.leave(), self.rewording.stop())

    def _show_moving(self) -> None:
        if self.switching.moving:
            self.editor.lock("Nothing was typed: another study is on its way")
        else:
            self.editor.unlock()
            study = self.session.study
            self.drafting.arrive(study.identity if study is not None else None)
        self._allow()

    def draft(self) -> None:
        self._begin("draft", self.editor.report.pieces_for_draft)

    def infill(self) -> None:
        self._begin("infill", self.editor.report.pieces_for_infill)

    def _write_section(self, name: SectionName) -> None:
        self._begin(name.lower(), partial(self.editor.report.pieces_for_section, name))

    def _rewrite(self, command: str) -> None:
        """Refill or revise the selection; a revision without one is of the sentence."""
        report, (start, end) = self.editor.report, self.editor.selection()
        if start == end and command == "revise":
            start, end = sentence_at(report.text, start)
        revision = report.revision

        def plan() -> Plan:
            if report.revision != revision:
                raise NothingToFill("The report has changed meanwhile: select the words again.")
            return report.pieces_for_refill(start, end)

        self._begin(command, plan)

    def _begin(self, command: str, make_plan: Callable[[], Plan]) -> None:
        if self.session.study is not None:
            self._withdraw_of_jobs()
            self.editor.setFocus()  # the button that was pressed is about to be disabled
            study = self.session.study
            self._put_first(
                study, partial(self.drafting.begin, command, study, make_plan, warm=command in WARM)
            )

    def _ask(self, question: str) -> None:
        if self.session.study is not None:
            self._withdraw_of_jobs()
            self.banner.withdraw(ASKING)
            study = self.session.study
            self._put_first(study, partial(self.asking.begin, study, question))

    def _hold(self, focus: QWidget, outside: Outside, again: Callable[[], None]) -> None:
        """The model was not made for the image: wait for the reader's word."""

        def go_on() -> None:
            self._consent.give(outside)
            command = self.commands["draft"]  # it and a question can be given at the same times
            if command.isEnabled():
                focus.setFocus()  # the button that was pressed is gone
                again()
            else:
                self.status.show_text(command.toolTip())

        self.status.show_text("")
        self.banner.show_notice(notice_of(outside, go_on))

    def _put_first(self, study: Study, begin: Callable[[], None]) -> None:
        """What the reader wishes goes before a search for other wordings, and ends it."""

        async def begin_after() -> None:
            await self.rewording.stop()
            if self.session.study is study:
                begin()

        if self.rewording.busy:
            self.tasks.spawn(begin_after(), "end a search")
        else:
            begin()

    def _seek_others(self, candidate_set: CandidateSet) -> None:
        """The reader wants to choose and has too little to choose from."""
        study, report = self.session.study, self.editor.report
        sought = self.rewording.busy and self.rewording.number == candidate_set.number
        if study is not None and self.commands["draft"].isEnabled() and not sought:
            self._put_first(study, partial(self.rewording.seek, study, report, candidate_set))

    def _withdraw_of_jobs(self) -> None:
        for topic in ("job", FILLS, UNSURE):
            self.banner.withdraw(topic)

    def _ask_gap_length(self) -> None:
        model = self.link.model
        most = model.canvas_length - 1 if model is not None else _LONGEST_GAP
        ask_length(self, most, lambda tokens: self.editor.insert_gap(tokens=tokens))

    def set_theme(self, name: ThemeName) -> None:
        colors = theme.palette(name)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            theme.apply(app, name)
        self._settings.theme = name
        self.commands[name].setChecked(True)
        self.banner.recolor(colors)
        self.status.recolor(colors)
        self.ask_bar.recolor(colors)
        self.report_pane.recolor(colors)
        self.unsaved_mark.recolor(colors)
        report_colors = ReportColors.of(colors)
        self.editor.set_colors(report_colors)
        self.choosing.set_colors(report_colors)
        self.comparing.set_theme(name)
        self.legend.set_colors(report_colors)

    def _copy(self) -> None:
        self.leaving.let_go("Copy", self._copy_anyway)

    def _copy_anyway(self) -> None:
        self.editor.copy_plain_text()
        self.status.tell_of_text("Report copied as plain text")

    def _focus_other(self) -> None:
        (self.viewport if self.editor.hasFocus() else self.editor).setFocus(
            Qt.FocusReason.ShortcutFocusReason
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no part of the window wanted: Esc puts the banner away."""
        if event.key() == Qt.Key.Key_Escape and self.banner.notice is not None:
            self.banner.dismiss()
        else:
            super().keyPressEvent(event)

    # Dropped files

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.open_paths(local_paths(event.mimeData()))

    # Showing what happens

    def _show_list(self) -> None:
        self.study_bar.set_studies(self.session.names, self.session.index)
        self._allow()

    def _show_study(self) -> None:
        study = self.session.study
        self.viewport.set_study(study)
        self.ask_bar.clear()
        self.ask_bar.setVisible(study is not None)
        self.editor.set_report(self.session.report)
        alone = len(self.session.paths) == 1
        self.clashing.set_study(study_facts(study, alone=alone) if study is not None else UNKNOWN)
        self.report_pane.show_study(study)
        name = study.patient_name or study.patient_id if study else ""
        self.setWindowTitle(f"{name} — Pinfill" if name else "Pinfill")
        self.status.show_text("")
        self._withdraw_of_jobs()
        self._prepare()
        self._allow()

    def _allow(self) -> None:
        """Enable the commands that can be given now."""
        report = self.editor.report
        start, end = self.editor.selection()
        now = Situation(
            study=self.session.study is not None,
            moving=self.switching.moving,
            writing=(self.drafting.busy and not self.drafting.away) or self.asking.busy,
            writing_elsewhere=self.drafting.away,
            rewording=self.rewording.busy,
            comparing=self.comparing.busy,
            worker=self.link.state not in (WorkerState.DIED, WorkerState.STOPPED),
            ready=self.link.state is WorkerState.READY,
            changing=self.link.state is WorkerState.CHANGING,
            stopping=self.link.state is WorkerState.STOPPING,
            silent=self.link.state is WorkerState.SILENT,
            text=bool(report.text),
            selection=start != end,
            candidates=self.choosing.any,
            clashes=bool(self.clashing.clashes),
            clash_here=self.clashing.here is not None,
            can_undo=report.can_undo,
            can_redo=report.can_redo,
            has_previous=self.session.neighbour(-1) is not None,
            has_next=self.session.neighbour(1) is not None,
        )
        for name, why_not in refusals(now):
            self.commands.allow(name, why_not)
        self.ask_bar.allow(refused_job(now))

    def _show_worker(self) -> None:
        self.notices.show_worker()
        if self.link.state is WorkerState.READY:
            self.worker.remember()
            self._prepare()
        elif self.link.state is WorkerState.SILENT:
            self.worker.tell_of_silence(self._consolation())
        self._allow()

    def _prepare(self) -> None:
        if self.session.study is not None:
            self.drafting.prepare(self.session.study)

    def _worker_died(self, error: WorkerError) -> None:
        self.worker.tell_of_death(error, self._consolation())

    def _consolation(self) -> str:
        return "Your report is untouched." if self.session.study else ""

    # Ending

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self._may_close():
            event.ignore()
            return
        try:
            self.comparing.window.close()
            self._settings.keep_layout("window", self.saveGeometry())
            self._settings.keep_layout("panes", self._splitter.saved())
            self._settings.sync()
        except Exception:  # raised into Qt it can end the process before its worker is ended
            _log.exception("the window's places were not kept")
        super().closeEvent(event)
        self.closed.emit()  # else a process would live on without a window

    def _may_close(self) -> bool:
        """Whether all is saved or the reader knows better; a fault is told, and holds it once."""
        try:
            return self._is_all_saved()
        except Exception as fault:
            held, self._held_by_fault = self._held_by_fault, True
            self.notices.show_fault(fault)
            return held

    def _is_all_saved(self) -> bool:
        # Only while it can be read: a warning of an hour ago is none.
        warned = self._warning is not None and self.banner.notice is self._warning
        saved = self.session.saving.save_all()
        untaken = self.drafting.keep_untaken(self.session.saving.keep_aside)  # a save drops copies
        if (saved and not untaken) or warned or self._closing_unsaved:
            return True
        if saved:
            self._warning = Notice(NoticeKind.ERROR, untaken, topic="job")
            self.banner.show_notice(self._warning)
        else:
            self._warn_of_loss()
            self.unsaved.offer_closing()
        return False

    def close_unsaved(self) -> None:
        """Close, whatever is on no disk but in a recovery copy, or nowhere."""
        self._closing_unsaved = True
        self.close()

    def end(self) -> None:
        """Close because the system asks: once all is saved or copied, else at the second time."""
        if self.session.saving.keep_copy() or self._asked_to_end:
            self.close_unsaved()
        else:
            self._asked_to_end = True
            self._may_close()

    def _warn_of_loss(self) -> None:
        """Add to the notice that a failed save has put up, what closing all the same means."""
        notice = self.banner.notice
        if notice is None or notice.topic != UNSAVED:
            text = "The report of another study could not be saved."
            notice = Notice(NoticeKind.ERROR, text, topic=UNSAVED)
        saving = self.session.saving
        kept = saving.unsaved is None or saving.unsaved.kept
        end = "leaves what is not saved in the recovery copy" if kept else "gives it up"
        text = notice.text.partition(" Closing once more ")[0]
        self._warning = replace(notice, text=f"{text} Closing once more {end}.")
        self.banner.show_notice(self._warning)

    async def shut_down(self) -> None:
        """Stop all that runs behind the window; call once it is closed."""
        # Together, for a job may wait for the answer of a worker that hangs.
        await asyncio.gather(
            self.drafting.close(),
            self.asking.stop(),
            self.rewording.stop(),
            self.comparing.close(),
            self.tasks.close(),
            self.switching.close(),
            self.link.close(),
        )
