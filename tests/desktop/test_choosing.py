"""Choosing between candidates in the window, by keys and mouse."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QHelpEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QToolTip

from desktop.report.choosing import PINNED_OTHERWISE
from desktop.report.model import GAP_CHAR, Origin
from desktop.widgets.banner import NoticeKind
from inference.protocol import Candidate, Fault, Fixed, Gap
from tests.desktop.bench import REPORT, Bench, press, shown
from tests.desktop.fake_worker import FakeClient
from tests.desktop.qt_loop import on_qt_loop, until

SIDES = ("a small right effusion", "a small bilateral effusion", "", "a large right effusion")


def fills(*texts: str, faults: tuple[Fault, ...] = ()) -> list[Candidate]:
    return [Candidate((text,), faults) for text in texts]


async def offered(bench: Bench, candidates: list[Candidate], *, unseen: int = 0) -> FakeClient:
    """Draft a report and refill "The heart is large" with candidates; the caret is at its end."""
    client = await bench.worker()
    await bench.open()
    await bench.drafted(client)
    start = REPORT.index("The heart is large")
    bench.window.editor.select(start, start + len("The heart is large"))
    await bench.ask("refill", client)
    client.offer(*candidates, unseen=unseen)
    await until(lambda: not bench.window.drafting.busy)
    return client


def with_fill(text: str) -> str:
    return REPORT.replace("The heart is large", text)


def listed(bench: Bench) -> list[str]:
    """What screen readers are told of each candidate in the open list."""
    popover = bench.window.choosing.popover
    return [row.accessibleName() for row in popover.rows] if popover.isVisible() else []


def html_of(bench: Bench, row: int) -> str:
    labels = bench.window.choosing.popover.rows[row].findChildren(QLabel)
    return next(label.text() for label in labels if label.wordWrap())


def point_at(bench: Bench, words: str) -> QPoint:
    """The middle of the first letter of ``words``."""
    at = bench.report.text.index(words)
    editor = bench.window.editor
    here, next_ = editor.rect_of(at).center(), editor.rect_of(at + 1).center()
    return QPoint((here.x() + next_.x()) // 2, here.y())


def click_at(bench: Bench, words: str) -> None:
    view = bench.window.editor.viewport()
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=point_at(bench, words))


@on_qt_loop
async def test_alt_down_and_alt_up_switch_and_list_the_candidates(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        editor = bench.window.editor
        assert "4 candidates" in bench.window.status.text
        assert listed(bench) == []
        press(editor, "Alt+Down")
        assert bench.report.text == with_fill("a small bilateral effusion")
        assert "Candidate 2 of 4" in bench.window.status.text
        assert listed(bench) == [
            "Candidate 1; a small right effusion",
            "Candidate 2; a small bilateral effusion; in the report",
            "Candidate 3; (nothing)",
            "Candidate 4; a large right effusion; clash: findings and impression",
        ]
        press(editor, "Alt+Down")
        assert bench.report.text == with_fill(GAP_CHAR)
        for keys, text in (("Alt+Down", SIDES[3]), ("Alt+Down", SIDES[0]), ("Alt+Up", SIDES[3])):
            press(editor, keys)
            assert bench.report.text == with_fill(text)
        generated = [span for span in bench.report.spans if span.origin is Origin.GENERATED]
        assert any(bench.report.text[s.start : s.end].startswith(SIDES[3]) for s in generated)
        press(editor, "Ctrl+Z")
        assert bench.report.text == with_fill(SIDES[0])
        press(editor, "Ctrl+Z")
        assert bench.report.text == REPORT


@on_qt_loop
async def test_words_that_differ_are_told_by_letters_and_not_by_colour_alone(
    tmp_path: Path,
) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills("no small effusion", "small pleural effusion"))
        press(bench.window.editor, "Alt+Return")
        assert "<b>1</b>" in [
            label.text() for label in bench.window.choosing.popover.rows[0].findChildren(QLabel)
        ]
        assert "<b><u" in html_of(bench, 1)
        assert "pleural" in html_of(bench, 1)
        assert "<s style" in html_of(bench, 1)


@on_qt_loop
async def test_the_list_is_moved_in_by_arrows_and_chosen_from_by_enter(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        editor, popover = bench.window.editor, bench.window.choosing.popover
        press(editor, "Alt+Return")
        assert popover.isVisible()
        assert bench.report.text == with_fill(SIDES[0])
        for key in ("Down", "Down", "Down", "Down", "Up"):
            press(editor, key)
        assert popover.highlighted == 3
        press(editor, "Return")
        assert bench.report.text == with_fill(SIDES[3])
        assert not popover.isVisible()
        press(editor, "Ctrl+Z")
        assert bench.report.text == with_fill(SIDES[0])


@on_qt_loop
async def test_the_list_closes_by_escape_and_by_whatever_else_the_reader_does(
    tmp_path: Path,
) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        editor, popover = bench.window.editor, bench.window.choosing.popover
        press(editor, "Alt+Return")
        press(editor, "Esc")
        assert not popover.isVisible()
        assert bench.report.text == with_fill(SIDES[0])

        press(editor, "Alt+Return")
        press(editor, "Ctrl+Z")
        assert not popover.isVisible()
        press(editor, "Ctrl+Shift+Z")

        place = bench.report.candidate_sets[0].places[0]
        editor.select(place.end, place.end)
        press(editor, "Alt+Return")
        assert popover.isVisible()
        QTest.keyClicks(editor, " x")
        assert not popover.isVisible()
        assert " x." in bench.report.text

        editor.select(place.end, place.end)
        press(editor, "Alt+Return")
        QTest.mouseClick(
            editor.viewport(), Qt.MouseButton.LeftButton, pos=point_at(bench, "Cardiomegaly")
        )
        assert not popover.isVisible()

        editor.select(place.end, place.end)
        press(editor, "Alt+Return")
        assert popover.isVisible()
        press(editor, "F6")
        assert not popover.isVisible()


@on_qt_loop
async def test_a_candidate_is_chosen_by_a_click(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        press(bench.window.editor, "Alt+Return")
        popover = bench.window.choosing.popover
        QTest.mouseClick(popover.rows[1], Qt.MouseButton.LeftButton)
        assert bench.report.text == with_fill(SIDES[1])
        assert not popover.isVisible()
        assert bench.window.editor.hasFocus()


@on_qt_loop
async def test_away_from_a_fill_there_is_nothing_to_choose(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        assert bench.window.commands["next_candidate"].isEnabled()
        bench.window.editor.select(0, 0)
        assert not bench.window.commands["next_candidate"].isEnabled()
        assert "the model just wrote" in bench.window.commands["next_candidate"].toolTip()
        press(bench.window.editor, "Alt+Down")
        assert bench.report.text == with_fill(SIDES[0])


@on_qt_loop
async def test_several_gaps_change_together_and_the_list_says_so(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        await bench.ask("infill", client)
        client.offer(
            Candidate(("Small heart.", "Normal.")), Candidate(("Large heart.", "Cardiomegaly."))
        )
        await until(lambda: not bench.window.drafting.busy)
        press(bench.window.editor, "Alt+Down")
        assert "Large heart." in bench.report.text
        assert "Cardiomegaly." in bench.report.text
        popover = bench.window.choosing.popover
        assert popover.accessibleName().startswith("2 candidates · 2 places change together")
        assert listed(bench)[0] == "Candidate 1; Normal.; Small heart."
        press(bench.window.editor, "Ctrl+Z")
        assert "Small heart." in bench.report.text
        assert "Normal." in bench.report.text


@on_qt_loop
async def test_pinned_words_stand_whatever_is_chosen(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(SIDES[0], SIDES[1], SIDES[3]))
        editor = bench.window.editor
        start = bench.report.text.index("right")
        editor.select(start, start + 5)
        press(editor, "Ctrl+P")
        editor.select(start, start)
        press(editor, "Alt+Down")
        assert bench.report.text == with_fill(SIDES[3])
        assert listed(bench)[1].endswith("would change a pinned word")
        QTest.mouseClick(
            bench.window.choosing.popover.rows[1], Qt.MouseButton.LeftButton
        )  # does nothing
        assert bench.report.text == with_fill(SIDES[3])
        start = bench.report.text.index("large")
        editor.select(start, start + 5)
        press(editor, "Ctrl+P")
        editor.select(start, start)
        press(editor, "Alt+Down")
        assert bench.report.text == with_fill(SIDES[3])
        assert PINNED_OTHERWISE in bench.window.status.text


@on_qt_loop
async def test_a_click_on_a_word_that_differs_opens_the_list(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        click_at(bench, "effusion")
        assert listed(bench) == []
        click_at(bench, "right")
        assert len(listed(bench)) == 4
        click_at(bench, "No pneumothorax")
        assert listed(bench) == []


@on_qt_loop
async def test_a_word_that_differs_tells_the_alternatives(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        view = bench.window.editor.viewport()
        for words, tip in (
            ("effusion", ""),
            ("right", "right · bilateral in 1 of 4 · (nothing) in 1 of 4\n"),
        ):
            point = point_at(bench, words)
            event = QHelpEvent(QHelpEvent.Type.ToolTip, point, view.mapToGlobal(point))
            QApplication.sendEvent(view, event)
            assert QToolTip.text().startswith(tip)
            assert bool(QToolTip.text()) is bool(tip)
        QToolTip.hideText()


@on_qt_loop
async def test_a_mark_is_dismissed_from_the_menu_or_by_pinning_its_word(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        editor = bench.window.editor

        def marked() -> list[str]:
            return [bench.report.text[m.start : m.end] for m in bench.report.differences]

        assert marked() == ["small", "right"]
        before = bench.report.content
        menu = QMenu()
        editor.menu_opening.emit(menu, point_at(bench, "small"))
        (dismiss,) = [action for action in menu.actions() if not action.isSeparator()]
        assert dismiss.text() == "Dismiss This Mark"
        dismiss.trigger()
        assert marked() == ["right"]
        assert bench.report.content == before
        elsewhere = QMenu()
        editor.menu_opening.emit(elsewhere, point_at(bench, "effusion"))
        assert elsewhere.isEmpty()
        start = bench.report.text.index("right")
        editor.select(start, start + 5)
        press(editor, "Ctrl+P")
        assert marked() == []


@on_qt_loop
async def test_faults_of_the_model_are_told_in_words_and_marked(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        faulty = fills("small small heart", faults=("stutter", "unclosed"))
        await offered(bench, [*faulty, Candidate(("small heart",))])
        notice = bench.window.banner.notice
        assert notice is not None
        assert notice.kind is NoticeKind.INFO
        assert "clashes 2 times: F8 shows where" in notice.text
        assert [clash.kind for clash in bench.window.clashing.clashes] == [
            "doubled word",
            "unclosed",
        ]
        view = bench.window.editor.viewport()
        line = bench.window.editor.rect_of(bench.report.faults[0].place.start)
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(6, line.center().y()))
        assert bench.window.clashing.note.text == "Clash 1 of 2 · Form: “small” stands twice."
        press(bench.window.editor, "Alt+Return")
        assert "clash: repeats itself, breaks off" in listed(bench)[0]
        press(bench.window.editor, "Alt+Down")
        assert bench.report.faults == ()
        press(bench.window.editor, "Alt+Up")
        assert "Candidate 1 of 2 · repeats itself, breaks off" in bench.window.status.text


@pytest.mark.parametrize(
    ("unseen", "said"),
    [(1234, "1,234 characters away from the gap were not read"), (1, "1 character away")],
)
def test_what_the_model_had_not_read_is_said(tmp_path: Path, unseen: int, said: str) -> None:
    @on_qt_loop
    async def run() -> None:
        async with shown(tmp_path) as bench:
            await offered(bench, fills("small"), unseen=unseen)
            assert said in bench.notice
            assert bench.notice.startswith("The report is longer than the model can read at once")

    run()


@on_qt_loop
async def test_gaps_left_empty_are_said(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills("", "small"))
        assert "1 gap left empty" in bench.window.status.text


@on_qt_loop
async def test_a_refill_is_fresh_and_a_revision_begins_from_the_words(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await offered(bench, fills("The heart is small"))
        assert client.warm == [False, False]
        start = bench.report.text.index("pneumo")
        bench.window.editor.select(start, start)
        press(bench.window.editor, "Ctrl+E")
        await until(lambda: client.busy)
        assert client.warm[-1] is True
        hints = [piece.hint for piece in client.asked if isinstance(piece, Gap)]
        assert hints == ["No pneumothorax."]
        client.fill("No effusion.")
        await until(lambda: not bench.window.drafting.busy)
        assert "No effusion.\n" in bench.report.text


@on_qt_loop
async def test_while_the_model_writes_there_is_no_list(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await offered(bench, fills(*SIDES))
        press(bench.window.editor, "Alt+Return")
        assert listed(bench)
        await bench.ask("infill", client)
        assert listed(bench) == []
        click_at(bench, "right")
        assert listed(bench) == []
        press(bench.window.editor, "Esc")
        await until(lambda: not bench.window.drafting.busy)
        assert bench.report.text == with_fill(SIDES[0])


@on_qt_loop
async def test_the_list_stays_within_the_window(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*(f"{text} {'word ' * 80}" for text in SIDES)))
        editor, popover = bench.window.editor, bench.window.choosing.popover
        for width, height in ((1440, 900), (700, 420)):
            bench.window.resize(width, height)
            press(editor, "Alt+Down")
            assert bench.window.rect().contains(popover.geometry())
            assert popover.height() > 100


@on_qt_loop
async def test_the_list_goes_where_its_fill_is_scrolled_to(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await offered(bench, fills(*SIDES))
        editor, popover = bench.window.editor, bench.window.choosing.popover
        bench.report.insert(len(bench.report.text), "\nMore." * 100)
        place = bench.report.candidate_sets[0].places[0]
        editor.select(place.end, place.end)
        press(editor, "Alt+Return")
        editor.verticalScrollBar().setValue(0)
        top = popover.y()
        editor.verticalScrollBar().setValue(20)
        assert popover.y() == top - 20
        editor.verticalScrollBar().setValue(editor.verticalScrollBar().maximum())
        assert not popover.isVisible()


@on_qt_loop
async def test_opening_a_list_with_too_little_in_it_asks_for_other_wordings(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await offered(bench, fills(SIDES[0]))
        window = bench.window
        assert not client.busy, "a plain job asks for no more"
        before = bench.report.text, bench.report.revision
        window.commands["candidates"].trigger()
        assert "asking the model" in window.choosing.popover.accessibleName()
        await until(lambda: client.busy)
        assert client.asked == (
            Fixed("FINDINGS:\n"),
            Gap(hint="The heart is large"),
            Fixed(with_fill("")[len("FINDINGS:\n") :]),
        )
        first = client.options.heat
        client.offer(*fills(SIDES[1], SIDES[0].upper()))
        await until(lambda: len(client.seeds) == 4 and client.busy)
        assert len(listed(bench)) == 2, "what is found is listed at once"
        assert client.options.heat is not None
        assert first is not None
        assert client.options.heat > first > 1
        client.offer(*fills(SIDES[3]))
        await until(lambda: not window.rewording.busy)
        assert len(listed(bench)) == 3
        assert window.choosing.popover.accessibleName() == "3 candidates"
        assert (bench.report.text, bench.report.revision) == before
        window.choosing.close()
        press(window.editor, "Alt+Down")
        assert not client.busy


def _has_asked(client: FakeClient, times: int) -> bool:
    return client.busy and len(client.seeds) == times


@on_qt_loop
async def test_where_there_is_no_other_wording_the_list_says_so_and_asks_no_more(
    tmp_path: Path,
) -> None:
    async with shown(tmp_path) as bench:
        client = await offered(bench, fills(SIDES[0]))
        window = bench.window
        window.commands["next_candidate"].trigger()
        for asked in (3, 4):
            await until(partial(_has_asked, client, asked))
            client.offer(*fills(SIDES[0]))
        await until(lambda: not window.rewording.busy)
        assert "no other wording" in window.choosing.popover.accessibleName()
        assert "no other wording" in window.status.text
        window.choosing.close()
        window.commands["candidates"].trigger()
        assert not window.rewording.busy
        assert len(listed(bench)) == 1


@on_qt_loop
async def test_esc_ends_the_search_and_typing_in_the_fill_makes_it_moot(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await offered(bench, fills(SIDES[0]))
        window = bench.window
        window.commands["candidates"].trigger()
        await until(lambda: client.busy)
        window.commands["cancel"].trigger()
        await until(lambda: not window.rewording.busy)
        assert client.cancelled == 1
        assert len(bench.report.candidate_sets[-1].candidates) == 1
        window.choosing.close()
        window.commands["candidates"].trigger()  # it was not answered: it is asked again
        await until(lambda: client.busy)
        bench.report.insert(REPORT.index("The heart") + 3, "x")
        client.offer(*fills(SIDES[1]))
        await until(lambda: not window.rewording.busy)
        assert not client.busy


@on_qt_loop
async def test_a_job_of_the_reader_goes_before_a_search(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await offered(bench, fills(SIDES[0]))
        bench.window.commands["candidates"].trigger()
        await until(lambda: client.busy)
        assert not bench.window.commands["checkpoint"].isEnabled()
        bench.window.commands["revise"].trigger()
        await until(lambda: client.busy and client.options.heat is None)
        assert client.cancelled == 1
        assert not bench.window.rewording.busy
        assert bench.window.drafting.busy
