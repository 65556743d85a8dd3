"""The Model menu of a window whose worker the tests play."""

from __future__ import annotations

from pathlib import Path

import msgspec
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QFileDialog, QLabel, QMenu, QPushButton, QWidget

from desktop.model_menu import details, told_memory
from desktop.settings import ADAPTERS, CHECKPOINTS, Settings
from desktop.worker_link import WorkerState
from inference.client import RequestFailed
from inference.protocol import MadeFor, Measured
from resources import demo_checkpoint
from tests.desktop.bench import CHOICE, Bench, shown
from tests.desktop.fake_worker import MODEL
from tests.desktop.qt_loop import on_qt_loop, until


def opened(menu: QMenu) -> dict[str, QAction]:
    """The entries of a submenu as it opens."""
    menu.aboutToShow.emit()
    return {action.text(): action for action in menu.actions() if not action.isSeparator()}


def choose_in_dialog(window: QWidget, path: Path) -> None:
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    assert dialog.fileMode() is QFileDialog.FileMode.Directory
    dialog.filesSelected.emit([str(path)])
    dialog.close()


@on_qt_loop
async def test_another_checkpoint_runs_in_another_worker(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.drafted(client)
        text = bench.report.text
        entries = opened(bench.window.model_menu.checkpoints)
        assert list(entries) == ["demo-diffusion", "demo-autoregressive", "fake"]
        assert entries["fake"].isChecked()
        entries["demo-autoregressive"].trigger()
        await bench.worker()
        assert client.closed
        assert bench.launcher.choices[-1].checkpoint == demo_checkpoint("autoregressive")
        assert bench.report.text == text
        assert opened(bench.window.model_menu.checkpoints)["demo-autoregressive"].isChecked()


@on_qt_loop
async def test_the_checkpoint_that_runs_is_not_started_again(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        bench.window.commands["checkpoint"].trigger()
        choose_in_dialog(bench.window, CHOICE.checkpoint)
        assert bench.window.link.state is WorkerState.READY
        assert len(bench.launcher.choices) == 1


@on_qt_loop
async def test_a_checkpoint_that_cannot_be_loaded_leads_back(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        bench.window.commands["checkpoint"].trigger()
        choose_in_dialog(bench.window, tmp_path)
        await until(lambda: len(bench.launcher.starts) == 2)
        bench.launcher.fail(RequestFailed("checkpoint", "There is no model in this folder."))
        await until(lambda: "no model" in bench.notice)
        assert tmp_path not in Settings().recent_in(CHECKPOINTS)
        assert CHOICE.checkpoint in Settings().recent_in(CHECKPOINTS)
        back = bench.window.banner.findChild(QPushButton, "bannerAction")
        assert back is not None
        assert back.text() == "Back to fake"
        back.click()
        await bench.worker()
        assert bench.launcher.choices[-1] == CHOICE
        assert not bench.notice


@on_qt_loop
async def test_a_device_that_is_not_there_leads_back(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        opened(bench.window.model_menu.devices)["&GPU (CUDA)"].trigger()
        await until(lambda: len(bench.launcher.starts) == 2)
        bench.launcher.fail(RequestFailed("checkpoint", "PyTorch finds no GPU."))
        await until(lambda: "no GPU" in bench.notice)
        back = bench.window.banner.findChild(QPushButton, "bannerAction")
        assert back is not None
        assert back.text() == "Back to the automatic device"


@on_qt_loop
async def test_another_device_is_another_worker(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        entries = opened(bench.window.model_menu.devices)
        assert [text for text, entry in entries.items() if entry.isChecked()] == ["&Automatic"]
        entries["&CPU"].trigger()
        await bench.worker()
        assert bench.launcher.choices[-1].placement.device == "cpu"
        assert bench.launcher.choices[-1].checkpoint == CHOICE.checkpoint


async def load(bench: Bench, folder: Path) -> None:
    bench.window.commands["adapter"].trigger()
    choose_in_dialog(bench.window, folder)
    link = bench.window.link
    await until(lambda: link.choice.adapter == folder or bench.notice)
    await until(lambda: link.state is WorkerState.READY)


@on_qt_loop
async def test_adapters_are_loaded_switched_and_removed(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await until(lambda: len(client.prepared) == 1)
        menu = bench.window.model_menu.adapters
        await load(bench, tmp_path / "chest")
        await until(lambda: "chest" in bench.window.status.text)
        await until(lambda: len(client.prepared) == 2)  # the model reads the image anew
        assert Settings().recent_in(ADAPTERS) == [tmp_path / "chest"]
        await load(bench, tmp_path / "other")
        entries = opened(menu)
        assert list(entries) == ["&None", "chest", "other", "Remove other"]
        assert entries["other"].isChecked()
        entries["chest"].trigger()
        await until(lambda: client.model.adapter == "chest")
        await until(lambda: bench.window.link.state is WorkerState.READY)
        opened(menu)["&None"].trigger()
        await until(lambda: client.model.adapter is None)
        await until(lambda: bench.window.link.state is WorkerState.READY)
        assert "chest" not in bench.window.status.text
        opened(menu)["chest"].trigger()
        await until(lambda: client.model.adapter == "chest")
        await until(lambda: bench.window.link.state is WorkerState.READY)
        opened(menu)["Remove chest"].trigger()
        await until(lambda: client.model.adapters == ("other",))
        await until(lambda: bench.window.link.state is WorkerState.READY)
        assert list(opened(menu)) == ["&None", "other", "Load chest"]


@on_qt_loop
async def test_a_refused_adapter_is_told_and_not_remembered(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        await load(bench, tmp_path / "wrong")
        await until(lambda: "holds no adapter" in bench.notice)
        assert Settings().recent_in(ADAPTERS) == []
        assert opened(bench.window.model_menu.adapters)["&None"].isChecked()


@on_qt_loop
async def test_a_doubtful_adapter_is_on_and_the_doubt_is_told(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await load(bench, tmp_path / "doubtful")
        await until(lambda: "may belong elsewhere" in bench.notice)
        assert client.model.adapter == "doubtful"


@on_qt_loop
async def test_nothing_is_changed_while_the_model_writes(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await bench.worker()
        await bench.open()
        await bench.ask("draft", client)
        window = bench.window
        for name in ("checkpoint", "adapter"):
            assert not window.commands[name].isEnabled()
            assert "Wait for the model" in window.commands[name].toolTip()
        for menu in (window.model_menu.checkpoints, window.model_menu.devices):
            assert not any(action.isEnabled() for action in opened(menu).values())
        client.fill("FINDINGS:\nClear.")
        await until(lambda: window.commands["adapter"].isEnabled())


@on_qt_loop
async def test_an_adapter_waits_for_the_model_to_be_loaded(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        assert not bench.window.commands["adapter"].isEnabled()
        assert bench.window.commands["checkpoint"].isEnabled()
        await bench.worker()
        assert bench.window.commands["adapter"].isEnabled()


@on_qt_loop
async def test_memory_is_told_as_the_menu_opens_and_on_the_page(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        await bench.worker()
        menus = bench.window.menuBar().findChildren(QMenu)
        (menu,) = [menu for menu in menus if menu.title() == "&Model"]
        menu.popup(bench.window.mapToGlobal(bench.window.rect().center()))
        await until(lambda: "1.5 of 24 GiB" in bench.window.commands["details"].text())
        menu.close()
        bench.window.commands["details"].trigger()
        page = bench.window.findChild(QDialog)
        assert page is not None
        (text,) = [label.text() for label in page.findChildren(QLabel) if "<table" in label.text()]
        for told in ("fake-diffusion", "FakeForBlockDiffusion", "5.4 million", "1.5 of 24 GiB"):
            assert told in text
        QTest.qWaitForWindowExposed(page)
        page.close()


def test_details_without_a_model() -> None:
    assert list(details(None, None)) == [("Model", "None is loaded")]
    assert "Memory" not in dict(details(MODEL, None))
    assert "any image" in dict(details(MODEL, None))["Made for"]
    made_for = MadeFor(modalities=("DX", "CR"), body_parts=("CHEST",))
    told = dict(details(msgspec.structs.replace(MODEL, made_for=made_for), None))
    assert told["Made for"] == "modality DX or CR, body part CHEST"
    assert told_memory(Measured("1", 0, 2**30)) == "0.0 of 1 GiB"
