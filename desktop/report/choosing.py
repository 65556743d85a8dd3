"""Choosing between candidates at the keyboard and the mouse."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QToolTip

from desktop.report.choices import choices, title
from desktop.report.colors import ReportColors
from desktop.report.editor import ReportEditor
from desktop.report.faults import told
from desktop.report.mirror import GUTTER
from desktop.report.model import CandidateSet, DifferenceMark
from desktop.report.other_wordings import may_be_sought
from desktop.report.popover import CandidatePopover
from desktop.theme import GRID

PINNED_OTHERWISE = "The other candidates would change words that are pinned here"


class Choosing(QObject):
    """The list of candidates of an editor, and the marks that open it."""

    happened = Signal(str)
    """What was chosen, in a few words."""

    wanted = Signal(object)
    """A :class:`CandidateSet` that is listed and has too few to choose from."""

    def __init__(self, editor: ReportEditor) -> None:
        super().__init__(editor)
        self._editor = editor
        self._place = 0
        self._shown: CandidateSet | None = None
        self._sought: int | None = None  # the number of the set that others are sought for
        self.popover = CandidatePopover(editor)
        self.popover.chosen.connect(self._choose_and_close)
        editor.installEventFilter(self)
        editor.viewport().installEventFilter(self)
        editor.selection_changed.connect(self._check)
        editor.changed.connect(self._check)
        editor.menu_opening.connect(self._fill_menu)
        editor.verticalScrollBar().valueChanged.connect(self._follow)

    @property
    def any(self) -> bool:
        """Whether there are candidates at the caret, or may be others than the one that stands."""
        return self._at_caret() is not None

    def set_seeking(self, number: int | None) -> None:
        """For which set the model is asked for others; ``None`` once it has answered."""
        self._sought = number
        if self._open() is not None and self._shown is not None:
            self._list(self._shown)

    def set_colors(self, colors: ReportColors) -> None:
        self.popover.set_colors(colors)

    def step(self, by: int) -> None:
        """Put the next (1) or the previous (-1) candidate in place, and show them all."""
        found = self._open() or self._at_caret()
        if found is None:
            return
        report, count = self._editor.report, len(found.candidates)
        for away in range(1, count):
            index = (found.chosen + by * away) % count
            if report.can_choose(found, index):
                self._choose(found, index)
                return
        self._show(found, found.place_at(self._editor.caret) or 0)
        if count > 1:
            self.happened.emit(PINNED_OTHERWISE)

    def show(self) -> None:
        """List the candidates at the caret."""
        self.show_at(self._editor.caret)

    def show_at(self, position: int) -> None:
        found = self._editor.report.candidates_at(position)
        if found is not None and not self._editor.previewing:
            self._show(found, found.place_at(position) or 0)

    def close(self) -> None:
        self._shown = None
        self.popover.hide()

    # The list

    def _at_caret(self) -> CandidateSet | None:
        if self._editor.previewing:
            return None
        return self._editor.report.candidates_at(self._editor.caret)

    def _open(self) -> CandidateSet | None:
        return self._shown if self.popover.isVisible() else None

    def _choose_and_close(self, index: int) -> None:
        if self._shown is not None:
            self._choose(self._shown, index)
            self.close()

    def _choose(self, chosen: CandidateSet, index: int) -> None:
        place = self._place if chosen is self._open() else chosen.place_at(self._editor.caret) or 0
        self._shown = None  # the report is about to change under it
        if not self._editor.choose(chosen, index):
            return
        now = next(s for s in self._editor.report.candidate_sets if s.number == chosen.number)
        faults = f" · {told(now.current.faults)}" if now.current.faults else ""
        self.happened.emit(f"Candidate {index + 1} of {len(now.candidates)}{faults}")
        self._show(now, place)

    def _show(self, candidate_set: CandidateSet, place: int) -> None:
        self._shown, self._place = candidate_set, place
        self._list(candidate_set)
        if may_be_sought(candidate_set):
            self.wanted.emit(candidate_set)

    def _list(self, candidate_set: CandidateSet) -> None:
        entries = list(choices(self._editor.report, candidate_set, self._place))
        seeking = candidate_set.number == self._sought
        self.popover.show_choices(title(candidate_set, seeking=seeking), entries)
        self._follow()

    def _follow(self) -> None:
        """Put the list at the fill, wherever that has been scrolled to; out of sight, close it."""
        if self._shown is None:
            return
        place, view = self._shown.places[self._place], self._editor.viewport()
        lines = [self._editor.rect_of(at) for at in (place.start, self._editor.caret, place.end)]
        in_sight = [line for line in lines if view.rect().intersects(line)]
        if not in_sight:
            self.close()
            return
        first, last = in_sight[0], in_sight[-1]
        last.moveLeft(first.left() if first.top() == last.top() else GUTTER)
        window = self._editor.window()
        if self.popover.parentWidget() is not window:
            self.popover.setParent(window)  # the editor alone may be too small for it
        shift = view.mapTo(window, QPoint(0, 0))
        room = QRect(shift.x(), 0, view.width(), window.height()).adjusted(GRID, GRID, -GRID, -GRID)
        self.popover.place(first.translated(shift), last.translated(shift), room)

    def _check(self) -> None:
        """Close the list where the report is not what it was made for; list what was added."""
        shown = self._shown
        if shown is None:
            return
        sets = self._editor.report.candidate_sets
        now = next((each for each in sets if each.number == shown.number), None)
        if self._editor.previewing or now is None:
            self.close()
        elif now is not shown and (now.places, now.chosen) == (shown.places, shown.chosen):
            self._shown = now
            self._list(now)
        elif now is not shown:
            self.close()

    # The marks

    def _difference_at(self, point: QPoint) -> DifferenceMark | None:
        position = self._editor.character_at(point)
        marks = self._editor.report.differences
        return next((m for m in marks if m.start <= position < m.end), None)

    def _fill_menu(self, menu: QMenu, point: QPoint) -> None:
        mark = self._difference_at(point)
        if mark is not None:
            menu.addSeparator()
            menu.addAction("Dismiss This Mark", partial(self._editor.report.dismiss, mark))

    def tip(self, point: QPoint) -> str:
        """What is said of the word at a point of the viewport, if it differs in candidates."""
        difference = self._difference_at(point)
        if difference is None:
            return ""
        return f"{difference.difference.told}\nClick to see the candidates."

    # Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if self._editor.previewing:
            return False
        if watched is self._editor:
            if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
                return self.popover.isVisible() and self._take_key(event)
            if isinstance(event, QFocusEvent) and event.type() == QEvent.Type.FocusOut:
                self._focus_lost(event)
            elif event.type() == QEvent.Type.Resize:
                self._follow()
        elif isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            return self._show_tip(event)
        elif isinstance(event, QMouseEvent):
            self._take_mouse(event)
        return False

    def _take_key(self, event: QKeyEvent) -> bool:
        """Keys that move in the list; any other closes it and does what it always does."""
        key = event.key()
        if key in (Qt.Key.Key_Alt, Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Meta):
            return False
        if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.close()
            return False
        match key:
            case Qt.Key.Key_Down:
                self.popover.move_highlight(1)
            case Qt.Key.Key_Up:
                self.popover.move_highlight(-1)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self.popover.choose_highlighted()
            case Qt.Key.Key_Escape:
                self.close()
            case _:
                self.close()
                return False
        return True

    def _take_mouse(self, event: QMouseEvent) -> None:
        if event.type() == QEvent.Type.MouseButtonPress:
            self.close()
        released = event.type() == QEvent.Type.MouseButtonRelease
        if not released or event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position().toPoint()
        difference = self._difference_at(point)
        if self._editor.textCursor().hasSelection():
            return  # words were selected, over a mark perhaps
        if difference is not None:
            self.show_at(difference.start)

    def _show_tip(self, event: QHelpEvent) -> bool:
        tip = self.tip(event.pos())
        if tip:
            QToolTip.showText(event.globalPos(), tip, self._editor.viewport())
        else:
            QToolTip.hideText()
        return bool(tip)

    def _focus_lost(self, event: QFocusEvent) -> None:
        passing = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if event.reason() not in passing:
            self.close()
