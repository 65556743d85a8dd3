"""Clashes marked while a report is written, gone to by key, dismissed, told before it leaves."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import QMimeData, QPoint, QRect
from PySide6.QtGui import QGuiApplication, QHelpEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QMenu, QToolTip

from desktop.report.choices import choices
from desktop.report.dismissing import DismissDialog
from desktop.report.leaving_dialog import LeavingDialog
from desktop.report.mirror import GUTTER
from inference.protocol import Candidate
from tests.desktop.bench import Bench, press, shown
from tests.desktop.qt_loop import on_qt_loop, until

D = TypeVar("D", bound=QDialog)

LEFT, RIGHT = "Small left pleural effusion", "Small right pleural effusion"
SIDES = f"Findings:\n{LEFT}.\n\nImpression:\n{RIGHT}."
CLEAN = "Findings:\nSmall left pleural effusion.\n\nImpression:\nSmall left pleural effusion."


def put(text: str) -> None:
    data = QMimeData()
    data.setText(text)
    QGuiApplication.clipboard().setMimeData(data)


async def typed(bench: Bench, text: str) -> None:
    """Open a study and write, without the pause before it is read."""
    await bench.open()
    bench.window.editor.setFocus()
    bench.report.insert(0, text)
    bench.window.clashing.read()


def outlined(bench: Bench) -> list[str]:
    return [bench.report.text[o.start : o.end] for o in bench.window.editor._mirror.clashes]


def selected(bench: Bench) -> str:
    return bench.report.text[slice(*bench.window.editor.selection())]


def dialog_of(bench: Bench, kind: type[D]) -> D:
    (found,) = [each for each in bench.window.findChildren(kind) if each.isVisible()]
    return found


def margin(bench: Bench, words: str) -> QImage:
    editor = bench.window.editor
    line = editor.rect_of(bench.report.text.index(words))
    return editor.viewport().grab(QRect(0, line.top(), GUTTER, line.height())).toImage()


@on_qt_loop
async def test_both_places_are_marked_once_the_hands_rest(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, CLEAN)
        assert outlined(bench) == []
        plain = margin(bench, LEFT)
        start = bench.report.text.rindex("left")
        bench.report.replace(start, start + 4, "right")
        assert outlined(bench) == []
        await until(lambda: outlined(bench) == [LEFT, RIGHT])
        assert margin(bench, LEFT) != plain, "the line has its triangle"
        assert bench.window.commands["next_clash"].isEnabled()
        press(bench.window.editor, "Ctrl+Z")
        await until(lambda: outlined(bench) == [])


@on_qt_loop
async def test_marks_move_with_their_words_until_the_report_is_read(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, SIDES)
        bench.report.insert(len("Findings:\n"), "No pneumothorax 🫁. ")
        text = bench.report.text
        shown_ = [text[p.start : p.end] for c in bench.window.clashing.clashes for p in c.places]
        assert shown_ == [LEFT, RIGHT]
        bench.report.delete(text.index(LEFT), text.index(LEFT) + 5)
        assert bench.window.clashing.clashes == ()


@on_qt_loop
async def test_keys_lead_from_place_to_place_and_say_why(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, SIDES)
        editor, clashing = bench.window.editor, bench.window.clashing
        editor.select(0, 0)
        press(editor, "F8")
        assert selected(bench) == LEFT
        assert clashing.note.isVisible()
        assert clashing.note.text == (
            f"Clash 1 of 1 · Side: “{LEFT}” and “{RIGHT}”: the sides differ."
        )
        assert "Clash 1 of 1 · Side" in bench.window.status.text
        assert all(outline.strong for outline in editor._mirror.clashes)
        press(editor, "F8")
        assert selected(bench) == RIGHT
        press(editor, "F8")
        assert selected(bench) == LEFT
        press(editor, "Shift+F8")
        assert selected(bench) == RIGHT
        press(editor, "Esc")
        assert not clashing.note.isVisible()
        press(editor, "F8")
        QTest.keyClicks(editor, "x")
        assert not clashing.note.isVisible()


@on_qt_loop
async def test_without_a_clash_the_key_says_so(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, CLEAN)
        press(bench.window.editor, "F8")
        assert "Nothing clashes in the report" in bench.window.status.text
        press(bench.window.editor, "Ctrl+F8")
        assert "Nothing clashes in the report" in bench.window.status.text


@on_qt_loop
async def test_pointing_at_either_place_says_why(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, SIDES)
        editor = bench.window.editor
        view = editor.viewport()
        for words in (LEFT, RIGHT):
            line = editor.rect_of(bench.report.text.index(words) + 3)
            for point in (line.center(), QPoint(8, line.center().y())):
                event = QHelpEvent(QHelpEvent.Type.ToolTip, point, view.mapToGlobal(point))
                QApplication.sendEvent(view, event)
                assert "the sides differ" in QToolTip.text()
        QToolTip.hideText()


@on_qt_loop
async def test_the_header_of_the_study_is_held_against_the_report(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, "Calcified prostate. AP view.")  # of a woman, a PA view
        assert outlined(bench) == ["prostate", "AP"]


@on_qt_loop
async def test_a_sentence_that_is_being_typed_has_no_fault_of_form(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, "No effusion. There is a")
        bench.window.editor.select(len(bench.report.text), len(bench.report.text))
        bench.window.clashing.read()
        assert outlined(bench) == []
        assert bench.window.clashing.all_now(), "what leaves is read whole"
        bench.window.editor.select(2, 2)
        await until(lambda: "There is a" in outlined(bench))


@on_qt_loop
async def test_a_clash_is_dismissed_with_a_reason_and_undo_brings_it_back(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, SIDES)
        press(bench.window.editor, "F8")
        press(bench.window.editor, "Ctrl+F8")
        dialog = dialog_of(bench, DismissDialog)
        assert not dialog.dismiss.isEnabled(), "a reason is needed"
        dialog.reasons.buttons()[0].click()
        assert dialog.dismiss.isEnabled()
        dialog.other.setText("Seen on CT.")
        dialog.dismiss.click()
        assert outlined(bench) == []
        assert [each.reason for each in bench.report.dismissed] == ["Seen on CT."]
        bench.window.session.save()
        press(bench.window.editor, "Ctrl+Z")
        await until(lambda: outlined(bench) == [LEFT, RIGHT])


@on_qt_loop
async def test_a_dismissal_is_there_when_the_study_is_opened_again(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, SIDES)
        bench.report.dismiss_clash(bench.window.clashing.clashes[0], "Both are so.")
        assert bench.window.session.save()
    async with shown(tmp_path) as bench:
        await bench.open()
        assert bench.report.text == SIDES
        assert bench.window.clashing.all_now() == ()
        start = bench.report.text.index("Small right")
        bench.report.replace(start, start + 5, "Large")
        assert bench.window.clashing.all_now(), "other words"


@on_qt_loop
async def test_the_context_menu_dismisses_too(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, SIDES)
        editor, menu = bench.window.editor, QMenu()
        line = editor.rect_of(bench.report.text.index(RIGHT) + 2)
        editor.menu_opening.emit(menu, line.center())
        (entry,) = [action for action in menu.actions() if not action.isSeparator()]
        assert entry.text() == "Dismiss Clash (Side)…"
        entry.trigger()
        dialog_of(bench, DismissDialog).reject()


@pytest.mark.parametrize("keys", ["Ctrl+Shift+C", "Ctrl+C"])
def test_copying_says_first_what_is_unresolved(tmp_path: Path, keys: str) -> None:
    @on_qt_loop
    async def run() -> None:
        async with shown(tmp_path) as bench:
            await typed(bench, SIDES)
            bench.report.insert_gap(len(bench.report.text))
            put("before")
            clipboard, editor = QGuiApplication.clipboard(), bench.window.editor
            editor.selectAll()
            press(editor, keys)
            dialog = dialog_of(bench, LeavingDialog)
            assert clipboard.text() == "before"
            told = [label.text() for label in dialog.findChildren(QLabel)]
            assert told[0] == "2 things are unresolved:"
            assert "the sides differ" in told[1]
            assert "A gap is open in line 5, behind “" in told[2]
            dialog.reject()
            assert clipboard.text() == "before"
            editor.selectAll()
            press(editor, keys)
            dialog_of(bench, LeavingDialog).go_on.click()
            assert clipboard.text() == SIDES
            editor.selectAll()
            press(editor, keys)
            dialog_of(bench, LeavingDialog).show_first.click()
            assert selected(bench) == LEFT
            assert bench.window.clashing.note.isVisible()

    run()


@on_qt_loop
async def test_a_clean_report_and_a_clean_selection_are_copied_at_once(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, CLEAN)
        press(bench.window.editor, "Ctrl+Shift+C")
        assert QGuiApplication.clipboard().text() == CLEAN
        bench.report.insert_gap(len(CLEAN))
        bench.window.editor.select(0, 9)
        press(bench.window.editor, "Ctrl+C")
        assert QGuiApplication.clipboard().text() == "Findings:"


@on_qt_loop
async def test_a_fill_that_clashes_is_marked_and_told(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.ask("draft", client)
        client.fill(SIDES)
        await until(lambda: not bench.window.drafting.busy)
        assert outlined(bench) == [LEFT, RIGHT]
        assert "What the model wrote clashes once: F8 shows where" in bench.notice


@on_qt_loop
async def test_the_list_of_candidates_says_which_would_clash(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await typed(bench, f"Findings:\n{LEFT}.\n\nImpression:\n")
        report = bench.report
        report.insert_gap(len(report.text))
        offered = [Candidate((f"{words}.",)) for words in (LEFT, RIGHT)]
        report.apply_candidates(report.pieces_for_infill(), offered)
        (found,) = report.candidate_sets
        told = [choice.notes for choice in choices(report, found, 0)]
        assert told == [(("in the report", False),), (("clash: side", True),)]
