"""Text, header, image, draft and file belong to one study, whatever happens in which order."""

from __future__ import annotations

import asyncio
import json
import math
import tempfile
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from PySide6.QtCore import QEvent, QMimeData

from desktop import session as session_module
from desktop import theme
from desktop.app import application
from desktop.main_window import MainWindow
from desktop.report.coding import decode_any, encode
from desktop.report.model import Report
from desktop.report.recovery import RecoveryCopies
from desktop.report.store import ReportStore
from desktop.session import StudySession
from desktop.settings import Settings
from desktop.studies.errors import StudyError
from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import Study
from desktop.viewer.pixels import StoredImage
from desktop.worker_link import WorkerLink, WorkerState
from inference.protocol import Gap
from tests.desktop.bench import CHOICE
from tests.desktop.fake_worker import FakeLauncher

SHARED: Final = "1.2.3"
PATIENTS: Final = {
    "a": StudyIdentity(SHARED, "P1", "", "Ash^Ann"),
    "b": StudyIdentity(SHARED, "P2", "", "Birch^Bo"),
    "c": StudyIdentity(SHARED, "P1", "", "Cedar^Cy"),  # may be the first
    "d": StudyIdentity(SHARED, "", "", "Dogwood^Di"),
    "e": StudyIdentity("1.2.4", "P1", "", "Ash^Ann"),
}
OLD: Final = "[old]"
FAULTS: Final = (None, StudyError("it is damaged"), RuntimeError("a fault of ours"), math.nan)


def study_of(mark: str, spacing: float | None = None) -> Study:
    identity = PATIENTS[mark]
    image = StoredImage(
        np.arange(16, dtype=np.uint16).reshape(4, 4),
        pixel_spacing=None if spacing is None else (spacing, 1.0),
    )
    texts: dict[str, Any] = dict.fromkeys(
        ("sex", "age", "study_date", "description", "modality", "body_part", "view"), ""
    )
    return Study(
        path=Path(f"/{mark}.dcm"),
        identity=identity,
        patient_name=identity.name,
        patient_id=identity.patient_id,
        study_uid=identity.study,
        series_uid="",
        instance_uid="",
        image=image,
        **texts,
    )


class Switches(RuleBasedStateMachine):
    """Each text that is put in names its patient: where it turns up says whose words they are."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.store = ReportStore(Path(self.folder.name) / "reports")
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(theme, "apply", lambda *_: None)  # most of the time of a new window
        self.patch.setattr(session_module, "read_study", self.read)
        self.patch.setattr(session_module, "find_studies", lambda paths, *_: (list(paths), []))
        self.fault: object = None
        self.raising = 0
        self.texts = dict.fromkeys(PATIENTS, "")  # as they should be on screen
        self.saved = dict.fromkeys(PATIENTS, "")  # and on disk
        self.old_is_free = False
        self.count = 0
        self.drafted = ""
        self.run(self.begin())

    def read(self, path: Path, _stop: threading.Event) -> Study:
        fault, self.fault = self.fault, None
        if isinstance(fault, Exception):
            raise fault
        return study_of(path.stem, math.nan if fault is not None else None)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.loop.run_until_complete(asyncio.wait_for(work, 20))

    async def begin(self) -> None:
        folder = Path(self.folder.name)
        session = StudySession(ReportStore(self.store.folder), RecoveryCopies([folder / "copies"]))
        launcher = FakeLauncher()
        link = WorkerLink(launcher, CHOICE)
        self.window = MainWindow(session, link, Settings(folder / "settings.ini"))
        link.start()
        await self.settled(lambda: launcher.starts)
        self.client = launcher.ready()
        await self.settled(lambda: link.state is WorkerState.READY)
        real = self.window.report_pane.show_study

        def show(study: Study | None) -> None:
            if self.raising:
                self.raising -= 1
                raise RuntimeError("it cannot be drawn")
            real(study)

        self.patch.setattr(self.window.report_pane, "show_study", show)

    async def end(self) -> None:
        await self.window.shut_down()
        self.window.comparing.window.deleteLater()
        self.window.deleteLater()
        application().sendPostedEvents(None, QEvent.Type.DeferredDelete.value)

    async def settled(self, condition: Callable[[], object]) -> None:
        while not condition():
            await asyncio.sleep(0)

    async def moved(self) -> None:
        await self.settled(lambda: not self.window.switching.moving)

    @property
    def mark(self) -> str:
        study = self.window.session.study
        return study.path.stem if study is not None else ""

    def put_in(self, text: str) -> None:
        data = QMimeData()
        data.setText(text)
        self.window.editor.insertFromMimeData(data)

    def went(self) -> None:
        """What was left is on disk; who opens the shared study first takes the old report."""
        self.saved = dict(self.texts)
        if self.mark and self.old_is_free and PATIENTS[self.mark].study == SHARED:
            self.old_is_free = False
            self.texts[self.mark] = self.saved[self.mark] = OLD

    @initialize(old=st.booleans(), marks=st.permutations("abcde"))
    def begin_with(self, old: bool, marks: list[str]) -> None:
        if old:
            report = Report()
            report.insert(0, OLD)
            saved = json.loads(encode(report, PATIENTS["a"])) | {"version": 1, "patient": None}
            self.store.prepare()
            self.store.path_of_version_1(PATIENTS["a"]).write_text(json.dumps(saved))
            self.old_is_free = True
        self.open(marks, None)

    @rule(marks=st.permutations("abcde"), fault=st.sampled_from(FAULTS))
    def open(self, marks: list[str], fault: object) -> None:
        self.fault = fault

        async def go() -> None:
            self.window.open_paths([Path(f"/{mark}.dcm") for mark in marks])
            self.put_in("[astray]")
            await self.moved()

        self.run(go())
        assert self.mark == marks[0 if fault is None else 1]
        self.went()

    @precondition(lambda self: self.mark)
    @rule(steps=st.lists(st.sampled_from((-1, 1, 1)), min_size=1, max_size=4), types=st.booleans())
    def step(self, steps: list[int], types: bool) -> None:
        window, before = self.window, self.window.session.index
        wanted = before
        for by in steps:
            place = window.session.neighbour(by, wanted)
            wanted = wanted if place is None else place

        async def go() -> None:
            for by in steps:
                window.commands["next" if by > 0 else "previous"].trigger()
                if window.switching.moving:
                    self.put_in("[astray]")
            await self.moved()

        self.run(go())
        assert window.session.index == wanted
        if wanted != before:
            self.went()
        if types and not window.editor.locked:
            self.type()

    @precondition(lambda self: self.mark)
    @rule(
        index=st.integers(0, 4),
        fault=st.sampled_from(FAULTS[1:]),
        raising=st.integers(0, 2),
    )
    def fail_to_show(self, index: int, fault: object, raising: int) -> None:
        before = self.mark
        if index == self.window.session.index:
            return
        self.fault, self.raising = (None, raising) if raising else (fault, 0)

        async def go() -> None:
            self.window.switching.choose(index)
            await self.moved()

        self.run(go())
        self.fault, self.raising = None, 0
        assert self.mark == ("" if raising == 2 else before)
        if not raising:
            return
        self.saved = dict(self.texts)
        if self.old_is_free:  # found, though it was not shown in the end
            self.old_is_free = not self.store.was_ever_kept(SHARED)
            taken = [mark for mark in PATIENTS if self.store.path(PATIENTS[mark]).exists()]
            for mark in taken if not self.old_is_free else []:
                if not self.texts[mark]:
                    self.texts[mark] = self.saved[mark] = OLD

    @precondition(lambda self: self.mark and not self.window.editor.locked)
    @rule()
    def type(self) -> None:
        self.count += 1
        self.put_in(f"[{self.mark}{self.count}]")
        self.texts[self.mark] = self.window.editor.report.text

    @precondition(lambda self: self.mark)
    @rule()
    def take_back(self) -> None:
        self.window.commands["undo"].trigger()
        self.texts[self.mark] = self.window.editor.report.text

    @precondition(lambda self: self.mark and not self.window.drafting.busy)
    @rule()
    def draft(self) -> None:
        self.drafted = self.mark
        drafting = self.window.drafting

        async def go() -> None:
            self.window.commands["draft"].trigger()
            await self.settled(lambda: self.client.busy or not drafting.busy)

        self.run(go())

    @precondition(lambda self: self.client.busy)
    @rule()
    def finish_draft(self) -> None:
        async def go() -> None:
            gaps = sum(isinstance(piece, Gap) for piece in self.client.asked)
            self.client.fill(*[f"[{self.drafted}]"] * gaps)
            await self.settled(lambda: not self.window.drafting.busy)

        self.run(go())
        if self.mark == self.drafted:
            self.texts[self.mark] = self.window.editor.report.text

    @precondition(lambda self: self.mark)
    @rule()
    def take_draft(self) -> None:
        """What was written behind another study is there once it is asked for, not before."""
        notice = self.window.banner.notice
        if notice is not None and notice.topic == "job" and notice.action is not None:
            notice.action[1]()
            self.texts[self.mark] = self.window.editor.report.text

    @rule()
    def save(self) -> None:
        assert self.window.session.save()
        self.saved = dict(self.texts)

    @rule()
    def crash(self) -> None:
        """Another window on the same folder, without a word of farewell to the last."""

        async def go() -> None:
            await self.end()
            await self.begin()

        self.run(go())
        self.texts = dict(self.saved)

    @precondition(lambda self: any(self.saved.values()))
    @rule(mark=st.sampled_from("abcde"))
    def damage(self, mark: str) -> None:
        file = self.store.path(PATIENTS[mark])
        if mark != self.mark and file.exists():
            file.write_bytes(b"[" * 5_000)
            self.texts[mark] = self.saved[mark] = ""

    @invariant()
    def all_is_of_one_study(self) -> None:
        window, study = self.window, self.window.session.study
        assert window.viewport.study is study
        assert window.editor.report is window.session.report
        assert window.editor.locked == (window.drafting.busy and not window.drafting.away)
        if study is None:
            assert window.windowTitle() == "Pinfill"
            assert window.editor.report.text == ""
            return
        assert window.windowTitle() == f"{study.patient_name} — Pinfill"
        assert window.report_pane._patient.full_text == study.patient_name
        assert window.editor.report.text == self.texts[self.mark]
        assert_words_of(self.mark, window.editor.report.text)

    @invariant()
    def every_file_holds_its_own_words(self) -> None:
        old = 0
        for mark, identity in PATIENTS.items():
            file = self.store.path(identity)
            if file.exists() and file.stat().st_size != 5_000:
                report, owner = decode_any(file.read_bytes())
                assert owner.key == identity.key
                assert_words_of(mark, report.text)
                assert report.text == self.saved[mark] or mark == self.mark
                old += OLD in report.text
        assert old <= 1

    def teardown(self) -> None:
        self.run(self.end())
        self.patch.undo()
        self.loop.close()
        self.folder.cleanup()


def assert_words_of(mark: str, text: str) -> None:
    """Whatever it says but for the headings that a draft puts in."""
    for other in (OLD, "FINDINGS:", "IMPRESSION:", "]"):
        text = text.replace(other, "")
    assert all(word.startswith(mark) for part in text.split("[") if (word := part.strip())), text


@pytest.fixture(autouse=True)
def app() -> None:
    application()


Switches.TestCase.settings = settings(
    max_examples=4,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestSwitches = pytest.mark.filterwarnings("ignore::RuntimeWarning")(Switches.TestCase)
