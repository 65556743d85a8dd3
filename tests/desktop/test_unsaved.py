"""While words are not on disk: the mark, the recovery copy, the ways out."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydicom import dcmread
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QPushButton

from desktop import saving as saving_module
from desktop.report import recovery
from desktop.report.store import ReportStore
from desktop.settings import Settings
from tests.desktop.bench import Bench, press, shown
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving_module, "SAVE_DELAY_MS", 10)


@pytest.fixture
def blocked(tmp_path: Path) -> Path:
    """A folder for reports that cannot be made: a file stands in its place."""
    path = tmp_path / "blocked"
    path.write_text("a file where the folder should be")
    return path


def copies() -> list[Path]:
    folder = Path(os.environ["PINFILL_RECOVERY_DIR"]) / "recovery"
    return sorted(folder.glob("*.json"))


def click(bench: Bench, offer: str) -> None:
    mark = bench.window.unsaved_mark
    (button,) = (
        button
        for button in mark.findChildren(QPushButton)
        if button.text() == offer and not button.isHidden()
    )
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def typed(bench: Bench, text: str) -> None:
    """Type and wait until the mark shows."""
    QTest.keyClicks(bench.window.editor, text)
    await until(lambda: bench.window.unsaved_mark.text)


def theirs(fresh_settings: Path, text: bytes, other: bytes) -> Path:
    """Change the saved report as another program would."""
    (file,) = (fresh_settings / "reports").glob("*.json")
    file.write_bytes(file.read_bytes().replace(text, other))
    return file


@on_qt_loop
async def test_nothing_puts_the_mark_away_but_a_save(tmp_path: Path, blocked: Path) -> None:
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        window = bench.window
        await bench.open()
        assert window.unsaved_mark.text == ""
        assert "Not saved" not in window.status.text
        await typed(bench, "Typed.")
        window.banner.dismiss()
        press(window, "Esc")
        window.notices.show_fault(RuntimeError("something else"))
        assert window.unsaved_mark.isVisible()
        assert "Not saved: " in window.unsaved_mark.text
        assert "A recovery copy is kept" in window.unsaved_mark.text
        assert window.unsaved_mark.offers == ("Retry", "Save elsewhere…")
        assert window.status.text.startswith("Not saved")
        blocked.unlink()
        click(bench, "Retry")
        assert window.unsaved_mark.text == ""
        assert "Not saved" not in window.status.text
        assert copies() == []
        assert b"Typed." in next(blocked.iterdir()).read_bytes()


@on_qt_loop
async def test_the_recovery_copy_follows_the_typing_and_is_offered_again(
    tmp_path: Path, blocked: Path
) -> None:
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        await typed(bench, "One.")
        QTest.keyClicks(bench.window.editor, " Two.")
        await until(lambda: b"One. Two." in copies()[0].read_bytes())
        assert stat.S_IMODE(copies()[0].stat().st_mode) == 0o600
        bench.window.close()
        assert bench.window.isVisible()
        assert "Close without saving" in bench.window.unsaved_mark.offers
        click(bench, "Close without saving")
        assert not bench.window.isVisible()
    async with shown(tmp_path) as bench:
        await bench.open()
        assert "were found" in bench.window.unsaved_mark.text
        assert bench.report.text == ""
        click(bench, "Restore")
        assert bench.report.text == "One. Two."
        assert bench.window.unsaved_mark.text == ""
        assert copies() == []
        bench.window.commands["undo"].trigger()
        assert bench.report.text == ""


@on_qt_loop
async def test_a_copy_is_offered_until_it_is_taken_or_passed_over(
    tmp_path: Path, blocked: Path
) -> None:
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        await typed(bench, "Words.")
        bench.window.close_unsaved()
    for _ in range(2):
        async with shown(tmp_path) as bench:
            await bench.open()
            assert "were found" in bench.window.unsaved_mark.text
    async with shown(tmp_path) as bench:
        await bench.open()
        click(bench, "Pass over")
        assert bench.window.unsaved_mark.text == ""
    async with shown(tmp_path) as bench:
        await bench.open()
        assert bench.window.unsaved_mark.text == ""


@on_qt_loop
async def test_a_window_sweeps_what_was_passed_over_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "SETTLED_SECONDS", -1)
    folder = recovery.recovery_folders()[0]
    folder.mkdir(mode=0o700, parents=True)
    (folder / "1.2_ab.7-cd.json.settled").touch()
    async with shown(tmp_path):
        assert not list(folder.iterdir())


@on_qt_loop
async def test_a_copy_of_another_study_is_not_offered(tmp_path: Path, blocked: Path) -> None:
    other = save(tmp_path / "other.dcm", make_dataset(StudyInstanceUID="1.2.3.4"))
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        await typed(bench, "Words.")
        bench.window.close_unsaved()
    async with shown(tmp_path) as bench:
        await bench.open(other)
        assert bench.window.unsaved_mark.text == ""
        assert len(copies()) == 1


@on_qt_loop
async def test_in_a_conflict_the_typing_goes_on_into_the_copy(
    tmp_path: Path, fresh_settings: Path
) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()
        QTest.keyClicks(bench.window.editor, "One.")
        assert bench.window.session.save()
        theirs(fresh_settings, b"One.", b"Two.")
        await typed(bench, " Mine.")
        bench.window.banner.dismiss()
        assert bench.window.unsaved_mark.offers == ("Save over it", "Reload", "Save elsewhere…")
        QTest.keyClicks(bench.window.editor, " More.")
        await until(lambda: b"One. Mine. More." in copies()[0].read_bytes())
        click(bench, "Reload")
        assert bench.report.text == "Two."
        assert bench.window.unsaved_mark.text == ""
        bench.window.commands["undo"].trigger()
        assert bench.report.text == "One. Mine. More."
        await until(lambda: not bench.window.session.saving._timer.isActive())
        assert bench.window.session.unsaved is None


@on_qt_loop
async def test_a_study_that_cannot_be_saved_can_be_left_and_comes_back(
    tmp_path: Path, blocked: Path
) -> None:
    folder = tmp_path / "list"
    for number in range(2):
        save(folder / f"{number}.dcm", make_dataset(StudyInstanceUID=f"1.2.{number + 1}"))
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        window = bench.window
        await bench.open(folder)
        await typed(bench, "First.")
        press(window.editor, "Alt+Right")
        await until(lambda: window.session.index == 1)
        assert bench.report.text == ""
        assert "Report of " in window.unsaved_mark.text
        assert "Not saved" in window.status.text
        press(window.editor, "Alt+Left")
        await until(lambda: window.session.index == 0)
        assert bench.report.text == "First."
        press(window.editor, "Alt+Right")
        await until(lambda: window.session.index == 1)
        blocked.unlink()
        click(bench, "Retry")
        assert window.unsaved_mark.text == ""
        assert [b"First." in file.read_bytes() for file in blocked.iterdir()] == [True]


@on_qt_loop
async def test_a_report_left_unsaved_holds_the_window_as_well(
    tmp_path: Path, blocked: Path
) -> None:
    folder = tmp_path / "list"
    for number in range(2):
        save(folder / f"{number}.dcm", make_dataset(StudyInstanceUID=f"1.2.{number + 1}"))
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open(folder)
        await typed(bench, "First.")
        press(bench.window.editor, "Alt+Right")
        await until(lambda: bench.window.session.index == 1)
        bench.window.close()
        assert bench.window.isVisible()
        assert "leaves what is not saved in the recovery copy" in bench.notice
        bench.window.close()
        assert not bench.window.isVisible()


@pytest.mark.parametrize("name", ["report.txt", "report.json"])
@on_qt_loop
async def test_the_text_can_be_saved_elsewhere(tmp_path: Path, blocked: Path, name: str) -> None:
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        await typed(bench, "Heart large.")
        click(bench, "Save elsewhere…")
        dialog = bench.window.findChild(QFileDialog)
        assert isinstance(dialog, QFileDialog)
        dialog.fileSelected.emit(str(tmp_path / name))
        dialog.reject()
        assert "Heart large." in (tmp_path / name).read_text(encoding="utf-8")
        assert f"was written to {tmp_path / name}" in bench.window.unsaved_mark.text


@pytest.mark.parametrize("fault", [ValueError("odd"), RuntimeError("odd"), MemoryError()])
@on_qt_loop
async def test_a_save_that_fails_in_any_way_is_told_and_the_window_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def failing(*_: object, **__: object) -> Path:
        raise fault

    async with shown(tmp_path) as bench:
        await bench.open()
        monkeypatch.setattr(ReportStore, "save", failing)
        await typed(bench, "Typed.")
        assert "Not saved" in bench.window.unsaved_mark.text
        bench.window.close()
        assert bench.window.isVisible()
        bench.window.close()
        assert not bench.window.isVisible()


@on_qt_loop
async def test_where_no_copy_can_be_written_either_it_says_so(
    tmp_path: Path, blocked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PINFILL_RECOVERY_DIR", str(blocked))
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(blocked))
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        await typed(bench, "Typed.")
        assert "No recovery copy could be written" in bench.window.unsaved_mark.text
        bench.window.end()  # asked by the system: told first, done the second time
        assert bench.window.isVisible()
        bench.window.end()
        assert not bench.window.isVisible()


@on_qt_loop
async def test_asked_to_end_the_window_ends_with_a_copy(tmp_path: Path, blocked: Path) -> None:
    async with shown(tmp_path, store=ReportStore(blocked)) as bench:
        await bench.open()
        QTest.keyClicks(bench.window.editor, "Typed.")
        bench.window.end()
        assert not bench.window.isVisible()
        assert b"Typed." in copies()[0].read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
@on_qt_loop
async def test_a_folder_that_stays_open_to_others_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ReportStore(tmp_path / "reports")
    store.prepare()
    store.folder.chmod(0o755)
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    async with shown(tmp_path, store=store) as bench:
        await bench.open()
        for told in (True, False):
            bench.report.insert(0, "Typed.")
            assert bench.window.session.save()
            assert ("can look into" in bench.notice) == told
            bench.window.banner.dismiss()


@on_qt_loop
async def test_a_fault_in_closing_is_told_and_holds_the_window_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()

        def failing() -> bool:
            raise RuntimeError("odd")

        monkeypatch.setattr(bench.window.session.saving, "save_all", failing)
        closed: list[bool] = []
        bench.window.closed.connect(lambda: closed.append(True))
        bench.window.close()
        assert bench.window.isVisible()
        assert "RuntimeError" in bench.notice
        bench.window.close()
        assert closed == [True]


@on_qt_loop
async def test_a_fault_behind_the_last_save_leaves_no_process_without_a_window(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with shown(tmp_path) as bench:
        await bench.open()

        def failing() -> None:
            raise OSError("no space left")

        closed: list[bool] = []
        bench.window.closed.connect(lambda: closed.append(True))
        with monkeypatch.context() as patch:
            patch.setattr(bench.window._settings, "sync", failing)
            bench.window.close()
        assert closed == [True]
        assert not bench.window.isVisible()
        assert "no space left" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
@on_qt_loop
async def test_a_file_without_uids_under_a_name_that_is_no_unicode_is_saved(
    tmp_path: Path, fresh_settings: Path
) -> None:
    dataset = dcmread(save(tmp_path / "plain.dcm", make_dataset(StudyInstanceUID=None)))
    del dataset.SOPInstanceUID
    dataset.save_as(tmp_path / "plain.dcm")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/chest-\xff.dcm"))
    (tmp_path / "plain.dcm").rename(odd)
    async with shown(tmp_path) as bench:
        await bench.open(odd)
        QTest.keyClicks(bench.window.editor, "Typed.")
        assert bench.window.session.save(), bench.notice
        bench.window.close()
        assert not bench.window.isVisible()
    (file,) = (fresh_settings / "reports").glob("*.json")
    assert b"Typed." in file.read_bytes()


def test_what_hangs_is_left_behind() -> None:
    code = "import threading; from desktop.app import end_within; end_within(0.1, 7); "
    code += "threading.Event().wait()"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 7


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_settings_are_readable_for_this_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "settings.ini"
    file.write_text("[window]\ntheme=light\n")
    file.chmod(0o644)
    for _ in range(2):
        settings = Settings(file)
        assert settings.theme == "light"
        settings.remember(tmp_path)
        settings.sync()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    Settings(tmp_path / "new" / "settings.ini").sync()
    assert stat.S_IMODE((tmp_path / "new" / "settings.ini").stat().st_mode) == 0o600
