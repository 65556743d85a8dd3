"""Kills of the window while words are typed, with conflicts and disks that refuse mixed in.

    python -m desktop.kill_trials [--times 200] [--seed 0]

Each trial starts a window of its own, types into it by key events, lets the disk turn against it
and ends it by SIGKILL at a random moment. What was typed more than a second before must then be in
the report's file or in a recovery copy, and where it was not in the report's file the window must
have said so. POSIX alone; full disks of every place need Linux.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import resources
from desktop.report.coding import encode
from desktop.report.files import read_regular
from desktop.report.model import Report
from desktop.report.recovery import VARIABLE as RECOVERY_VARIABLE
from desktop.report.recovery import RecoveryCopies
from desktop.report.store import ReportStore, StoreError, decode
from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import read_study
from inference.arguments import ArgumentParser

TROUBLES: Final = ("none", "conflict", "no folder", "full", "full everywhere", "full for a while")
MOST_SECONDS: Final = 1.0
"""How much typing a kill may cost."""

_START_SECONDS: Final = 120.0
_KEYS_A_SECOND: Final = 30
_WORDS: Final = "the heart is of normal size and no effusion is seen in either lung "
_FULL: Final = "disk-is-full"
_SAID, _SAID_NO_COPY = 1, 2


@dataclass(frozen=True)
class Trial:
    """What one kill came to: seconds of typing lost, and what the window had failed to say."""

    trouble: str
    typed: int
    lost_seconds: float
    silent: bool
    warned_of_loss: bool


@dataclass
class Summary:
    """What all kills came to."""

    trials: list[Trial] = field(default_factory=list)

    @property
    def failures(self) -> list[Trial]:
        return [
            trial
            for trial in self.trials
            if trial.silent or (trial.lost_seconds > MOST_SECONDS and not trial.warned_of_loss)
        ]

    def __str__(self) -> str:
        kept = [trial for trial in self.trials if not trial.warned_of_loss]
        most = max((trial.lost_seconds for trial in kept), default=0.0)
        kinds = Counter(trial.trouble for trial in self.trials)
        mixed = ", ".join(f"{kinds[name]} × {name}" for name in TROUBLES if kinds[name])
        return (
            f"{len(self.trials)} kills ({mixed}); {sum(t.typed for t in self.trials):,} characters "
            f"typed; at most {most:.2f} s of typing lost; no place to write at all, and said so: "
            f"{len(self.trials) - len(kept)}; silent: {sum(t.silent for t in self.trials)}; "
            f"failed: {len(self.failures)}"
        )


def run(times: int, seed: int, tell: Callable[[str], None] = lambda _: None) -> Summary:
    """Kill ``times`` windows; ``tell`` gets a line for each."""
    summary = Summary()
    with Windows(resources.demo_studies()[0]) as windows:
        for number in range(times):
            rng = random.Random(f"{seed}-{number}")
            trial = one_trial(windows, rng, TROUBLES[number % len(TROUBLES)])
            summary.trials.append(trial)
            tell(f"{number + 1}: {trial}")
    return summary


def one_trial(windows: Windows, rng: random.Random, trouble: str) -> Trial:
    with tempfile.TemporaryDirectory(prefix="pinfill-kill-") as name:
        place = _Place(Path(name), windows.identity)
        place.listen()
        pid = windows.start(place)
        try:
            time.sleep(rng.uniform(0.1, 1.5))
            began = time.monotonic()
            place.trouble(trouble, pid)
            time.sleep(rng.uniform(0.0, 2.5))
            if trouble == "full for a while":
                place.heal()
                time.sleep(rng.uniform(0.0, 1.5))
        finally:
            _kill(pid)
        trial = _judge(place, trouble, began, place.hear())
        place.close()
        return trial


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        while True:
            os.kill(pid, 0)
            time.sleep(0.005)


class Windows:
    """A process that has imported all that a window needs and forks one whenever it is asked."""

    def __init__(self, study: Path) -> None:
        self.identity = read_study(study).identity
        self._process = subprocess.Popen(
            [sys.executable, "-m", "desktop.kill_trials", "--windows", str(study)],
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Windows:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def start(self, place: _Place) -> int:
        """Start a window that keeps its files in ``place``; returns its number once it is typed in.

        Raises :class:`RuntimeError` if it does not come.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(f"{place.root}\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            first, ended, _ = place.hear().partition("\n")
            if ended:
                return int(first)
            time.sleep(0.01)
        raise RuntimeError("the window did not start")


class _Place:
    """Where one window keeps its files, and what happens to them."""

    def __init__(self, root: Path, identity: StudyIdentity) -> None:
        self.root, self.data, self.state = root, root / "data", root / "state"
        self.told = root / "told"
        """A pipe, which no full disk stops: the window's number, then a line for each key."""
        self._heard = ""
        self._pipe = -1
        self.identity = identity
        self.environment = {
            "PINFILL_DATA_DIR": str(self.data),
            RECOVERY_VARIABLE: str(self.state),
        }
        self.store = ReportStore(self.data / "reports")

    def listen(self) -> None:
        os.mkfifo(self.told)
        self._pipe = os.open(self.told, os.O_RDONLY | os.O_NONBLOCK)

    def hear(self) -> str:
        """All that the window has told so far."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._pipe, 1 << 16):
                self._heard += data.decode()
        return self._heard

    def close(self) -> None:
        os.close(self._pipe)

    def trouble(self, kind: str, pid: int) -> None:
        match kind:
            case "conflict":
                theirs = Report()
                theirs.insert(0, "Theirs.")
                path = self.store.path(self.identity)
                path.parent.mkdir(parents=True, exist_ok=True)
                written = path.with_suffix(".theirs")
                written.write_bytes(encode(theirs, self.identity))
                written.replace(path)
            case "no folder":
                folder = self.store.folder
                if folder.exists():
                    folder.rename(folder.with_name("away"))
                folder.parent.mkdir(parents=True, exist_ok=True)
                folder.write_text("a file where the folder should be")
            case "full" | "full for a while":
                self.data.mkdir(parents=True, exist_ok=True)
                (self.data / _FULL).touch()
            case "full everywhere":
                import resource

                resource.prlimit(pid, resource.RLIMIT_FSIZE, (16, 16))

    def heal(self) -> None:
        (self.data / _FULL).unlink()

    def saved(self) -> str:
        """The text in the report's own file."""
        folder = self.store.folder
        path = self.store.path(self.identity)
        if not folder.is_dir():
            path = folder.with_name("away") / path.name
        try:
            return decode(read_regular(path), self.identity).text
        except FileNotFoundError:
            return ""

    def copied(self) -> list[str]:
        copies = RecoveryCopies([self.state / "recovery"])
        return [copy.report.text for copy in copies.found(self.identity)]


def _judge(place: _Place, trouble: str, began: float, told: str) -> Trial:
    """``told`` has a line for each key: when it was pressed, and what the window said then.

    What stood on disk when the trouble ``began`` was taken from there behind the window's back;
    it can know from the first key behind that.
    """
    lines = [line.split() for line in told.splitlines(keepends=True)[1:] if line.endswith("\n")]
    times = [float(line[0]) for line in lines]
    if not times:
        return Trial(trouble, 0, 0.0, False, False)
    said = int(lines[-1][1])
    typed = "".join(_WORDS[number % len(_WORDS)] for number in range(len(times)))

    def missing_since(text: str) -> float:
        """When the first character was typed that ``text`` does not hold."""
        pairs = enumerate(zip(text, typed, strict=False))
        same = min(len(text), len(typed))
        kept = next((at for at, (one, other) in pairs if one != other), same)
        return times[kept] if kept < len(times) else times[-1]

    on_disk = place.saved()
    known = next((pressed for pressed in times if pressed > began), times[-1])
    unsaid = times[-1] - max(missing_since(on_disk), known)
    silent = unsaid > MOST_SECONDS and said < _SAID
    since = max(missing_since(text) for text in [on_disk, *place.copied()])
    if trouble == "conflict":
        since = max(since, known)
    lost = times[-1] - since
    return Trial(trouble, len(times), lost, silent, said == _SAID_NO_COPY)


# The window


def _fill_the_disk() -> None:
    """Let nothing be written to the data folder while a file there says that the disk is full."""
    data = Path(os.environ["PINFILL_DATA_DIR"])
    real = os.fsync

    def fsync(fd: Any) -> None:
        place = os.path.realpath(f"/proc/self/fd/{fd}")
        if place.startswith(str(data.resolve())) and (data / _FULL).exists():
            raise OSError(28, "No space left on device")
        real(fd)

    os.fsync = fsync


def _serve(study: Path) -> None:
    """Fork a window for each line of standard input, which names its place."""
    import desktop.app

    shown = read_study(study)
    # Another process that reads the file would be started and left behind for each kill.
    vars(desktop.session).update(
        read_study=lambda _path, _stop=None: shown,
        find_studies=lambda paths, *_: (list(paths), []),
    )
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the killed leave nothing behind
    while line := sys.stdin.readline():
        if os.fork() == 0:
            place = _Place(Path(line.rstrip("\n")), shown.identity)
            os.environ |= place.environment
            _fill_the_disk()
            _type_on(study, place.told)
            os._exit(1)


def _type_on(study: Path, told: Path) -> None:
    import qasync

    from desktop.app import application, build_window
    from desktop.model_choice import ModelChoice
    from desktop.walkthrough import open_study

    async def type_on() -> None:
        window = build_window(ModelChoice(resources.demo_checkpoint()))
        window.show()
        await open_study(window, [study])
        handle = os.open(told, os.O_WRONLY)
        os.write(handle, f"{os.getpid()}\n".encode())
        number = 0
        while True:
            _press(window.editor, _WORDS[number % len(_WORDS)])
            number += 1
            mark = window.unsaved_mark.text
            said = _SAID_NO_COPY if "No recovery copy" in mark else int("Not saved" in mark)
            os.write(handle, f"{time.monotonic():.4f} {said}\n".encode())
            if number % _KEYS_A_SECOND == 0:
                window.banner.dismiss()
            await asyncio.sleep(1 / _KEYS_A_SECOND)

    with qasync.QEventLoop(application()) as loop:
        loop.run_until_complete(type_on())


def _press(editor: Any, character: str) -> None:
    from PySide6.QtCore import QCoreApplication, QEvent, Qt
    from PySide6.QtGui import QKeyEvent

    key = Qt.Key.Key_Space if character == " " else Qt.Key(ord(character.upper()))
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, character)
        QCoreApplication.sendEvent(editor, event)


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m desktop.kill_trials", description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--windows", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.windows is not None:
        _serve(options.windows)
        return 0
    try:
        summary = run(options.times, options.seed, lambda line: print(line, flush=True))
    except (StoreError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    print(summary)
    return 1 if summary.failures else 0


if __name__ == "__main__":
    sys.exit(main())
