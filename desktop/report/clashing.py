"""Marks the clashes of a report while it is written, and leads from one to the next."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QMenu, QToolTip

from desktop.report.choosing import Choosing
from desktop.report.clash_note import ClashNote
from desktop.report.clashes import UNKNOWN, ReportClash, being_written, title
from desktop.report.dismissing import DismissDialog
from desktop.report.editor import ReportEditor
from desktop.report.mirror import GUTTER, difference
from desktop.theme import GRID
from radiology.language.spans import Span
from radiology.language.study import StudyFacts

PAUSE_MS: Final = 250
"""How long the reader's hands rest before the report is read."""

_SHARE: Final = 8
"""A long report is read after a pause of so many times what reading it takes."""


class Clashing(QObject):
    """The clashes of the report of an editor, marked at all their places."""

    changed = Signal()
    """The clashes are others."""

    happened = Signal(str)
    """Which clash was gone to, in a few words."""

    def __init__(self, editor: ReportEditor, choosing: Choosing) -> None:
        super().__init__(editor)
        self._editor = editor
        self._choosing = choosing
        self._study = UNKNOWN
        self._text = ""
        self._all: tuple[ReportClash, ...] = ()
        self._shown: tuple[ReportClash, ...] = ()
        self._current: tuple[ReportClash, Span] | None = None
        self._going = False
        self.note = ClashNote(editor)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self.read)
        editor.changed.connect(self._report_changed)
        editor.selection_changed.connect(self._selection_moved)
        editor.menu_opening.connect(self._fill_menu)
        editor.verticalScrollBar().valueChanged.connect(self.close)
        editor.installEventFilter(self)
        editor.viewport().installEventFilter(self)

    @property
    def clashes(self) -> tuple[ReportClash, ...]:
        """What is marked now."""
        return self._shown

    def set_study(self, study: StudyFacts) -> None:
        """Hold the report, which may be another one, against another study."""
        self._study = study
        self._current = None
        self.read()

    def read(self) -> None:
        """Read the report now, and mark what clashes."""
        self._timer.stop()
        began = time.monotonic()
        report = self._editor.report
        self._text = report.text
        self._all = report.clashes(self._study)
        self._timer.setInterval(max(PAUSE_MS, round(_SHARE * 1000 * (time.monotonic() - began))))
        self._mark()

    def all_now(self) -> tuple[ReportClash, ...]:
        """The clashes as the report stands, those in a sentence that is being typed too."""
        self.read()
        return self._all

    def _mark(self) -> None:
        """Mark all but what the reader is writing."""
        content, caret = self._editor.report.content, self._editor.caret
        busy = self._editor.hasFocus() and self._current is None
        shown = tuple(
            clash for clash in self._all if not (busy and being_written(content, clash, caret))
        )
        changed = shown != self._shown
        self._shown = shown
        if self._current is not None and self._current[0] not in shown:
            self.close()
        self._draw()
        if changed:
            self.changed.emit()

    def _draw(self) -> None:
        current = self._current[0].places if self._current is not None else ()
        places = [place for clash in self._shown for place in clash.places]
        self._editor.outline(places, {place.start for place in current})

    # The report changes

    def _report_changed(self) -> None:
        """Until the report is read again the marks move with their words, or go with them."""
        before, self._text = self._text, self._editor.report.text
        if before != self._text:
            start, end, text = difference(before, self._text)
            shift = len(text) - (end - start)
            self._all = tuple(_moved(self._all, start, end, shift))
            self._shown = tuple(_moved(self._shown, start, end, shift))
            self.close()
        self._timer.start()

    def _selection_moved(self) -> None:
        if not self._going:
            self.close()
        if any(clash.of_form for clash in self._all):
            self._timer.start()

    # From clash to clash

    def go(self, by: int) -> None:
        """Go to the next (1) or the previous (-1) place that clashes, round the report."""
        self.read()
        stops = sorted(
            ((place, clash) for clash in self._all for place in clash.places),
            key=lambda stop: (stop[0], self._all.index(stop[1])),
        )
        if not stops:
            self.happened.emit("Nothing clashes in the report")
            return
        here = (self._current[1], self._current[0]) if self._current is not None else None
        if here in stops:
            index = (stops.index(here) + by) % len(stops)
        else:
            start, end = self._editor.selection()
            ahead = [n for n, (place, _) in enumerate(stops) if place.start >= end]
            behind = [n for n, (place, _) in enumerate(stops) if place.start < start]
            index = (ahead or [0])[0] if by > 0 else (behind or [-1])[-1]
        place, clash = stops[index]
        self.go_to(clash, place)

    def go_to(self, clash: ReportClash, place: Span | None = None) -> None:
        """Select a place of a clash, the first without another word, and say why it clashes."""
        place = place or clash.places[0]
        self._going = True
        self._current = clash, place
        self._editor.setFocus()
        self._editor.select(*place)
        self._editor.ensureCursorVisible()
        self._going = False
        self._mark()
        number, count = self._all.index(clash) + 1, len(self._all)
        head = f"Clash {number} of {count} · {title(clash)}"
        self._tell(head, clash.why)
        self.happened.emit(head)

    def _tell(self, head: str, why: str) -> None:
        assert self._current is not None
        place = self._current[1]
        view, window = self._editor.viewport(), self._editor.window()
        if self.note.parentWidget() is not window:
            self.note.setParent(window)  # the editor alone may be too small for it
        shift = view.mapTo(window, QPoint(0, 0))
        first, last = self._editor.rect_of(place.start), self._editor.rect_of(place.end)
        line = QRect(first.topLeft(), last.bottomRight()).normalized().translated(shift)
        if first.top() != last.top():
            line.setLeft(shift.x() + GUTTER)
        room = QRect(shift, view.size()).adjusted(GRID, GRID, -GRID, -GRID)
        self.note.tell(head, why, line, room)

    def close(self) -> None:
        """Put the note away."""
        self.note.hide()
        if self._current is not None:
            self._current = None
            self._draw()

    # Dismissing

    @property
    def here(self) -> ReportClash | None:
        """The clash that was gone to, else one at the caret."""
        if self._current is not None:
            return self._current[0]
        return self._at(self._editor.caret)

    def ask_to_dismiss(self, clash: ReportClash | None = None) -> DismissDialog | None:
        """Ask why a clash may stand, without another word the one that is here."""
        clash = clash or self.here
        if clash is None or self._editor.locked:
            return None
        dialog = DismissDialog(self._editor.window(), clash, partial(self._dismiss, clash))
        dialog.open()
        return dialog

    def _dismiss(self, clash: ReportClash, reason: str) -> None:
        self.close()
        if not self._editor.locked:
            self._editor.report.dismiss_clash(clash, reason)
            self.read()
            self.happened.emit("Clash dismissed; Ctrl+Z brings it back")

    def _at(self, position: int) -> ReportClash | None:
        return next(
            (c for c in self._shown if any(low <= position <= high for low, high in c.places)), None
        )

    def _at_point(self, point: QPoint) -> list[ReportClash]:
        """The clashes of the words at a point of the viewport, or of the line beside it."""
        if self._editor.previewing:
            return []
        if point.x() >= GUTTER:
            at = self._editor.character_at(point)
            return [c for c in self._shown if any(low <= at < high for low, high in c.places)]
        return [
            clash
            for clash in self._shown
            for low, _ in clash.places
            if (line := self._editor.rect_of(low)).top() <= point.y() <= line.bottom()
        ]

    def _fill_menu(self, menu: QMenu, point: QPoint) -> None:
        for clash in dict.fromkeys(self._at_point(point)):
            menu.addSeparator()
            menu.addAction(f"Dismiss Clash ({title(clash)})…", partial(self.ask_to_dismiss, clash))

    # Qt

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._editor:
            if event.type() == QEvent.Type.FocusOut:
                self._timer.start()
            if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
                return self._take_key(event)
        elif isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            return self._show_tip(event)
        elif isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonRelease:
            point = event.position().toPoint()
            if point.x() < GUTTER and (found := self._at_point(point)):
                low = [p for p in found[0].places if self._is_beside(p, point)]
                self.go_to(found[0], low[0] if low else None)
        return False

    def _take_key(self, event: QKeyEvent) -> bool:
        """Esc puts the note away."""
        if event.key() != Qt.Key.Key_Escape or not self.note.isVisible():
            return False
        self.close()
        return True

    def _is_beside(self, place: Span, point: QPoint) -> bool:
        line = self._editor.rect_of(place.start)
        return line.top() <= point.y() <= line.bottom()

    def _show_tip(self, event: QHelpEvent) -> bool:
        """Why the words clash; and how they differ in other candidates, where they do."""
        found = dict.fromkeys(self._at_point(event.pos()))
        if not found:
            return False
        lines = [f"{title(clash)}: {clash.why}" for clash in found]
        if tip := self._choosing.tip(event.pos()):
            lines.append(tip)
        QToolTip.showText(event.globalPos(), "\n".join(lines), self._editor.viewport())
        return True


def _moved(clashes: tuple[ReportClash, ...], start: int, end: int, shift: int) -> list[ReportClash]:
    """The clashes that an edit of ``start:end`` leaves alone, at where they stand behind it."""
    moved: list[ReportClash] = []
    for clash in clashes:
        places: list[Span] = []
        for low, high in clash.places:
            if high <= start:
                places.append(Span(low, high))
            elif low >= end:
                places.append(Span(low + shift, high + shift))
        if len(places) == len(clash.places):
            moved.append(clash.at(tuple(places)))
    return moved
