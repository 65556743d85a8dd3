"""The window that compares, with two workers that the tests play."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
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
from desktop.compare.comparing import Comparing
from desktop.compare.window import CompareWindow
from desktop.report.model import Origin
from desktop.report.picture import Style
from desktop.settings import Settings
from inference.client import RequestFailed
from inference.protocol import Gap
from tests.desktop.bench import REPORT, Bench, press, shown
from tests.desktop.compare.factory import SIBLING
from tests.desktop.fake_worker import FakeClient
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save

OTHER = Path("/checkpoints/sibling")
OURS = "FINDINGS:\nThe heart is large. No effusion.\n\nIMPRESSION:\nCardiomegaly."
THEIRS = "FINDINGS:\nThe heart is small. Clear lungs.\n\nIMPRESSION:\nNormal."


@dataclass
class Compared:
    """A main window with its comparing one, which is shown."""

    bench: Bench
    client: FakeClient
    sibling: FakeClient | None = None

    @property
    def comparing(self) -> Comparing:
        return self.bench.window.comparing

    @property
    def window(self) -> CompareWindow:
        return self.comparing.window

    @property
    def hint(self) -> str:
        return self.window.hint.full_text

    @property
    def notice(self) -> str:
        return self.window.banner.notice.text if self.window.banner.notice else ""

    @property
    def caution(self) -> str:
        return self.window.caution.notice.text if self.window.caution.notice else ""

    @property
    def texts(self) -> list[str]:
        return [column.view.text for column in self.window.columns]

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.window.columns]

    def command(self, name: str) -> QAction:
        return self.window.commands[name]

    async def active(self) -> None:
        """Wait until the window takes keys."""
        await until(self.window.isActiveWindow)

    async def start(self) -> FakeClient:
        """Run, and let the other worker become ready where it is not; the first is at work."""
        press(self.window.left.view, "Ctrl+Return")
        assert self.comparing.busy
        if self.sibling is None:
            starts = self.bench.launcher.starts
            await until(lambda: len(starts) > 1 and not starts[-1].done(), what=lambda: self.notice)
            self.sibling = self.bench.launcher.ready()
            self.sibling.model = SIBLING
        return self.sibling

    async def warmed(self, client: FakeClient) -> None:
        """Answer the untimed step; the job itself has begun then."""
        await until(lambda: client.busy and client.options.max_steps == 1, what=lambda: self.notice)
        assert client.prepared
        client.fill(*self.blanks(client))
        await until(lambda: client.busy and client.options.max_steps is None)

    def blanks(self, client: FakeClient) -> list[str]:
        return ["" for piece in client.asked if isinstance(piece, Gap)]

    async def write(self, client: FakeClient, *fills: str) -> None:
        """One job from its untimed step to its end, with two canvases."""
        await self.warmed(client)
        client.draw(1, *(fill[: len(fill) // 2] for fill in fills))
        client.draw(2, *fills, settled=True)
        client.fill(*fills)

    async def run(
        self, ours: tuple[str, ...] = (OURS,), theirs: tuple[str, ...] = (THEIRS,)
    ) -> None:
        await self.active()
        sibling = await self.start()
        await self.write(self.client, *ours)
        await self.write(sibling, *theirs)
        await until(lambda: not self.comparing.busy, what=lambda: self.notice)


@asynccontextmanager
async def compared(folder: Path, *, known: bool = True) -> AsyncIterator[Compared]:
    settings = Settings(folder / "settings.ini")
    if known:
        settings.remember_in("compared-autoregressive", OTHER)
    async with shown(folder, settings=settings) as bench:
        client = await bench.worker()
        await bench.open()
        press(bench.window.editor, "Ctrl+Shift+D")
        it = Compared(bench, client)
        await it.active()
        yield it


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
        assert left == f"100 % · {pinned} of {pinned} characters"
        kept = len("FINDINGS:No pneumothorax.")
        assert right == f"{100 * kept / pinned:.1f} % · {kept} of {pinned} characters"
        picture = it.window.right.view._mirror.picture
        pins = [picture.text[s.start : s.end] for s in picture.stretches if s.style is Style.PINNED]
        assert pins == ["No pneumothorax."]
        assert "whole report rewritten" in it.window.right.model


@on_qt_loop
async def test_cancelling_and_failing_leave_the_comparison_before(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        assert it.sibling is not None
        await it.start()
        await it.warmed(it.client)
        it.client.draw(1, "Something")
        press(it.window.left.view, "Esc")
        await until(lambda: not it.comparing.busy)
        assert it.texts == [OURS, THEIRS]
        assert "Cancelled; the comparison before" in it.hint

        await it.start()
        await it.write(it.client, "Other")
        await it.warmed(it.sibling)
        it.sibling.die()
        await until(lambda: not it.comparing.busy)
        assert "killed by SIGKILL" in it.notice
        assert it.texts == [OURS, THEIRS]
        press(it.window.left.view, "Esc")
        assert it.notice == ""

        it.sibling = None  # it is started anew
        await it.run(("New.",), ("Newer.",))
        assert it.texts == ["New.", "Newer."]


@on_qt_loop
async def test_a_second_model_that_does_not_load_is_told(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        press(it.window.left.view, "Ctrl+Return")
        starts = it.bench.launcher.starts
        await until(lambda: len(starts) > 1)
        assert "Loading sibling" in it.hint
        it.bench.launcher.fail(RequestFailed("checkpoint", "It needs 52 GiB, 9 GiB are free."))
        await until(lambda: not it.comparing.busy)
        assert "needs 52 GiB" in it.notice
        assert "one at a time is not possible yet" in it.notice
        assert it.names == ["Diffusion", "Autoregression"]
        assert it.bench.window.link.state.value == "ready"


@on_qt_loop
async def test_cancelled_while_it_loads_the_other_worker_goes(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        press(it.window.left.view, "Ctrl+Return")
        starts = it.bench.launcher.starts
        await until(lambda: len(starts) > 1)
        press(it.window.left.view, "Esc")
        await until(lambda: not it.comparing.busy)
        assert starts[-1].cancelled()
        await it.run()
        assert it.texts == [OURS, THEIRS]


@on_qt_loop
async def test_a_model_that_writes_in_the_same_way_is_refused(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        sibling = await it.start()
        sibling.model = it.client.model
        await until(lambda: not it.comparing.busy)
        assert "choose a checkpoint that is autoregressive" in it.notice


@on_qt_loop
async def test_the_other_checkpoint_is_asked_for_and_remembered(tmp_path: Path) -> None:
    async with compared(tmp_path, known=False) as it:
        press(it.window.left.view, "Ctrl+Return")
        (dialog,) = it.window.findChildren(QFileDialog)
        assert "autoregressive" in dialog.windowTitle()
        assert not it.comparing.busy
        dialog.filesSelected.emit([str(OTHER)])
        dialog.close()
        await it.active()
        assert it.comparing.busy
        starts = it.bench.launcher.starts
        await until(lambda: len(starts) > 1)
        assert it.bench.launcher.choices[-1].checkpoint == OTHER
        assert Settings(tmp_path / "settings.ini").recent_in("compared-autoregressive") == [OTHER]


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
async def test_blind_given_up_shows_the_names_and_keeps_nothing(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        press(it.window.left.view, "B")
        await it.run()
        assert it.names == ["Left", "Right"]
        press(it.window.left.view, "B")
        assert sorted(it.names) == ["Autoregression", "Diffusion"]
        assert not it.comparing.answers_file.exists()


@on_qt_loop
async def test_closing_the_window_ends_the_other_worker(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        assert it.sibling is not None
        sibling = it.sibling
        press(it.window.left.view, "Ctrl+W")
        await until(lambda: sibling.closed)
        assert not it.window.isVisible()
        assert not it.client.closed
        it.bench.window.activateWindow()
        await until(it.bench.window.isActiveWindow)
        press(it.bench.window.editor, "Ctrl+Shift+D")
        assert it.texts == [OURS, THEIRS]
        it.sibling = None
        await it.run(("A.",), ("B.",))
        assert it.texts == ["A.", "B."]


@on_qt_loop
async def test_the_window_s_own_model_may_be_the_sibling(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.ini")
    settings.remember_in("compared-diffusion", Path("/checkpoints/diffusion"))
    async with shown(tmp_path, settings=settings) as bench:
        await until(lambda: bench.launcher.starts)
        client = bench.launcher.ready()
        client.model = SIBLING
        await until(lambda: bench.window.link.state.value == "ready")
        await bench.open()
        press(bench.window.editor, "Ctrl+Shift+D")
        it = Compared(bench, client)
        await it.active()
        press(it.window.left.view, "Ctrl+Return")
        await until(lambda: len(bench.launcher.starts) > 1)
        diffusion = bench.launcher.ready()
        await it.write(client, THEIRS)
        await it.write(diffusion, OURS)
        await until(lambda: not it.comparing.busy)
        assert it.names == ["Diffusion", "Autoregression"]
        assert it.texts == [OURS, THEIRS]


@on_qt_loop
async def test_both_themes_reach_the_window(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        dark = it.window.grab().toImage()
        it.bench.window.set_theme("light")
        assert it.window.grab().toImage() != dark
        assert it.window.left.view._colors.paper == "#f7f8f8"


@on_qt_loop
async def test_closing_either_window_in_mid_run_ends_it(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        sibling = await it.start()
        await it.warmed(it.client)
        press(it.window.left.view, "Ctrl+W")
        await until(lambda: not it.comparing.busy and sibling.closed)
        assert it.client.cancelled == 1
        assert it.bench.window.commands["draft"].isEnabled()
        it.bench.window.commands["compare"].trigger()
        await it.active()
        it.sibling = None
        sibling = await it.start()
        await it.warmed(it.client)
    assert sibling.closed
    assert it.client.closed


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
