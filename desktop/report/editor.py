"""The editor: a view on a :class:`~desktop.report.model.Report`.

The report is the truth. The reader's keys change Qt's document, the editor reads off what changed
and tells the report, and the document is then made to show what the report says. Undo is the
report's own. A draft that is being denoised plays in a second document; the first is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QTextCursor,
)
from PySide6.QtWidgets import QMenu, QWidget

from desktop.report.edits import belongs_behind_a_space, whole_words
from desktop.report.mirror import GUTTER, RIGHT, TOP, Mirror, difference, replacement
from desktop.report.model import GAP_CHAR, CandidateSet, Origin, Plan, Report, clean
from desktop.report.page import ReportPage
from desktop.report.picture import picture, preview
from desktop.report.utf16 import Utf16
from desktop.widgets.alt_keys import is_alt_letter
from inference.protocol import Candidate, Canvas

PLACEHOLDER: Final = (
    "Press Draft to let the model write from the image, or start typing. What you type stays."
)
TYPED_STAYS: Final = "What you typed stays pinned: the model never changes it."
HEADINGS_STAY: Final = "Headings stay pinned: they tell the sections apart."

_TAB_KEYS: Final = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
_REDO_KEYS: Final = (QKeySequence("Ctrl+Shift+Z"), QKeySequence("Ctrl+Y"))


BeforeCopying = Callable[[tuple[int, int], Callable[[], None]], None]


class ReportEditor(ReportPage):
    """Shows and edits a report. Offsets are code points."""

    changed = Signal()
    """The report changed, whoever did it. Setting another report is no change."""

    selection_changed = Signal()
    pin_refused = Signal(str)
    """A sentence that says why something stayed pinned."""

    keys_refused = Signal(str)
    """Why nothing was typed, pasted or changed just now."""

    menu_opening = Signal(QMenu, QPoint)
    """The context menu and where in the viewport it was asked for, to add to it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._preview = self.add_mirror()
        self._plan: Plan | None = None
        self._cursor_before = QTextCursor()
        self._locked_for = ""
        self._from_keys = False
        self._replaced: tuple[int, int] | None = None  # by the event that is being handled
        self.before_copying: BeforeCopying = lambda _places, copy: copy()
        """Called with the selection and with what copies it, which it may put off."""
        self._report = Report()
        self._leave: Callable[[], None] = self._report.subscribe(self._show_report)

        self.setAccessibleName("Report")
        self.setAccessibleDescription(PLACEHOLDER)
        self._mirror.document.contentsChanged.connect(self._read_keys)
        self.cursorPositionChanged.connect(self._selection_moved)
        self.selectionChanged.connect(self._selection_moved)

    # The report

    @property
    def report(self) -> Report:
        return self._report

    def set_report(self, report: Report) -> None:
        """Show another report, from its top."""
        self.end_preview()
        self._leave()
        self._report = report
        self._leave = report.subscribe(self._show_report)
        self._mirror.show(picture(report))
        self._put_caret(0)
        self.verticalScrollBar().setValue(0)
        self.viewport().update()
        self.selection_changed.emit()

    def selection(self) -> tuple[int, int]:
        """The selected characters ``(start, end)``; both are the caret where none are."""
        cursor = self._cursor_before if self.previewing else self.textCursor()
        index = self._mirror.index
        return index.point(cursor.selectionStart()), index.point(cursor.selectionEnd())

    @property
    def caret(self) -> int:
        cursor = self._cursor_before if self.previewing else self.textCursor()
        return self._mirror.index.point(cursor.position())

    def rect_of(self, position: int) -> QRect:
        """Where the caret would be at ``position``, in pixels of the viewport."""
        cursor = QTextCursor(self._mirror.document)
        cursor.setPosition(self._mirror.index.units(position))
        return self.cursorRect(cursor)

    def character_at(self, point: QPoint) -> int:
        """The character that is drawn at ``point`` of the viewport; -1 where there is none."""
        at = QPointF(point) + QPointF(0, self.verticalScrollBar().value())
        layout = self.document().documentLayout()
        units = layout.hitTest(at, Qt.HitTestAccuracy.ExactHit)
        return self._mirror.index.point(units) if units >= 0 and not self.previewing else -1

    def outline(self, places: Iterable[tuple[int, int]], current: Container[int] = ()) -> None:
        """Draw a line around places that clash, a thick one around those that begin ``current``."""
        self._mirror.outline(places, current)
        self.viewport().update()

    def select(self, start: int, end: int) -> None:
        """Select ``start:end`` and leave the caret at ``end``."""
        if not self.previewing:
            self._put_caret(end, anchor=start)

    # Commands. While a draft plays or the editor is locked, none of them does anything.

    @property
    def locked(self) -> bool:
        return self._plan is not None or bool(self._locked_for)

    def lock(self, reason: str) -> None:
        """Take nothing until :meth:`unlock`; what is tried meanwhile is refused with ``reason``."""
        self._locked_for = reason
        self.setReadOnly(True)

    def unlock(self) -> None:
        self._locked_for = ""
        self.setReadOnly(self.locked)

    def pin_selection(self) -> None:
        """Pin what is selected, else the word at the caret."""
        if not self._refuses():
            self._report.pin(*self._selected_words())

    def unpin_selection(self) -> None:
        """Unpin whole words as they are pinned; typed text and headings stay."""
        if self._refuses():
            return
        skipped = self._report.unpin(*self._selected_words())
        if Origin.TYPED in skipped:
            self.pin_refused.emit(TYPED_STAYS)
        elif skipped:
            self.pin_refused.emit(HEADINGS_STAY)

    def insert_gap(self, *, tokens: int | None = None) -> None:
        """Put a gap mark in place of the selection, else at the caret."""
        if not self._refuses():
            start, end = gap_place(self._report.text, *self.selection())
            self._report.replace_by_gap(start, end, tokens)

    def undo(self) -> None:
        if not self._refuses():
            self._report.undo()

    def redo(self) -> None:
        if not self._refuses():
            self._report.redo()

    def _refuses(self) -> bool:
        """Whether nothing may change now; says why where that is not plain to see."""
        if self._locked_for:
            self.keys_refused.emit(self._locked_for)
        return self.locked

    def copy_plain_text(self) -> str:
        """Put the whole report on the clipboard, without marks, and return it."""
        text = self._report.plain_text()
        QGuiApplication.clipboard().setText(text)
        return text

    def copy_selection(self) -> None:
        """Put what is selected on the clipboard, once :attr:`before_copying` lets it."""
        start, end = self.selection()
        if self.previewing:
            self.copy()
        elif start != end:
            self.before_copying((start, end), self.copy)

    # The model at work

    @property
    def previewing(self) -> bool:
        return self._plan is not None

    def start_preview(self, plan: Plan) -> None:
        """Lock the report and show it with the holes of ``plan`` in place of what stood there."""
        self.end_preview()
        self._cursor_before = self.textCursor()
        self._plan = plan
        self._preview.show(preview(self._report.content, plan))
        self._swap(self._preview)
        self.setReadOnly(True)
        self.selection_changed.emit()

    def show_preview(self, canvas: Canvas) -> None:
        """Show the draft of ``canvas`` in the holes; nothing unless a preview was started."""
        if self._plan is not None:
            self._preview.show(preview(self._report.content, self._plan, canvas))

    def end_preview(self) -> None:
        """Show the report itself again, at the same place."""
        if self._plan is None:
            return
        self._plan = None
        self.setReadOnly(self.locked)
        self._swap(self._mirror, self._cursor_before)
        self.selection_changed.emit()

    def take_candidates(self, plan: Plan, candidates: Sequence[Candidate]) -> None:
        """End the preview and take the first candidate as one edit, the others to choose from.

        Raises as :meth:`Report.apply_candidates` does.
        """
        self.end_preview()
        with self._holding_still():
            self._report.apply_candidates(plan, candidates)

    def choose(self, candidate_set: CandidateSet, index: int) -> bool:
        """Put another candidate in place, as :meth:`Report.choose` does."""
        if self._refuses():
            return False
        with self._holding_still():
            return self._report.choose(candidate_set, index, self.caret)

    @contextmanager
    def _holding_still(self) -> Iterator[None]:
        """The reader's eyes stay where they are."""
        at = self.verticalScrollBar().value()
        yield
        self.verticalScrollBar().setValue(at)

    def _swap(self, mirror: Mirror, cursor: QTextCursor | None = None) -> None:
        at = self.verticalScrollBar().value()
        self.show_mirror(mirror)
        if cursor is not None:
            self.setTextCursor(cursor)
        self.verticalScrollBar().setValue(at)
        self.viewport().update()

    # Between the document and the report

    def _read_keys(self) -> None:
        """Tell the report what the reader's keys did to the document."""
        if self._mirror.busy:
            return
        text = self._mirror.raw_text()
        caret = Utf16(text).point(self.textCursor().position())
        start, end, text = self._change_to(text, caret)
        if start == end and not text:
            return
        spaced = start == end and belongs_behind_a_space(self._report.content, start, text)
        self._from_keys = True
        try:
            self._report.replace(start, end, f" {text}" if spaced else text)
        finally:
            self._from_keys = False
        if self._mirror.raw_text() != self._report.text:  # cleaned, it was no change
            self._mirror.show(picture(self._report))
        if spaced:
            self._put_caret(start + 1 + len(text))

    def _change_to(self, text: str, caret: int) -> tuple[int, int, str]:
        """What makes ``text`` of the report, as :func:`difference` gives it.

        What was put over a selection is new from end to end, like letters too.
        """
        if self._replaced is not None:
            (start, end), self._replaced = self._replaced, None
            inserted = replacement(self._report.text, text, start, end)
            if inserted is not None:
                return start, end, inserted
        return difference(self._report.text, text, caret)

    def _show_report(self) -> None:
        if self._mirror.show(picture(self._report)) and not self._from_keys:
            self._put_caret(self._report.caret)
        self.viewport().update()
        self.changed.emit()

    def _put_caret(self, caret: int, anchor: int | None = None) -> None:
        cursor = QTextCursor(self._mirror.document)
        cursor.setPosition(self._mirror.index.units(caret if anchor is None else anchor))
        if anchor is not None:
            cursor.setPosition(self._mirror.index.units(caret), QTextCursor.MoveMode.KeepAnchor)
        if self.previewing:
            self._cursor_before = cursor
        else:
            self.setTextCursor(cursor)

    def _selected_words(self) -> tuple[int, int]:
        start, end = self.selection()
        if start != end:
            return whole_words(self._report.text, start, end)
        word = self.textCursor()
        word.select(QTextCursor.SelectionType.WordUnderCursor)
        index = self._mirror.index
        return index.point(word.selectionStart()), index.point(word.selectionEnd())

    def _selection_moved(self) -> None:
        if not self.previewing and not self._mirror.busy:
            self.selection_changed.emit()

    def _go_to_gap(self, *, forward: bool) -> bool:
        """Select the gap behind the selection, or before it; ``False`` where there is none."""
        if self.previewing:
            return False
        (start, end), gaps = self.selection(), [gap.position for gap in self._report.gaps]
        found = [at for at in gaps if (at >= end if forward else at < start)]
        if found:
            at = found[0] if forward else found[-1]
            self.select(at, at + 1)
            self.ensureCursorVisible()
        return bool(found)

    # Qt

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes from gap to gap, and on to the next part of the window behind the last."""
        return self._go_to_gap(forward=forward) or super().focusNextPrevChild(forward)

    def paint_beside(self, painter: QPainter) -> None:
        if not self.previewing and self.document().isEmpty():
            self._paint_placeholder(painter)

    def _paint_placeholder(self, painter: QPainter) -> None:
        column = QRectF(
            GUTTER, TOP, self.lineWrapColumnOrWidth() - GUTTER - RIGHT, self.viewport().height()
        )
        painter.setFont(self.document().defaultFont())
        painter.setPen(QColor(self._colors.soft))
        painter.drawText(column, Qt.TextFlag.TextWordWrap, PLACEHOLDER)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._locked_for and _would_change(event):
            self.keys_refused.emit(self._locked_for)
        elif event.matches(QKeySequence.StandardKey.Undo):
            self.undo()
        elif event.matches(QKeySequence.StandardKey.Redo) or (
            QKeySequence(event.keyCombination()) in _REDO_KEYS
        ):
            self.redo()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
        elif event.key() in _TAB_KEYS:  # with Ctrl: without, Tab does not come here
            super().focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
        elif is_alt_letter(event):
            event.ignore()
        else:
            start, end = self.selection()
            self._replaced = (start, end) if start != end else None
            super().keyPressEvent(event)
            self._replaced = None

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """A commit replaces the selection and what the event names around it, in UTF-16 units."""
        if self._locked_for:
            self.keys_refused.emit(self._locked_for)
            event.ignore()
            return
        cursor, index = self.textCursor(), self._mirror.index
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        low = start + event.replacementStart()
        high = end + event.replacementStart() + event.replacementLength()
        one_range = start == end or low <= start <= end <= high
        if event.commitString() and 0 <= low < high and one_range:
            self._replaced = index.point(low), index.point(high)
        super().inputMethodEvent(event)
        self._replaced = None

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The usual entries, then the actions that were added to the editor."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        locked, chosen = self.locked, self.textCursor().hasSelection()
        for entry in (
            ("Undo", self.undo, not locked and self._report.can_undo),
            ("Redo", self.redo, not locked and self._report.can_redo),
            None,
            ("Cut", self.cut, not locked and chosen),
            ("Copy", self.copy_selection, chosen),
            ("Paste", self.paste, self.canPaste()),
            ("Select all", self.selectAll, not self.document().isEmpty()),
        ):
            if entry is None:
                menu.addSeparator()
                continue
            name, run, enabled = entry
            menu.addAction(name, run).setEnabled(enabled)
        if self.actions():
            menu.addSeparator()
            menu.addActions(self.actions())
        by_mouse = event.reason() == QContextMenuEvent.Reason.Mouse
        point = event.pos() if by_mouse else self.rect_of(self.caret).center()
        self.menu_opening.emit(menu, point)
        menu.popup(event.globalPos())

    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        chosen = self.textCursor().selectedText()
        data.setText(chosen.replace("\u2029", "\n").replace(GAP_CHAR, ""))
        return data

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return source.hasText()

    def insertFromMimeData(self, source: QMimeData) -> None:
        if source.hasText() and not self.isReadOnly():
            (start, end), text = self.selection(), clean(source.text())
            self._report.replace(start, end, text)
            self._put_caret(start + len(text))  # also where the text is the same as before
            self.ensureCursorVisible()


_CHANGING_KEYS: Final = (
    QKeySequence.StandardKey.Paste,
    QKeySequence.StandardKey.Cut,
    QKeySequence.StandardKey.Undo,
    QKeySequence.StandardKey.Redo,
    QKeySequence.StandardKey.Delete,
    QKeySequence.StandardKey.Backspace,
    QKeySequence.StandardKey.DeleteStartOfWord,
    QKeySequence.StandardKey.DeleteEndOfWord,
)


def _would_change(event: QKeyEvent) -> bool:
    """Whether a key is one that types, pastes or takes away."""
    typed = event.text() and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
    return bool(typed and event.key() != Qt.Key.Key_Escape) or any(
        event.matches(key) for key in _CHANGING_KEYS
    )


def gap_place(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a gap for ``start:end`` goes: the space before the next word stays with that word.

    Else a fill would have to end in a space, which no word of the model's does.
    """
    before, after = text[max(start - 2, 0) : start], text[start : start + 1]
    if start == end and len(before) == 2 and before[1] == " " and not before[0].isspace():
        at_word = bool(after.strip()) and after != GAP_CHAR
        return (start - 1, start - 1) if at_word else (start, end)
    while start < end and text[end - 1] == " ":
        end -= 1
    return start, end
