"""Questions about the image on screen, with a worker that the tests play."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from desktop.widgets.banner import NoticeKind
from inference.protocol import Gap
from tests.desktop.bench import Bench, press, shown
from tests.desktop.fake_worker import FakeClient
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save

QUESTION = "Is there an effusion?"


def answer_of(bench: Bench) -> str:
    return bench.window.ask_bar._answer.text


async def asked(bench: Bench) -> FakeClient:
    """A question is typed and Return pressed, and the worker is at it."""
    client = await bench.worker()
    await bench.open()
    window = bench.window
    window.commands["ask"].trigger()
    assert window.ask_bar.field.hasFocus()
    QTest.keyClicks(window.ask_bar.field, QUESTION)
    QTest.keyClick(window.ask_bar.field, Qt.Key.Key_Return)
    await until(lambda: client.busy)
    return client


@on_qt_loop
async def test_a_long_answer_can_be_scrolled_and_leaves_the_image_its_room(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await asked(bench)
        area = bench.window.ask_bar._answer
        client.draw(1, "On the left.")
        await until(lambda: answer_of(bench) != "…")
        one_line = area.height()
        assert area.verticalScrollBar().maximum() == 0
        client.fill("On the left. " * 400)
        await until(lambda: not bench.window.asking.busy)
        await until(lambda: area.verticalScrollBar().maximum() > 0)
        assert one_line < area.height() < 12 * one_line
        assert bench.window.viewport.height() > 2 * area.height()
        area.setFocus()
        QTest.keyClick(area, Qt.Key.Key_PageDown)
        assert area.verticalScrollBar().value() > 0
        assert area.accessibleName()
        QTest.keyClick(area, Qt.Key.Key_Escape)
        assert not area.isVisible()


@on_qt_loop
async def test_no_answer_moves_the_image(tmp_path: Path) -> None:
    file = save(tmp_path / "cautioned.dcm", make_dataset(WindowCenter=None))
    async with shown(tmp_path) as bench:
        window, viewport = bench.window, bench.window.viewport
        client = await bench.worker()
        await bench.open(file)
        window.resize(1024, 700)
        viewport.pan_by(10, 0)
        place, framing = viewport.geometry(), viewport.framing
        assert framing is not None
        window.ask_bar.field.setText(QUESTION)
        window.ask_bar.field.returnPressed.emit()
        await until(lambda: client.busy)
        said, shares = window.ask_bar.said, []

        def shows(words: str) -> bool:
            return words.strip()[-9:] in answer_of(bench)[-60:]

        for words in ("On the left.", "And right. " * 400):
            client.draw(1, words)
            await until(partial(shows, words))
            await until(lambda: said.height() == said.heightForWidth(said.width()))
            assert (viewport.geometry(), viewport.framing) == (place, framing)
            assert said.width() == viewport.width()
            foot = viewport.mapTo(window, viewport.rect().bottomLeft())
            assert said.mapTo(window, said.rect().bottomLeft()) == foot
            badge = viewport.badge
            assert badge.isVisible()
            under = badge.mapTo(window, badge.rect().bottomLeft()).y()
            assert under < said.mapTo(window, QPoint()).y()
            shares.append(said.height() / viewport.height())
        assert shares[0] < shares[1] < 0.5
        beside = QPoint(viewport.width() // 2, 20)
        assert window.childAt(viewport.mapTo(window, beside)) is viewport
        QTest.mousePress(viewport, Qt.MouseButton.MiddleButton, pos=beside)
        QTest.mouseMove(viewport, beside + QPoint(0, 15))
        QTest.mouseRelease(viewport, Qt.MouseButton.MiddleButton, pos=beside)
        moved = viewport.framing
        assert moved is not None
        assert (moved.zoom, moved.y < framing.y) == (framing.zoom, True)
        press(window.ask_bar.field, "Esc")
        await until(lambda: not said.isVisible())
        assert (viewport.geometry(), viewport.framing) == (place, moved)


@on_qt_loop
async def test_an_answer_is_streamed_under_the_image_and_says_what_it_is_not(
    tmp_path: Path,
) -> None:
    async with shown(tmp_path) as bench:
        client = await asked(bench)
        assert client.question == QUESTION
        assert client.asked == (Gap(),)
        assert client.image is not None
        client.draw(1, "On the <left>")
        await until(lambda: "&lt;left&gt;" in answer_of(bench))
        assert "<i" in answer_of(bench)  # it may still change
        client.fill("On the left.")
        await until(lambda: not bench.window.asking.busy)
        assert answer_of(bench) == "On the left."
        bench.window.commands["ask"].trigger()
        assert bench.window.ask_bar.field.selectedText() == QUESTION
        caption = bench.window.ask_bar._caption.text()
        assert "fake-diffusion" in caption
        assert QUESTION in caption
        assert "Not a report" in caption
        assert bench.report.text == ""


@on_qt_loop
async def test_esc_ends_a_question_and_then_puts_the_bar_aside(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await asked(bench)
        assert not bench.window.commands["draft"].isEnabled()
        bench.window.commands["cancel"].trigger()
        await until(lambda: client.cancelled == 1)
        await until(lambda: not bench.window.asking.busy)
        assert not bench.window.ask_bar.said.isVisible()
        assert bench.window.commands["draft"].isEnabled()
        assert bench.window.ask_bar.field.text() == QUESTION  # to be put otherwise
        QTest.keyClick(bench.window.ask_bar.field, Qt.Key.Key_Escape)
        assert bench.window.viewport.hasFocus()


@on_qt_loop
async def test_an_answer_that_is_put_away_is_stopped(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await asked(bench)
        client.draw(1, "On the left")
        await until(lambda: "On the" in answer_of(bench))
        bench.window.ask_bar._close.click()
        await until(lambda: client.cancelled == 1)
        await until(lambda: not bench.window.asking.busy)
        assert not bench.window.ask_bar.said.isVisible()


@on_qt_loop
async def test_nothing_is_compared_while_a_question_is_answered(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await asked(bench)
        run = bench.window.comparing.window.commands["run"]
        assert not run.isEnabled()
        client.fill("Yes.")
        await until(lambda: not bench.window.asking.busy)
        assert run.isEnabled()


@on_qt_loop
async def test_another_study_has_another_answer(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    save(folder / "1.dcm", make_dataset())
    save(folder / "2.dcm", make_dataset())
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open(folder)
        bench.window.ask_bar.field.setText(QUESTION)
        QTest.keyClick(bench.window.ask_bar.field, Qt.Key.Key_Return)
        await until(lambda: client.busy)
        client.fill("Yes.")
        await until(lambda: answer_of(bench) == "Yes.")
        bench.window.commands["next"].trigger()
        await until(lambda: not bench.window.ask_bar.said.isVisible())


@on_qt_loop
async def test_an_answer_that_leaving_the_study_ends_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "list"
    save(folder / "1.dcm", make_dataset(PatientName="Ash^Ann"))
    save(folder / "2.dcm", make_dataset(PatientName="Birch^Ben"))
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open(folder)
        bench.window.ask_bar.field.setText(QUESTION)
        QTest.keyClick(bench.window.ask_bar.field, Qt.Key.Key_Return)
        await until(lambda: client.busy)
        bench.window.commands["next"].trigger()
        await until(lambda: bench.window.session.index == 1)
        await until(lambda: not bench.window.switching.moving)
        assert client.cancelled == 1
        assert QUESTION in bench.notice
        assert "Ash, Ann" in bench.notice
        assert bench.window.ask_bar.field.text() == QUESTION  # to be put there again
        bench.window.commands["previous"].trigger()
        await until(lambda: bench.window.session.index == 0)
        await until(lambda: not bench.window.switching.moving)
        assert QUESTION in bench.notice  # once told is not told anew, nor taken back
        QTest.keyClick(bench.window.ask_bar.field, Qt.Key.Key_Return)
        await until(lambda: client.busy)
        assert bench.notice == ""


@on_qt_loop
async def test_a_refused_question_is_told_in_the_banner(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await asked(bench)
        client.refuse("There is no room for the question.")
        await until(lambda: bench.window.banner.notice is not None)
        notice = bench.window.banner.notice
        assert notice is not None
        assert (notice.kind, notice.text) == (
            NoticeKind.ERROR,
            "There is no room for the question.",
        )
        assert not bench.window.ask_bar.said.isVisible()


@on_qt_loop
@pytest.mark.parametrize("text", ["", "   "])
async def test_no_question_is_not_asked(tmp_path: Path, text: str) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        await bench.open()
        bench.window.ask_bar.field.setText(text)
        assert not bench.window.ask_bar.button.isEnabled()
        QTest.keyClick(bench.window.ask_bar.field, Qt.Key.Key_Return)
        assert not bench.window.asking.busy


@on_qt_loop
async def test_without_a_study_there_is_nothing_to_ask_about(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        assert not bench.window.ask_bar.isVisible()
        assert not bench.window.ask_bar.button.isEnabled()
