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
from typing import IO, Any, Final

import resources
from desktop.report.coding import encode
from desktop.report.files import read_regular
from desktop.report.model import Report
from desktop.report.recovery import VARIABLE as RECOVERY_VARIABLE
from desktop.report.recovery import RecoveryCopies
from desktop.report.store import ReportStore, StoreError, decode
from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import read_study

TROUBLES: Final = ("none", "conflict", "no folder", "full", "full everywhere", "full for a while")
MOST_SECONDS: Final = 1.0
"""How much typing a kill may cost."""

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
    study = resources.demo_studies()[0]
    identity = read_study(study).identity
    for number in range(times):
        rng = random.Random(f"{seed}-{number}")
        trial = one_trial(study, identity, rng, TROUBLES[number % len(TROUBLES)])
        summary.trials.append(trial)
        tell(f"{number + 1}: {trial}")
    return summary


def one_trial(study: Path, identity: StudyIdentity, rng: random.Random, trouble: str) -> Trial:
    with tempfile.TemporaryDirectory(prefix="pinfill-kill-") as name:
        place = _Place(Path(name), identity)
        window = subprocess.Popen(
            [sys.executable, "-m", "desktop.kill_trials", "--child", str(study)],
            env=os.environ | place.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert window.stdout is not None
            if not window.stdout.readline().startswith("ready"):
                raise RuntimeError("the window did not start")
            time.sleep(rng.uniform(0.1, 1.5))
            place.trouble(trouble, window.pid)
            time.sleep(rng.uniform(0.0, 2.5))
            if trouble == "full for a while":
                place.heal()
                time.sleep(rng.uniform(0.0, 1.5))
        finally:
            window.send_signal(signal.SIGKILL)
            window.wait()
        return _judge(place, trouble, window.stdout)


class _Place:
    """Where one window keeps its files, and what happens to them."""

    def __init__(self, root: Path, identity: StudyIdentity) -> None:
        self.data, self.state = root / "data", root / "state"
        self.identity = identity
        self.environment = {
            "PINFILL_DATA_DIR": str(self.data),
            RECOVERY_VARIABLE: str(self.state),
            "QT_QPA_PLATFORM": "offscreen",
        }
        self.store = ReportStore(self.data / "reports")

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


def _judge(place: _Place, trouble: str, told: IO[str]) -> Trial:
    """``told`` has a line for each key: when it was pressed, and what the window said then."""
    lines = [line.split() for line in told.read().splitlines(keepends=True) if line.endswith("\n")]
    times = [float(line[0]) for line in lines]
    if not times:
        return Trial(trouble, 0, 0.0, False, False)
    said = int(lines[-1][1])
    typed = "".join(_WORDS[number % len(_WORDS)] for number in range(len(times)))

    def age(text: str) -> float:
        """How long ago the first character was typed that ``text`` does not hold."""
        pairs = enumerate(zip(text, typed, strict=False))
        same = min(len(text), len(typed))
        kept = next((at for at, (one, other) in pairs if one != other), same)
        return times[-1] - times[kept] if kept < len(times) else 0.0

    on_disk = place.saved()
    silent = age(on_disk) > MOST_SECONDS and said < _SAID
    lost = min(age(text) for text in [on_disk, *place.copied()])
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


def _child(study: Path) -> None:
    import qasync

    from desktop.app import application, build_window
    from desktop.collector import collecting_on_this_thread
    from desktop.model_choice import ModelChoice
    from desktop.walkthrough import open_study

    async def type_on() -> None:
        window = build_window(ModelChoice(resources.demo_checkpoint()))
        window.show()
        await open_study(window, [study])
        print("ready", flush=True)
        number = 0
        while True:
            _press(window.editor, _WORDS[number % len(_WORDS)])
            number += 1
            mark = window.unsaved_mark.text
            said = _SAID_NO_COPY if "No recovery copy" in mark else int("Not saved" in mark)
            print(f"{time.monotonic():.4f} {said}", flush=True)
            if number % _KEYS_A_SECOND == 0:
                window.banner.dismiss()
            await asyncio.sleep(1 / _KEYS_A_SECOND)

    _fill_the_disk()
    with collecting_on_this_thread(), qasync.QEventLoop(application()) as loop:
        loop.run_until_complete(type_on())


def _press(editor: Any, character: str) -> None:
    from PySide6.QtCore import QCoreApplication, QEvent, Qt
    from PySide6.QtGui import QKeyEvent

    key = Qt.Key.Key_Space if character == " " else Qt.Key(ord(character.upper()))
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, key, Qt.KeyboardModifier.NoModifier, character)
        QCoreApplication.sendEvent(editor, event)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m desktop.kill_trials", description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child is not None:
        _child(options.child)
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
