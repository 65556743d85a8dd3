"""Comparisons that run: two workers, both at once or one at a time, cancelled or failing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog

from desktop.settings import Settings
from inference.client import RequestFailed
from tests.desktop.bench import press, shown
from tests.desktop.compare.compared import OTHER, OURS, THEIRS, Compared, compared
from tests.desktop.compare.factory import SIBLING
from tests.desktop.qt_loop import on_qt_loop, until


@on_qt_loop
async def test_cancelling_and_failing_leave_the_comparison_before(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await it.run()
        assert it.sibling is not None
        where = it.window.transport.where
        await it.start()
        assert it.window.transport.where == ""
        await it.warmed(it.client)
        it.client.draw(1, "Something")
        press(it.window.left.view, "Esc")
        await until(lambda: not it.comparing.busy)
        assert it.texts == [OURS, THEIRS]
        assert "Cancelled; the comparison before" in it.hint
        assert it.window.transport.where == where

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
        assert "compare them one at a time" in it.notice
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


async def one_at_a_time(it: Compared) -> None:
    """Run with each alone, up to where the window's worker has written and has gone."""
    press(it.window.left.view, "A")
    press(it.window.left.view, "Ctrl+Return")
    assert it.bench.launcher.choices[-1].checkpoint != OTHER
    await it.write(it.client, OURS)
    starts = it.bench.launcher.starts
    await until(lambda: len(starts) == 2, what=lambda: it.notice)
    assert it.client.closed
    assert it.bench.launcher.choices[-1].checkpoint == OTHER
    assert it.bench.window.link.state.value == "stopped"


@on_qt_loop
async def test_one_at_a_time_each_is_alone_and_the_window_s_worker_comes_back(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        mine = it.bench.launcher.choices[-1]
        await one_at_a_time(it)
        assert "fake-diffusion" in it.window.left.model  # though its worker has gone
        sibling = it.bench.launcher.ready()
        sibling.model = SIBLING
        await it.write(sibling, THEIRS)
        await until(lambda: not it.comparing.busy, what=lambda: it.notice)
        assert sibling.closed
        assert it.texts == [OURS, THEIRS]
        assert it.bench.launcher.choices[-1] == mine
        assert it.bench.window.link.state.value == "starting"
        it.bench.launcher.ready()
        await until(lambda: it.bench.window.link.state.value == "ready")
        assert Settings(tmp_path / "settings.ini").compares_alone


@on_qt_loop
async def test_cancelled_with_the_other_alone_the_window_s_worker_comes_back(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        await one_at_a_time(it)
        starts = it.bench.launcher.starts
        press(it.window.left.view, "Esc")
        await until(lambda: not it.comparing.busy)
        assert starts[1].cancelled()
        assert len(starts) == 3
        assert it.bench.launcher.choices[-1].checkpoint != OTHER
        it.bench.launcher.ready()
        await until(lambda: it.bench.window.link.state.value == "ready")


@on_qt_loop
async def test_an_other_that_does_not_load_alone_either_gives_its_place_back(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        await one_at_a_time(it)
        it.bench.launcher.fail(RequestFailed("checkpoint", "It needs 52 GiB, 9 GiB are free."))
        await until(lambda: not it.comparing.busy)
        assert "needs 52 GiB" in it.notice
        assert "one at a time" not in it.notice  # it was
        assert it.bench.window.link.state.value == "starting"
        press(it.window.left.view, "Ctrl+M")
        (dialog,) = it.window.findChildren(QFileDialog)
        assert "autoregressive" in dialog.windowTitle()
        dialog.close()


@pytest.mark.parametrize("presses", [1, 2])
def test_cancelled_while_the_window_s_worker_makes_room_it_comes_back(
    tmp_path: Path, presses: int
) -> None:
    @on_qt_loop
    async def scenario() -> None:
        async with compared(tmp_path) as it:
            it.client.closing.clear()
            press(it.window.left.view, "A")
            press(it.window.left.view, "Ctrl+Return")
            await it.write(it.client, OURS)
            link = it.bench.window.link
            await until(lambda: link.state.value == "stopping")
            for _ in range(presses):
                press(it.window.left.view, "Esc")
                await asyncio.sleep(0)
            it.client.closing.set()
            await until(lambda: not it.comparing.busy)
            starts = it.bench.launcher.starts
            await until(lambda: link.state.value == "starting" and not starts[-1].done())
            it.bench.launcher.ready()
            await until(lambda: link.state.value == "ready")

    scenario()


@on_qt_loop
async def test_cancelled_twice_while_the_other_ends_the_window_s_worker_comes_back(
    tmp_path: Path,
) -> None:
    async with compared(tmp_path) as it:
        await one_at_a_time(it)
        sibling = it.bench.launcher.ready()
        sibling.model = SIBLING
        await it.warmed(sibling)
        sibling.closing.clear()
        for _ in range(2):
            press(it.window.left.view, "Esc")
            await until(lambda: sibling.cancelled == 1)
        assert not sibling.closed
        sibling.closing.set()
        await until(lambda: it.bench.window.link.state.value == "starting")
        assert sibling.closed


@on_qt_loop
async def test_closed_in_the_middle_of_one_at_a_time_no_worker_stays(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        await one_at_a_time(it)
        starts = it.bench.launcher.starts
        sibling = it.bench.launcher.ready()
        sibling.model = SIBLING
        await it.warmed(sibling)
    assert sibling.closed
    assert all(start.cancelled() or start.result().closed for start in starts)
