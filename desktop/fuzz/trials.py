"""Opening one file as the window does, and measuring what that took."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Final

from desktop.studies.errors import StudyError
from desktop.studies.isolation import DecodingEnded, Reader
from desktop.studies.lateness import LONGEST, processor_seconds
from desktop.studies.reading import Study
from desktop.viewer.pixels import model_image, voi_lookup

MAX_SECONDS: Final = 10.0
"""Of the processor where that is shared."""
MAX_MEMORY: Final = 1 << 30
"""Bytes of the reading process beyond what it holds at rest and the picture itself."""

_SLACK: Final = 1.0
"""Seconds in which a process that is late is ended and replaced."""


class Ending(StrEnum):
    """How opening a file ended. The last four are failures."""

    OPENED = "opened"
    REFUSED = "refused with a sentence"
    CRASHED = "refused after its decoder crashed"
    GIVEN_UP = "refused after ten seconds"
    FAULT = "FAULT in the window's process"
    UNTRUE = "OTHER VALUES than an independent decoder's"
    LATE = "OVER TIME"
    LARGE = "OVER MEMORY"


FAILURES: Final = frozenset({Ending.FAULT, Ending.UNTRUE, Ending.LATE, Ending.LARGE})


@dataclass(frozen=True)
class Outcome:
    """How it ended, what was said, seconds and bytes."""

    ending: Ending
    told: str = ""
    seconds: float = 0.0
    memory: int = 0


class Trials:
    """Opens files in a reading process of its own, one after the other."""

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader = reader or Reader()

    def __enter__(self) -> Trials:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()

    def open(self, path: Path, *, search: bool = True) -> tuple[Outcome, Study | None]:
        """Search for, read and draw ``path``; without ``search`` read and draw it."""
        self._reader.start()
        rest = self._peak(reset=True)
        pid, used = self._reader.pid, self._used()
        start = time.perf_counter()
        study, ending, told = None, Ending.OPENED, ""
        try:
            if search:
                self._reader.find([path])
            study = self._reader.read(path)
            draw(study)
        except DecodingEnded as error:
            ending, told = Ending.GIVEN_UP if error.late else Ending.CRASHED, str(error)
        except StudyError as error:
            ending, told = Ending.REFUSED, str(error)
        except Exception as error:  # what no file may bring about
            ending, told = Ending.FAULT, f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - start
        memory = max(self._peak() - rest, 0)
        own = study.image.stored.nbytes if study else 0
        if ending is not Ending.FAULT:
            if memory > MAX_MEMORY + own:
                ending = Ending.LARGE
            elif _is_late(seconds, self._used_since(pid, used)):
                ending = Ending.LATE
        return Outcome(ending, told, seconds, memory), study

    def _used(self) -> float | None:
        """Seconds of the processor that this process and the reading one have used."""
        pid = self._reader.pid
        used = processor_seconds(pid) if pid is not None else None
        return None if used is None else used + time.process_time()

    def _used_since(self, pid: int | None, before: float | None) -> float | None:
        """``None`` where the system does not say, or the reading process is another."""
        now = self._used()
        if now is None or before is None or pid != self._reader.pid:
            return None
        return now - before

    def _peak(self, *, reset: bool = False) -> int:
        """The most bytes that the process has held since the last reset; 0 where none can tell."""
        with contextlib.suppress(OSError, IndexError, ValueError):
            process = Path("/proc", str(self._reader.pid))
            if reset:
                (process / "clear_refs").write_text("5")
            text = (process / "status").read_text()
            return int(text.split("VmHWM:")[1].split()[0]) * 1024
        return 0


def _is_late(seconds: float, used: float | None) -> bool:
    """Whether a file took too long, ``used`` seconds of the processor where known."""
    if seconds <= MAX_SECONDS + _SLACK:
        return False
    return used is None or used > MAX_SECONDS or seconds > LONGEST * MAX_SECONDS + _SLACK


def draw(study: Study) -> None:
    """All that the window computes of a picture when it shows one."""
    voi_lookup(study.image)
    model_image(study.image)
    for preset in study.image.presets[:4]:
        voi_lookup(study.image, preset.voi)
