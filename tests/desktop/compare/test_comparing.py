"""The window that compares, with two workers that the tests play."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QRadioButton,
    QToolButton,
    QWidget,
)

from desktop import help as help_pages
from desktop.compare import blind
from desktop.compare.commands import COMPARE
from desktop.report.model import Origin
from desktop.report.picture import Style
from desktop.widgets.banner import Notice, NoticeKind
from inference.protocol import Gap
from tests.desktop.bench import REPORT, press
from tests.desktop.compare.compared import OTHER, OURS, THEIRS, compared
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save


@on_qt_loop
async def test_in_a_low_window_the_figures_give_way_to_the_texts(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        window = it.window
        for size, scrolls in (((911, 456), True), ((954, 470), True), ((1440, 860), False)):
            window.resize(*size)
            QApplication.processEvents()
            assert (window.width(), window.height()) == size
            assert window.image.width() > 0.3 * window.width()
            for column in window.columns:
                view, figures = column.view, column.figures
                assert view.viewport().height() >= 7 * view.fontMetrics().lineSpacing()
                assert (figures.verticalScrollBar().maximum() > 0) == scrolls
                assert (figures.focusPolicy() == Qt.FocusPolicy.TabFocus) == scrolls
            assert window.transport._where.text() == window.transport.where != ""


@on_qt_loop
async def test_an_empty_report_is_drafted_by_both_from_one_seed(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        assert it.names == ["Diffusion", "Autoregression"]
        assert "Run lets diffusion write" in it.window.left.view.accessibleDescription()
        assert not it.command("play").isEnabled()
        await it.run()
        assert it.texts == [OURS, THEIRS]
        assert it.bench.launcher.choices[-1].checkpoint == OTHER
        assert it.sibling is not None
        for client in (it.client, it.sibling):
            assert client.asked == (Gap(),)
            assert client.every_canvas
            assert client.options.candidates == 1
            assert client.image is not None
            assert client.context == "Chest radiograph, PA view. 63-year-old woman."
        assert it.client.options.seed == it.sibling.options.seed
        assert it.sibling.options.mode == "both"
        assert it.client.options.mode is None
        assert it.bench.report.text == ""
        left, right = (column.figures.values for column in it.window.columns)
        assert left["Time"] == "1.25 s"
        assert left["First text"] == "0.03 s"
        assert left["First settled text"] == "0.06 s"
        assert left["Tokens"] == "96 · 76.8 a second"
        assert left["Decoder forwards"] == "10"
        assert left["Pin fidelity"] == "nothing was pinned"
        assert set(left) == set(right)
        assert "fake-autoregressive on cpu · both sides in the prompt" in it.window.right.model


@on_qt_loop
async def test_canvases_play_while_they_come_and_every_one_is_kept(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        sibling = await it.start()
        await it.warmed(it.client)
        assert "1 of 2: diffusion" in it.hint
        for step in range(1, 31):
            it.client.draw(step, "The heart"[:step])
        await until(lambda: it.texts[0] == "The heart")
        assert not it.bench.window.commands["draft"].isEnabled()
        assert "comparison" in it.bench.window.commands["draft"].toolTip()
        it.client.fill(OURS)
        await it.write(sibling, THEIRS)
        await until(lambda: not it.comparing.busy)
        shown_now = it.comparing.board.shown
        assert shown_now is not None
        assert len(shown_now.sides[0].recording.canvases) == 30
        assert it.bench.window.commands["draft"].isEnabled()


@on_qt_loop
async def test_both_are_replayed_by_keys_from_the_same_start(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        window, player = it.window, it.window.player
        now = [100.0]
        player._clock = lambda: now[0]
        press(window.left.view, "Home")
        assert player.moment == 0
        assert it.texts == ["…", "…"]
        press(window.right.view, ".")
        assert it.texts == [OURS[: len(OURS) // 2], THEIRS[: len(THEIRS) // 2]]
        assert window.transport.where == "0.03 s · step 1 of 2 · token 1 of 2"
        assert not it.command("take").isEnabled()  # nothing is taken from a draft
        press(window.left.view, ",")
        assert player.moment == 0

        press(window.left.view, "Space")
        assert player.playing
        assert it.command("play").iconText() == "Pause"
        now[0] += 0.05
        player.tick()
        assert player.moment == 1
        press(window.left.view, "S")
        now[0] += 0.02  # a quarter of it: not yet at 0.06
        player.tick()
        assert player.moment == 1
        now[0] += 0.03
        player.tick()
        assert player.moment == 2
        press(window.left.view, "Space")
        assert not player.playing
        press(window.left.view, "Space")
        now[0] += 60
        player.tick()
        assert not player.playing
        assert it.texts == [OURS, THEIRS]
        assert window.transport.where == "1.25 s · steps done · tokens done"

        slider = window.transport.slider
        slider.setFocus()
        press(slider, "Left")
        assert player.moment == player.timeline.last - 1 if player.timeline else False


@on_qt_loop
async def test_differences_are_marked_at_the_end_alone(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()

        def marked(side: int) -> list[str]:
            picture = it.window.columns[side].view._mirror.picture
            return [
                picture.text[s.start : s.end] for s in picture.stretches if s.style is Style.DIFFERS
            ]

        assert marked(0) == []
        press(it.window.left.view, "D")
        assert marked(0) == ["large", "No effusion", "Cardiomegaly"]
        assert marked(1) == ["small", "Clear lungs", "Normal"]
        press(it.window.left.view, ",")
        assert marked(0) == marked(1) == []


@on_qt_loop
async def test_a_sentence_of_the_focused_side_is_taken_by_enter_as_one_step(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        await it.bench.drafted(it.client)
        it.bench.report.pin(10, 22)  # "The heart is"
        before = it.bench.report.content
        await it.run((" huge. No effusion.", "Cardiomegaly."), (" small. Clear lungs.", "Normal."))
        view = it.window.right.view
        press(it.window.left.view, "F6")
        assert view.hasFocus()
        view.put_cursor(view.text.index("small"))
        assert it.hint == "Enter takes “The heart is small.” into the report"
        assert it.bench.report.can_undo
        assert not it.command("undo").isEnabled()  # nothing was taken yet
        press(view, "Return")
        report = it.bench.report
        assert report.text == REPORT.replace("large", "small")
        at = report.text.index("small")
        (span,) = [s for s in report.spans if s.start <= at < s.end]
        assert (span.origin, span.pinned) == (Origin.GENERATED, False)
        assert it.caution == ""  # it is of this comparison
        press(view, "Return")
        assert "already" in it.notice
        view.put_cursor(2)
        press(view, "Return")
        assert "no sentence" in it.notice
        press(view, "Ctrl+Z")
        assert report.content == before
        assert it.texts[1] == "FINDINGS:\nThe heart is small. Clear lungs.\n\nIMPRESSION:\nNormal."


@on_qt_loop
async def test_a_sibling_that_writes_all_anew_may_lose_pins_and_is_measured(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        await it.bench.drafted(it.client)
        start = REPORT.index("No pneumothorax.")
        it.bench.report.pin(start, start + len("No pneumothorax."))
        it.window.way.setCurrentIndex(3)
        await it.run(
            ("The heart is large.", "Cardiomegaly."), ("FINDINGS:\nNo pneumothorax. Big heart.",)
        )
        assert it.sibling is not None
        assert it.client.question is None
        assert it.sibling.question is not None
        assert "[GAP] No pneumothorax." in it.sibling.question
        assert it.sibling.asked == (Gap(),)
        left, right = (column.figures.values["Pin fidelity"] for column in it.window.columns)
        pinned = len("FINDINGS:No pneumothorax.IMPRESSION:")
        assert left == f"100 % · {pinned} of {pinned}"
        kept = len("FINDINGS:No pneumothorax.")
        assert right == f"{100 * kept / pinned:.1f} % · {kept} of {pinned}"
        picture = it.window.right.view._mirror.picture
        pins = [picture.text[s.start : s.end] for s in picture.stretches if s.style is Style.PINNED]
        assert pins == ["No pneumothorax."]
        assert "whole report rewritten" in it.window.right.model


@on_qt_loop
async def test_what_belongs_to_an_older_text_or_another_study_is_said(tmp_path: Path) -> None:
    other = save(tmp_path / "other.dcm", make_dataset(StudyInstanceUID="1.2.3.9"))
    async with compared(tmp_path) as it:
        await it.run()
        assert it.caution == ""
        it.bench.report.insert(0, "x")
        assert "older text" in it.caution
        it.bench.report.undo()
        assert it.caution == ""
        before = it.bench.window.session.study
        it.bench.window.open_paths([other])
        await until(lambda: it.bench.window.session.study is not before)
        assert "not the study on screen" in it.caution
        assert "Morgan" in it.caution
        assert not it.command("take").isEnabled()
        assert "another study" in it.command("take").toolTip()


@on_qt_loop
async def test_a_report_without_a_gap_says_what_to_do(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        it.bench.report.insert(0, "The heart is normal.")
        press(it.window.left.view, "Ctrl+Return")
        await until(lambda: not it.comparing.busy)
        assert "Every word is pinned" in it.notice


@on_qt_loop
async def test_a_reference_adds_the_f1_of_both(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        assert "Token-F1" not in it.window.left.figures.values
        path = tmp_path / "reference.txt"
        path.write_text(OURS)
        press(it.window.left.view, "Ctrl+O")
        (dialog,) = it.window.findChildren(QFileDialog)
        dialog.filesSelected.emit([str(path)])
        dialog.close()
        await it.active()
        assert it.window.left.figures.values["Token-F1"] == "1.000"
        assert 0 < float(it.window.right.figures.values["Token-F1"]) < 1
        assert "reference: reference.txt" in it.window.study.full_text
        path.write_bytes(b"\xff\xfe\xff")
        press(it.window.left.view, "Ctrl+O")
        dialog = it.window.findChildren(QFileDialog)[-1]
        dialog.filesSelected.emit([str(path)])
        dialog.close()
        await it.active()
        assert "not UTF-8" in it.notice
        it.bench.report.insert(0, THEIRS)
        press(it.window.left.view, "Ctrl+Shift+R")
        assert it.window.right.figures.values["Token-F1"] == "1.000"


@pytest.mark.parametrize("swapped", [False, True])
def test_blind_hides_whose_text_it_is_until_the_answers_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swapped: bool
) -> None:
    monkeypatch.setattr(blind, "draw_swapped", lambda: swapped)

    @on_qt_loop
    async def scenario() -> None:
        async with compared(tmp_path) as it:
            press(it.window.left.view, "B")
            sibling = await it.start()
            await it.warmed(it.client)
            it.client.draw(1, "The heart")
            assert it.names == ["Left", "Right"]
            assert it.texts == ["", ""]
            it.client.fill(OURS)
            await it.write(sibling, THEIRS)
            await until(lambda: not it.comparing.busy)
            assert it.texts == ([THEIRS, OURS] if swapped else [OURS, THEIRS])
            window = it.window
            assert it.names == ["Left", "Right"]
            assert all(not column.model for column in window.columns)
            assert all(column.figures.values == {} for column in window.columns)
            assert not window.transport.isVisible()
            assert not any(it.command(n).isEnabled() for n in ("play", "restart", "take", "save"))

            for name in ("accuracy-left", "style-same"):
                choice = window.findChild(QRadioButton, name)
                assert isinstance(choice, QRadioButton)
                choice.setFocus()
                QTest.keyClick(choice, Qt.Key.Key_Space)
            assert not it.command("save").isEnabled()
            press(window.left.view, "Ctrl+S")
            assert it.hint == "Answer all three questions first"
            last = window.findChild(QRadioButton, "edits-right")
            assert isinstance(last, QRadioButton)
            last.setFocus()
            press(last, "Space")
            file = it.comparing.answers_file
            file.mkdir()  # the disk says no
            press(last, "Ctrl+S")
            assert "could not be written" in it.notice
            assert it.names == ["Left", "Right"]
            assert window.questions.complete
            file.rmdir()
            press(last, "Ctrl+S")
            expected = ["Diffusion", "Autoregression"]
            assert it.names == (expected[::-1] if swapped else expected)
            assert window.transport.isVisible()
            assert any(column.view.hasFocus() for column in window.columns)
            assert window.left.figures.values
            assert not it.command("save").isEnabled()
            (line,) = blind.read(file)
            assert (line.accuracy, line.style, line.edits) == ("left", "same", "right")
            assert line.left == ("autoregressive" if swapped else "diffusion")
            assert line.left_checkpoint == ("fake-autoregressive" if swapped else "fake-diffusion")
            study = it.bench.window.session.study
            assert study is not None
            told = file.read_text().lower()
            secret = ("morgan", study.study_uid, study.path.name, "heart", study.patient_id.lower())
            assert not any(word in told for word in secret)

    scenario()


@on_qt_loop
async def test_the_image_stands_beside_blind_texts_and_no_notice_moves_it(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        press(it.window.left.view, "B")
        await it.run()
        image, study = it.window.image, it.bench.window.session.study
        assert it.window.questions.isVisible()
        assert image.isVisible()
        assert image.study is study is it.comparing.board.study
        image.zoom_by(2)
        image.set_window(100, 50)
        framing, window = image.framing, image.window_level
        it.bench.report.insert(0, "Another text. ")
        assert it.window.caution.isVisible()
        it.window.banner.show_notice(Notice(NoticeKind.ERROR, "A long notice. " * 20))
        QApplication.processEvents()
        assert (image.framing, image.window_level) == (framing, window)
        press(image, "Ctrl+I")
        assert not image.isVisible()
        press(it.window.left.view, "Ctrl+3")
        assert image.isVisible()
        assert image.hasFocus()


@on_qt_loop
async def test_blind_given_up_shows_the_names_and_keeps_nothing(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        press(it.window.left.view, "B")
        await it.run()
        assert it.names == ["Left", "Right"]
        press(it.window.left.view, "B")
        assert sorted(it.names) == ["Autoregression", "Diffusion"]
        assert not it.comparing.answers_file.exists()


@on_qt_loop
async def test_what_is_scrolled_on_one_side_is_scrolled_on_the_other(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        long = "\n".join(f"Line {number} of a long report." for number in range(120))
        await it.run((long,), (f"{long}\n{long}",))
        left, right = (column.view.verticalScrollBar() for column in it.window.columns)
        left.setValue(0)
        right.setValue(0)
        viewport = it.window.left.view.viewport()
        place = QPointF(viewport.rect().center())
        wheel = QWheelEvent(
            place,
            viewport.mapToGlobal(place),
            QPoint(0, -900),
            QPoint(0, -900),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(viewport, wheel)
        assert left.value() > 0
        assert right.value() / right.maximum() == pytest.approx(
            left.value() / left.maximum(), abs=0.01
        )
        right.setFocus()
        press(right, "End")
        assert left.value() == left.maximum()


@on_qt_loop
async def test_both_themes_reach_the_window(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        dark = it.window.grab().toImage()
        it.bench.window.set_theme("light")
        assert it.window.grab().toImage() != dark
        assert it.window.left.view._colors.paper == "#f7f8f8"


@on_qt_loop
async def test_space_belongs_to_the_button_and_the_list_that_have_the_focus(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        button = it.window.findChild(QToolButton, "differencesButton")
        assert isinstance(button, QToolButton)
        button.setFocus()
        press(button, "Space")
        assert it.command("differences").isChecked()
        assert not it.window.player.playing
        it.window.way.setFocus()
        press(it.window.way, "D")  # no command: the list looks for what begins with it
        assert it.command("differences").isChecked()
        press(it.window.left.view, "D")
        assert not it.command("differences").isChecked()


def test_every_command_has_a_key_of_its_own_and_is_on_the_page_of_keys(
    qapp: QApplication,
) -> None:
    keys = [key for command in COMPARE for key in command.keys]
    assert all(command.keys for command in COMPARE)
    assert len(set(keys)) == len(keys)
    parent = QWidget()
    page = help_pages.show_shortcuts(parent)
    (text,) = [label.text() for label in page.findChildren(QLabel) if "<table" in label.text()]
    assert all(command.tip[1:].replace("&", "&amp;") in text for command in COMPARE)
    page.close()
    parent.deleteLater()
