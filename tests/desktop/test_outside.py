"""An image that the model was not made for: nothing is written before the reader's word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from desktop.outside import Consent, Outside
from desktop.studies.reading import read_study
from desktop.widgets.banner import Banner, NoticeKind
from inference.protocol import MadeFor
from tests.desktop.bench import REPORT, Bench, press, shown
from tests.desktop.compare.compared import compared
from tests.desktop.fake_worker import MODEL, FakeClient
from tests.desktop.qt_loop import on_qt_loop, until
from tests.desktop.studies.factory import make_dataset, save

CHEST = MadeFor(modalities=("DX", "CR"), body_parts=("CHEST",), views=("PA", "AP"))


def spine(folder: Path) -> Path:
    dataset = make_dataset(
        Modality="CT", BodyPartExamined="LSPINE", ViewPosition=None, StudyDescription="Spine"
    )
    return save(folder / "spine.dcm", dataset)


def heart(folder: Path) -> Path:
    """A loop of an ultrasound, in colour."""
    rainbow = np.arange(24 * 32 * 3, dtype=np.uint64).reshape(24, 32, 3) % 256
    dataset = make_dataset(
        rainbow.astype(np.uint8),
        Modality="US",
        BodyPartExamined="HEART",
        ViewPosition=None,
        StudyDescription="Echo",
    )
    dataset.PixelData, dataset.NumberOfFrames = dataset.PixelData * 3, 3
    return save(folder / "heart.dcm", dataset)


async def chest_worker(bench: Bench) -> FakeClient:
    client = await bench.worker()
    client.model = msgspec.structs.replace(MODEL, made_for=CHEST)
    return client


def click(banner: Banner, name: str) -> None:
    button = banner.findChild(QPushButton, name)
    assert button is not None
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize(("make", "told"), [(spine, "modality CT"), (heart, "modality US")])
@on_qt_loop
async def test_a_draft_waits_for_a_word_and_is_asked_for_it_once(
    make: Callable[[Path], Path], told: str, tmp_path: Path
) -> None:
    async with shown(tmp_path) as bench:
        client = await chest_worker(bench)
        await bench.open(make(tmp_path))
        window, banner = bench.window, bench.window.banner
        for _ in range(2):  # left once, it is asked for again
            window.commands["draft"].trigger()
            await until(lambda: told in bench.notice)
            assert banner.notice is not None
            assert banner.notice.kind is NoticeKind.WARNING
            assert not window.drafting.busy
            assert client.asked == ()
            assert client.prepared == [], "not even its prefix is encoded"
            click(banner, "bannerDecline")
            assert bench.notice == ""
        window.commands["draft"].trigger()
        await until(lambda: told in bench.notice)
        click(banner, "bannerAction")
        await until(lambda: client.busy)
        client.fill(REPORT)
        await until(lambda: bench.report.text == REPORT)
        for command in ("infill", "draft"):
            await bench.ask(command, client)
            assert bench.notice == ""
            press(window.editor, "Esc")
            await until(lambda: not window.drafting.busy)


@on_qt_loop
async def test_a_question_waits_too_and_stays_in_its_field(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await chest_worker(bench)
        await bench.open(spine(tmp_path))
        bar = bench.window.ask_bar
        bar.field.setText("Is it broken?")
        bar.field.returnPressed.emit()
        await until(lambda: "modality CT" in bench.notice)
        assert client.question is None
        assert bar.field.text() == "Is it broken?"
        assert not bar.said.isVisible()
        click(bench.window.banner, "bannerAction")
        await until(lambda: client.busy)
        assert client.question == "Is it broken?"
        client.fill("No.")
        await until(lambda: not bench.window.asking.busy)
        await bench.ask("draft", client)  # the word was given for the study, not the command


@on_qt_loop
async def test_a_film_of_the_chest_is_not_asked_about_and_a_doubt_is_told(tmp_path: Path) -> None:
    nameless = save(
        tmp_path / "nameless.dcm", make_dataset(StudyDescription="Follow up", PatientID="2")
    )
    async with shown(tmp_path) as bench:
        client = await chest_worker(bench)
        await bench.open()
        await bench.drafted(client)
        assert bench.notice == ""
        bench.window.open_paths([nameless])
        await until(lambda: bench.window.session.study.path == nameless)  # type: ignore[union-attr]
        await bench.ask("draft", client)
        assert "does not tell the body part" in bench.notice
        client.fill(REPORT)
        await until(lambda: not bench.window.drafting.busy)
        await bench.ask("draft", client)
        assert bench.notice == "", "told once"


@on_qt_loop
async def test_the_word_is_of_the_study_on_screen(tmp_path: Path) -> None:
    async with shown(tmp_path) as bench:
        client = await chest_worker(bench)
        await bench.open(spine(tmp_path))
        bench.window.commands["draft"].trigger()
        await until(lambda: "modality CT" in bench.notice)
        bench.window.open_paths([bench.study])
        await until(lambda: bench.window.session.study.path == bench.study)  # type: ignore[union-attr]
        await until(lambda: not bench.window.switching.moving)
        assert bench.notice == ""
        assert client.asked == ()


@on_qt_loop
async def test_a_comparison_waits_for_the_word_on_both_models(tmp_path: Path) -> None:
    async with compared(tmp_path) as it:
        it.client.model = msgspec.structs.replace(MODEL, made_for=CHEST)
        spine_file = spine(tmp_path)
        it.bench.window.open_paths([spine_file])
        await until(lambda: it.bench.window.session.study.path == spine_file)  # type: ignore[union-attr]
        await it.start()
        await until(lambda: "modality CT" in it.notice)
        await until(lambda: not it.comparing.busy)
        assert it.client.asked == ()
        click(it.window.banner, "bannerAction")
        await it.warmed(it.client)
        assert it.notice == ""


def test_a_word_counts_for_one_study_and_one_checkpoint(tmp_path: Path) -> None:
    model = msgspec.structs.replace(MODEL, made_for=CHEST)
    other = msgspec.structs.replace(model, checkpoint="/checkpoints/other", name="other")
    adapted = msgspec.structs.replace(model, adapter="more", adapters=("more",))
    study, second = read_study(spine(tmp_path)), read_study(heart(tmp_path))
    consent = Consent()
    with pytest.raises(Outside, match="modality CT") as caught:
        consent.check(study, model)
    consent.give(caught.value)
    consent.check(study, model)
    assert not consent.holds(study, model)
    for asked in ((study, other), (study, adapted), (second, model)):
        assert consent.holds(*asked)
    with pytest.raises(Outside) as caught:
        consent.check(study, model, other)
    assert "other was made for" in str(caught.value)
    assert f"{MODEL.name} was" not in str(caught.value)
