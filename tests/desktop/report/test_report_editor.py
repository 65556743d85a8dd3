"""The editor at the keyboard and the mouse: the document always shows what the report says."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QEvent, QMimeData, QPoint, Qt
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QGuiApplication,
    QInputMethodEvent,
    QKeyEvent,
    QTextCursor,
)
from PySide6.QtTest import QSignalSpy, QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QWidget

from desktop.report.editor import (
    HEADINGS_STAY,
    PLACEHOLDER,
    TYPED_STAYS,
    ReportEditor,
    gap_place,
)
from desktop.report.model import GAP_CHAR, GapMark, Origin, Report, StaleReport
from desktop.report.page import POINT_SIZE
from desktop.report.pill import GAP_OBJECT, TOKENS
from desktop.widgets.alt_keys import is_alt_letter
from desktop.widgets.ask_bar import AskBar
from inference.protocol import Candidate, Canvas, Run

DRAFT = "FINDINGS:\nThe heart is enlarged. No effusion.\n\nIMPRESSION:\nCardiomegaly."


@pytest.fixture
def editor(qapp: QApplication) -> Iterator[ReportEditor]:
    editor = ReportEditor()
    editor.resize(500, 400)
    editor.show()
    yield editor
    assert editor._mirror.raw_text() == editor.report.text
    editor.close()
    editor.deleteLater()


def drafted(text: str = DRAFT) -> Report:
    report = Report()
    report.apply(report.pieces_for_draft(), [text])
    return report


def shown(editor: ReportEditor) -> str:
    """The text of whichever document is on the screen."""
    return editor.document().toRawText().replace("\u2029", "\n")


def select(editor: ReportEditor, words: str) -> None:
    start = editor.report.text.index(words)
    editor.select(start, start + len(words))


def put_caret(editor: ReportEditor, after: str) -> None:
    at = editor.report.text.index(after) + len(after)
    editor.select(at, at)


def words_of(report: Report, origin: Origin) -> list[str]:
    return [report.text[s.start : s.end] for s in report.spans if s.origin is origin]


def canvas(*gaps: tuple[Run, ...], step: int = 1) -> Canvas:
    return Canvas("job", step, 48, 128, 0.0, gaps)


def press(editor: ReportEditor, *keys: str) -> None:
    for key in keys:
        QTest.keySequence(editor, key)


def test_what_is_typed_is_typed_and_pinned(editor: ReportEditor) -> None:
    QTest.keyClicks(editor, "Heart normal.")
    press(editor, "Return")
    QTest.keyClicks(editor, "ok")
    assert editor.report.text == "Heart normal.\nok"
    assert words_of(editor.report, Origin.TYPED) == ["Heart normal.\nok"]


def test_typing_into_a_word_of_the_model(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    put_caret(editor, "No eff")
    QTest.keyClicks(editor, "ff")
    assert words_of(editor.report, Origin.TYPED) == ["ff"]
    assert words_of(editor.report, Origin.EDITED) == ["eff", "usion"]


def test_the_caret_tells_like_letters_apart(editor: ReportEditor) -> None:
    """An l typed before another l is the first of the two, as the report sees it."""
    editor.set_report(drafted("all"))
    editor.select(1, 1)
    QTest.keyClicks(editor, "l")
    assert [(s.start, s.end) for s in editor.report.spans if s.origin is Origin.TYPED] == [(1, 2)]
    press(editor, "Backspace")
    assert words_of(editor.report, Origin.TYPED) == []
    QTest.keyClicks(editor, "l")
    editor.select(1, 1)
    press(editor, "Delete")
    assert words_of(editor.report, Origin.TYPED) == []


def test_a_change_away_from_the_caret_is_read_right(editor: ReportEditor) -> None:
    """Screen readers edit through cursors of their own."""
    editor.set_report(drafted("No effusion. Clear."))
    editor.select(19, 19)
    cursor = QTextCursor(editor.document())
    cursor.setPosition(3)
    cursor.insertText("large ")
    assert words_of(editor.report, Origin.TYPED) == ["large "]


def test_keys_that_erase(editor: ReportEditor) -> None:
    editor.set_report(drafted("one two three four"))
    editor.select(18, 18)
    press(editor, "Ctrl+Backspace", "Home", "Delete", "Ctrl+Delete")
    assert editor.report.text == "two three "
    select(editor, "two ")
    press(editor, "Ctrl+X")
    assert editor.report.text == "three "
    press(editor, "Ctrl+A", "Delete")
    assert editor.report.text == ""


def test_a_line_break_put_over_a_line_break_changes_nothing(editor: ReportEditor) -> None:
    QTest.keyClicks(editor, "ab")
    press(editor, "Left")
    press(editor, "Return")
    before = editor.report.revision
    press(editor, "Shift+Left")
    press(editor, "Shift+Return")
    assert editor.report.revision == before
    assert shown(editor) == "a\nb"


def test_shift_return_is_a_line_break_like_any_other(editor: ReportEditor) -> None:
    QTest.keyClicks(editor, "a")
    press(editor, "Shift+Return")
    QTest.keyClicks(editor, "b")
    assert editor.report.text == "a\nb"
    assert shown(editor) == "a\nb"


def test_astral_characters_are_counted_as_one(editor: ReportEditor) -> None:
    report = drafted("🫁 lungs 𝒳 clear.")
    editor.set_report(report)
    select(editor, "lungs")
    assert editor.selection() == (2, 7)
    editor.pin_selection()
    assert [report.text[s.start : s.end] for s in report.spans if s.pinned] == ["lungs"]
    put_caret(editor, "𝒳")
    QTest.keyClicks(editor, "y")
    assert report.text == "🫁 lungs 𝒳y clear."
    press(editor, "Backspace", "Backspace")
    assert report.text == "🫁 lungs  clear."
    editor.undo()
    assert report.text == "🫁 lungs 𝒳y clear."


def test_paste_takes_plain_text_and_no_marks(editor: ReportEditor) -> None:
    data = QMimeData()
    data.setHtml("<b>bold</b>")
    data.setText(f"a\r\nb{GAP_CHAR}\u2028c 🫁")
    QGuiApplication.clipboard().setMimeData(data)
    press(editor, "Ctrl+V")
    assert editor.report.text == "a\nb\ufffd\nc 🫁"
    assert editor.report.gaps == ()
    press(editor, "Ctrl+Z")
    assert editor.report.text == ""


def test_copying_leaves_gap_marks_out(editor: ReportEditor) -> None:
    editor.set_report(drafted("ab"))
    editor.select(1, 1)
    editor.insert_gap()
    press(editor, "Ctrl+A", "Ctrl+C")
    assert QGuiApplication.clipboard().text() == "ab"
    QGuiApplication.clipboard().setText("")
    assert editor.copy_plain_text() == "ab"
    assert QGuiApplication.clipboard().text() == "ab"


def test_text_of_an_input_method(editor: ReportEditor) -> None:
    editor.set_report(drafted("No effusion."))
    editor.select(12, 12)
    QApplication.sendEvent(editor, QInputMethodEvent("xiong", []))
    assert editor.report.text == "No effusion."
    commit(editor, "胸水")
    assert editor.report.text == "No effusion.胸水"
    assert words_of(editor.report, Origin.TYPED) == ["胸水"]


def paste(editor: ReportEditor, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    press(editor, "Ctrl+V")


def commit(editor: ReportEditor, text: str, start: int = 0, length: int = 0) -> None:
    """What an input method sends in the end; it may replace ``length`` units at ``start``."""
    event = QInputMethodEvent()
    event.setCommitString(text, start, length)
    QApplication.sendEvent(editor, event)


def type_keys(editor: ReportEditor, text: str) -> None:
    QTest.keyClicks(editor, text)


@pytest.mark.parametrize("put", [paste, commit])
@pytest.mark.parametrize("text", ["No large effusion.", "No pleural effusion.", "No"])
def test_all_that_is_put_over_a_selection_is_typed(
    editor: ReportEditor, put: Callable[[ReportEditor, str], None], text: str
) -> None:
    editor.set_report(drafted("Heart normal. No pleural effusion. Lungs clear."))
    before = editor.report.content
    select(editor, "No pleural effusion.")
    put(editor, text)
    assert editor.report.text == f"Heart normal. {text} Lungs clear."
    assert words_of(editor.report, Origin.TYPED) == [text]
    assert editor.selection() == (14 + len(text), 14 + len(text))
    press(editor, "Ctrl+Z")
    assert editor.report.content == before
    press(editor, "Ctrl+Y")
    assert words_of(editor.report, Origin.TYPED) == [text]


def test_a_letter_typed_over_a_like_letter_is_typed(editor: ReportEditor) -> None:
    editor.set_report(drafted("No effusion."))
    select(editor, "eff")
    QTest.keyClicks(editor, "e")
    assert words_of(editor.report, Origin.TYPED) == ["e"]
    assert editor.report.text == "No eusion."


def test_what_an_input_method_replaces_is_typed(editor: ReportEditor) -> None:
    """An accent menu, an autocorrection: the words before the caret are given anew."""
    editor.set_report(drafted("🫁 No effusion."))
    put_caret(editor, "No")
    commit(editor, "Now", -2, 2)
    assert editor.report.text == "🫁 Now effusion."
    assert words_of(editor.report, Origin.TYPED) == ["Now"]


def test_composing_over_a_selection_types_all_that_is_committed(editor: ReportEditor) -> None:
    editor.set_report(drafted("No large effusion."))
    select(editor, "large")
    QApplication.sendEvent(editor, QInputMethodEvent("lar", []))
    commit(editor, "large")
    assert editor.report.text == "No large effusion."
    assert words_of(editor.report, Origin.TYPED) == ["large"]


def test_pasting_over_a_selection_leaves_other_gaps_alone(editor: ReportEditor) -> None:
    editor.set_report(drafted("one two three"))
    put_caret(editor, "three")
    editor.insert_gap(tokens=4)
    select(editor, "two")
    paste(editor, "two")
    assert editor.report.gaps == (GapMark(13, 4),)
    assert words_of(editor.report, Origin.TYPED) == ["two"]


@pytest.fixture(scope="module")
def lasting_editor(qapp: QApplication) -> Iterator[ReportEditor]:
    """For the many examples of one test."""
    editor = ReportEditor()
    editor.show()
    yield editor
    editor.close()
    editor.deleteLater()


FEW_LETTERS = st.text("ab .\n5🫁", max_size=8)


@settings(max_examples=150)
@given(
    FEW_LETTERS,
    FEW_LETTERS.filter(bool),
    FEW_LETTERS,
    FEW_LETTERS,
    st.sampled_from([paste, commit, type_keys]),
)
def test_the_whole_of_a_replaced_selection_is_pinned(
    lasting_editor: ReportEditor,
    before: str,
    chosen: str,
    after: str,
    text: str,
    put: Callable[[ReportEditor, str], None],
) -> None:
    if put is type_keys:
        text = text.replace("\n", "").replace("🫁", "")  # no keys
    if put is not paste and not chosen and before.endswith(".") and text[:1].isalpha():
        return  # behind the model's full stop a space comes along
    editor = lasting_editor
    editor.set_report(drafted(before + chosen + after))
    editor.select(len(before), len(before) + len(chosen))
    put(editor, text)
    if not text and put is not paste:
        return
    assert shown(editor) == editor.report.text == before + text + after
    fresh = editor.report.content.clip(len(before), len(before) + len(text))
    assert {(span.origin, span.pinned) for span in fresh} <= {(Origin.TYPED, True)}


def test_undo_and_redo_are_the_report_s_own(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    select(editor, "enlarged")
    editor.pin_selection()
    editor.insert_gap()
    put_caret(editor, "heart")
    QTest.keyClicks(editor, " itself")  # two steps: the space ends a word
    assert not editor.document().isUndoRedoEnabled()
    states = [editor.report.content]
    for _ in range(5):
        press(editor, "Ctrl+Z")
        states.append(editor.report.content)
        assert shown(editor) == editor.report.text
    assert editor.report.text == ""
    for state in reversed(states[:-1]):
        press(editor, "Ctrl+Shift+Z")
        assert editor.report.content == state


def test_undo_puts_the_caret_where_the_change_was(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    put_caret(editor, "heart")
    QTest.keyClicks(editor, "s")
    editor.select(0, 0)
    press(editor, "Ctrl+Z")
    assert editor.selection() == (19, 19)


def test_pinning_keeps_the_selection(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    select(editor, "enlarged")
    chosen = editor.selection()
    editor.pin_selection()
    assert editor.selection() == chosen
    editor.unpin_selection()
    assert editor.selection() == chosen


def test_without_a_selection_the_word_at_the_caret_is_pinned(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    put_caret(editor, "enl")
    editor.pin_selection()
    pinned = [s for s in editor.report.spans if s.pinned and s.origin is Origin.GENERATED]
    assert [editor.report.text[s.start : s.end] for s in pinned] == ["enlarged"]


@pytest.mark.parametrize(("words", "sentence"), [("Typed.", TYPED_STAYS), ("FIND", HEADINGS_STAY)])
def test_what_cannot_be_unpinned_is_said(editor: ReportEditor, words: str, sentence: str) -> None:
    report = drafted()
    report.insert(len(report.text), " Typed.")
    editor.set_report(report)
    refused = QSignalSpy(editor.pin_refused)
    select(editor, words)
    before = report.content
    editor.unpin_selection()
    assert [refused.at(0)[0]] == [sentence]
    assert report.content is before


def test_a_gap_is_a_pill_with_its_length(editor: ReportEditor) -> None:
    editor.set_report(drafted("Heart is big."))
    select(editor, "big")
    editor.insert_gap(tokens=12)
    assert editor.report.gaps == (GapMark(9, 12),)
    cursor = QTextCursor(editor.document())
    cursor.setPosition(10)
    assert cursor.charFormat().objectType() == GAP_OBJECT
    assert cursor.charFormat().property(TOKENS) == 12
    editor.undo()
    assert editor.report.text == "Heart is big."


@pytest.mark.parametrize(
    ("text", "start", "end", "place"),
    [
        ("is big", 3, 3, (2, 2)),  # at a word: the space goes behind the gap
        ("is big", 2, 2, (2, 2)),
        ("is ", 3, 3, (3, 3)),  # nothing follows that would need the space
        ("is  big", 4, 4, (4, 4)),
        (" big", 1, 1, (1, 1)),
        ("big", 0, 0, (0, 0)),
        ("is big now", 3, 7, (3, 6)),  # a word selected with the space behind it
    ],
)
def test_a_gap_leaves_the_space_to_the_word_behind_it(
    text: str, start: int, end: int, place: tuple[int, int]
) -> None:
    assert gap_place(text, start, end) == place


def test_the_menu_offers_what_can_be_done(editor: ReportEditor) -> None:
    def entries() -> dict[str, QAction]:
        where = QPoint(60, 40)
        event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, where, where)
        QApplication.sendEvent(editor.viewport(), event)
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        menu.hide()
        return {action.text(): action for action in menu.actions() if action.text()}

    editor.addAction(QAction("Pin", editor))
    assert not entries()["Undo"].isEnabled()
    QTest.keyClicks(editor, "word")
    found = entries()
    assert list(found) == ["Undo", "Redo", "Cut", "Copy", "Paste", "Select all", "Pin"]
    found["Undo"].trigger()
    assert editor.report.text == ""
    entries()["Redo"].trigger()
    entries()["Select all"].trigger()
    assert editor.selection() == (0, 4)
    entries()["Cut"].trigger()
    assert editor.report.text == ""


def test_typing_beside_a_pill_makes_letters(editor: ReportEditor) -> None:
    editor.insert_gap()
    QTest.keyClicks(editor, "a")
    cursor = QTextCursor(editor.document())
    cursor.setPosition(2)
    assert cursor.charFormat().objectType() != GAP_OBJECT
    press(editor, "Left", "Backspace")
    assert editor.report.text == "a"
    assert editor.report.gaps == ()


def test_a_double_click_selects_a_word(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    put_caret(editor, "enla")
    at = editor.cursorRect().center()
    QTest.mouseDClick(editor.viewport(), Qt.MouseButton.LeftButton, pos=at)
    start, end = editor.selection()
    assert editor.report.text[start:end] == "enlarged"


def test_the_letters_follow_the_widget_s_font_and_stay_large_enough(editor: ReportEditor) -> None:
    font = editor.font()
    for size, drawn in ((8.0, POINT_SIZE), (16.0, 16.0)):
        font.setPointSizeF(size)
        editor.setFont(font)
        assert editor.document().defaultFont().pointSizeF() == drawn
        editor.start_preview(editor.report.pieces_for_draft())
        assert editor.document().defaultFont().pointSizeF() == drawn
        editor.end_preview()


def test_tab_leads_on_and_writes_nothing(qapp: QApplication) -> None:
    window = QWidget()
    editor, other = ReportEditor(window), QLineEdit(window)
    window.show()
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.report.text == ""
    assert window.focusWidget() is other
    window.close()
    window.deleteLater()


def test_tab_goes_from_gap_to_gap_and_leads_on_behind_the_last(qapp: QApplication) -> None:
    window = QWidget()
    before, editor, after = QLineEdit(window), ReportEditor(window), QLineEdit(window)
    report = Report()
    report.insert(0, "Heart . Lungs . End")
    places = (6, 15)
    for place in places:
        report.insert_gap(place)
    editor.set_report(report)
    window.show()
    editor.setFocus()
    for place in places:
        QTest.keyClick(editor, Qt.Key.Key_Tab)
        assert editor.selection() == (place, place + 1)
    QTest.keyClick(editor, Qt.Key.Key_Tab)
    assert window.focusWidget() is after
    editor.setFocus()
    QTest.keyClick(editor, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert editor.selection() == (places[0], places[0] + 1)
    QTest.keyClick(editor, Qt.Key.Key_Backtab, Qt.KeyboardModifier.ShiftModifier)
    assert window.focusWidget() is before
    for key, goal in ((Qt.Key.Key_Tab, after), (Qt.Key.Key_Backtab, before)):
        editor.setFocus()
        editor.select(0, 0)
        QTest.keyClick(editor, key, Qt.KeyboardModifier.ControlModifier)
        assert window.focusWidget() is goal
    assert len(report.gaps) == 2
    window.close()
    window.deleteLater()


def test_a_letter_with_alt_writes_nothing(editor: ReportEditor) -> None:
    bar = AskBar(QAction(editor))
    field = bar.field
    for widget in (editor, field):
        for key in (Qt.Key.Key_X, Qt.Key.Key_5):
            QTest.keyClick(widget, key, Qt.KeyboardModifier.AltModifier)
            shift = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ShiftModifier
            QTest.keyClick(widget, key, shift)
    assert editor.report.text == field.text() == ""
    alt_graph = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.GroupSwitchModifier
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_At, alt_graph, "@")
    assert not is_alt_letter(event)


@pytest.mark.parametrize(
    ("chosen", "pinned"),
    [
        ("art is enl", "heart is enlarged"),
        ("heart ", "heart "),
        ("5 m", "3.5 mm"),
        ("mm.", "mm."),
        ("ll-def", "well-defined"),
    ],
)
def test_pins_are_of_whole_words(editor: ReportEditor, chosen: str, pinned: str) -> None:
    editor.set_report(drafted("heart is enlarged, well-defined nodule of 3.5 mm."))
    select(editor, chosen)
    editor.pin_selection()
    assert "".join(
        editor.report.text[s.start : s.end] for s in editor.report.spans if s.pinned
    ) == (pinned)
    select(editor, chosen)
    editor.unpin_selection()
    assert not any(span.pinned for span in editor.report.spans)


def test_a_sentence_typed_behind_the_model_s_gets_its_space(editor: ReportEditor) -> None:
    editor.set_report(drafted("No disease."))
    put_caret(editor, "disease.")
    QTest.keyClicks(editor, "abc")
    assert editor.report.text == "No disease. abc"
    assert words_of(editor.report, Origin.TYPED) == [" abc"]
    assert words_of(editor.report, Origin.GENERATED) == ["No disease."]
    assert editor.caret == len(editor.report.text)
    while editor.report.can_undo and editor.report.text != "No disease.":
        press(editor, "Ctrl+Z")
    assert editor.report.text == "No disease."
    for typed in ("5", ")", " x"):
        put_caret(editor, "disease.")
        before = editor.report.text
        QTest.keyClicks(editor, typed)
        assert editor.report.text == before.replace("disease.", f"disease.{typed}", 1)


def test_behind_what_was_typed_nothing_comes_in_unasked(editor: ReportEditor) -> None:
    QTest.keyClicks(editor, "e.g. www.a.b")
    assert editor.report.text == "e.g. www.a.b"


def test_nothing_can_be_dropped_in(editor: ReportEditor) -> None:
    assert not editor.acceptDrops()


def test_a_change_from_elsewhere_is_shown(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    changes = QSignalSpy(editor.changed)
    editor.report.insert(0, "🫁\n")
    assert shown(editor) == editor.report.text
    assert changes.count() == 1


def test_another_report_replaces_the_first_altogether(editor: ReportEditor) -> None:
    first = drafted()
    editor.set_report(first)
    editor.set_report(Report())
    first.insert(0, "not here")
    assert shown(editor) == ""
    QTest.keyClicks(editor, "here")
    assert editor.report.text == "here"
    assert first.plain_text() == "not here" + DRAFT


def test_the_preview_plays_in_place_and_leaves_the_report_alone(editor: ReportEditor) -> None:
    report = drafted()
    select_words = "heart is"
    report.pin(report.text.index(select_words), report.text.index(select_words) + 8)
    editor.set_report(report)
    document, content = editor.document(), report.content
    raw = document.toRawText()
    revisions = QSignalSpy(document.contentsChanged)
    plan = report.pieces_for_infill()
    editor.start_preview(plan)
    assert shown(editor) == report.text
    for step in range(1, 49):
        draft = (Run("A ", settled=True), Run(f"x{step}🫁", settled=False))
        editor.show_preview(canvas(draft, (Run(" y", settled=step > 9),), (), step=step))
    assert shown(editor) == "FINDINGS:\nA x48🫁 heart is y\n\nIMPRESSION:\n"
    assert editor.document() is not document
    assert document.toRawText() == raw
    assert revisions.count() == 0
    assert report.content is content
    editor.end_preview()
    assert editor.document() is document
    assert not editor.previewing


def test_while_a_draft_plays_the_report_is_locked(editor: ReportEditor) -> None:
    report = drafted()
    editor.set_report(report)
    select(editor, "heart")
    chosen, content = editor.selection(), report.content
    editor.start_preview(report.pieces_for_infill())
    QTest.keyClicks(editor, "no")
    QGuiApplication.clipboard().setText("no")
    press(editor, "Ctrl+V", "Ctrl+Z", "Ctrl+Y", "Delete")
    editor.pin_selection()
    editor.unpin_selection()
    editor.insert_gap()
    editor.undo()
    assert report.content is content
    assert editor.selection() == chosen
    editor.end_preview()
    assert editor.selection() == chosen
    QTest.keyClicks(editor, "lung")
    assert "The lung is" in report.text


def test_a_draft_can_be_selected_and_copied_while_it_plays(editor: ReportEditor) -> None:
    editor.start_preview(editor.report.pieces_for_draft())
    editor.show_preview(canvas((Run("Heart normal.", settled=True),)))
    press(editor, "Ctrl+A", "Ctrl+C")
    assert QGuiApplication.clipboard().text() == "Heart normal."


def test_headings_of_a_draft_look_like_headings_while_it_plays(editor: ReportEditor) -> None:
    editor.start_preview(editor.report.pieces_for_draft())
    editor.show_preview(canvas((Run("FINDINGS:\nHeart", settled=False),)))
    first = editor.document().begin()
    assert first.blockFormat() != first.next().blockFormat()


def test_the_place_on_the_page_stays_through_a_preview(editor: ReportEditor) -> None:
    editor.set_report(drafted("FINDINGS:\n" + "The heart is enlarged. " * 120 + "End."))
    bar = editor.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    at = bar.value()
    assert at > 0
    plan = editor.report.pieces_for_infill()
    editor.start_preview(plan)
    assert bar.value() == at
    editor.end_preview()
    assert bar.value() == at
    editor.take_candidates(plan, [Candidate(("The heart is small. " * 120,))])
    assert bar.value() == at


def test_fills_are_one_edit(editor: ReportEditor) -> None:
    report = drafted()
    report.insert_gap(len(report.text))
    editor.set_report(report)
    before = report.content
    plan = report.pieces_for_infill()
    editor.start_preview(plan)
    editor.take_candidates(
        plan,
        [
            Candidate(
                (
                    "Lungs clear.",
                    "Normal.",
                )
            )
        ],
    )
    assert not editor.previewing
    assert shown(editor) == "FINDINGS:\nLungs clear.\n\nIMPRESSION:\nNormal."
    press(editor, "Ctrl+Z")
    assert report.content == before


def test_stale_fills_are_refused_and_nothing_is_lost(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    plan = editor.report.pieces_for_infill()
    editor.start_preview(plan)
    editor.report.insert(0, "Late. ")
    with pytest.raises(StaleReport):
        editor.take_candidates(
            plan,
            [
                Candidate(
                    (
                        "a",
                        "b",
                    )
                )
            ],
        )
    assert not editor.previewing
    assert shown(editor) == "Late. " + DRAFT


def test_a_canvas_that_comes_too_late_is_nothing(editor: ReportEditor) -> None:
    editor.set_report(drafted())
    editor.show_preview(canvas((Run("late", settled=True),)))
    assert shown(editor) == DRAFT


def test_an_empty_report_says_how_to_begin(editor: ReportEditor) -> None:
    def ink() -> int:
        image = editor.viewport().grab().toImage()
        paper = image.pixel(2, 2)
        rows, columns = range(10, 80, 2), range(40, 480, 2)
        return sum(image.pixel(x, y) != paper for y in rows for x in columns)

    assert editor.accessibleDescription() == PLACEHOLDER
    assert ink() > 200
    QTest.keyClicks(editor, " ")
    assert ink() < 50


def test_any_sequence_of_keys_keeps_document_and_report_alike(editor: ReportEditor) -> None:
    rng = random.Random(7)
    editor.set_report(drafted("FINDINGS:\nThe 🫁 heart.\nריאה تمام\n\nIMPRESSION:\nSmall 𝒳."))
    keys = ["Backspace", "Delete", "Return", "Ctrl+Z", "Ctrl+Y", "Ctrl+Backspace", "Ctrl+X"]
    for _ in range(300):
        length = len(editor.report.text)
        editor.select(rng.randint(0, length), rng.randint(0, length))
        if rng.random() < 0.5:
            at = editor.selection()[1]
            editor.select(at, at)
        match rng.randrange(5):
            case 0:
                QTest.keyClicks(editor, rng.choice(["a", "IMPRESSION:", " ", "s"]))
            case 1:
                press(editor, rng.choice(keys))
            case 2:
                editor.insert_gap(tokens=rng.choice([None, 3]))
            case 3:
                editor.pin_selection()
                editor.unpin_selection()
            case _:
                editor.textCursor().insertText(rng.choice(["🫁", "e\u0301", "ريه", "x\ny"]))
        assert shown(editor) == editor.report.text
        editor.report.content.check()
    while editor.report.can_undo:
        editor.undo()
        assert shown(editor) == editor.report.text
