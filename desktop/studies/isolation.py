"""Finding and reading studies in another process, which is watched and replaced when it fails.

A file that crashes a decoder, fills the memory or takes for ever costs that process, never the one
that asked: it becomes a :class:`StudyError`, and the next file opens. The process is shared by all
that ask, started at the first question or by :func:`warm_up`, and ends with this one.
"""

from __future__ import annotations

import atexit
import contextlib
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, Final, cast

from numpy.typing import NDArray

from desktop.studies import limits, wire
from desktop.studies.errors import PassedOver, StudyError
from desktop.studies.lateness import LONGEST, Lateness
from desktop.studies.listing import Listed
from desktop.studies.names import shown, shown_path
from desktop.studies.reading import Study

COMMAND: Final = (sys.executable, "-P", "-m", "desktop.studies.reading_process")

_START_SECONDS: Final = 60.0
"""For a loaded machine to import what reads DICOM files."""

_TICK: Final = 0.05
"""Seconds in which a stop is noticed."""

_GRACE: Final = 1.0
"""Seconds that the process has to end by itself."""

_KEPT_BYTES: Final = 64 << 20
"""Of the memory shared with the process, between two pictures."""

_KEEPING_MEMORY: Final = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
}
"""For GNU's allocator: what goes back to the system is cleared again for the next film, which takes
as long as reading it."""

if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW
else:
    _CREATION_FLAGS = 0


class DecodingEnded(StudyError):
    """The process ended over a file: it crashed, or was ``late`` and ended from outside."""

    def __init__(self, sentence: str, *, late: bool) -> None:
        super().__init__(sentence)
        self.late = late


class _End(Enum):
    """Why a process was ended from outside."""

    STOPPED = auto()
    LATE = auto()
    STARVED = auto()


class _Lost(Exception):
    """The process has ended, by itself or by the watch, in the middle of a question."""


@dataclass
class _Question:
    """What is being asked, for the watch: when its time is over, and which file it is at.

    While a folder is ``listing`` it has no end but the reader's: the drive is slow, and no file.
    """

    stop: threading.Event
    seconds: float
    deadline: float = math.inf
    at: Path | None = None
    listing: Path | None = None
    end: _End | None = None
    listed: Listed = lambda folder, count: None

    def goes_on(self, answer: wire.Answer) -> bool:
        """Whether ``answer`` is a sign of life, which is taken note of, and no end."""
        match answer:
            case wire.Working():
                self.at, self.listing = Path(os.fsdecode(answer.path)), None
                self.deadline = time.monotonic() + self.seconds
            case wire.Listing():
                self.listing = Path(os.fsdecode(answer.folder))
                self.deadline = math.inf
                self.listed(self.listing, answer.count)
            case _:
                return False
        return True


class Reader:
    """The process, started anew after every failure. Any thread may ask; one at a time is served.

    ``seconds`` is the time that one file may take, counted from the moment that it is in memory.
    """

    def __init__(
        self, command: Sequence[str] = COMMAND, *, seconds: float = limits.SECONDS
    ) -> None:
        self._command = command
        self._seconds = seconds
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ready = False
        self._memory: int | None = None
        """A file in memory, shared with the process, through which pictures pass."""

    @property
    def pid(self) -> int | None:
        """The process, where one runs."""
        return self._process.pid if self._process is not None else None

    def start(self) -> None:
        """Start the process unless it runs, and do not wait. Raises :class:`StudyError`."""
        with self._turn:
            self._started()

    def close(self) -> None:
        """End the process; another question starts another."""
        with self._turn:
            self._end(_GRACE)

    def read(self, path: Path, stop: threading.Event | None = None) -> Study:
        """As :func:`read_study`."""
        request = wire.Read(_folder(), os.fsencode(path))
        answer, arrays, question = self._ask(request, stop)
        match answer:
            case wire.Opened():
                try:
                    return cast(Study, wire.unpacked(Study, answer.study, arrays))
                except wire.Malformed as error:
                    raise _crashed(path) from error
            case wire.Refused():
                raise StudyError(wire.bytes_text(answer.sentence))
        raise _failure(question)

    def find(
        self,
        paths: Sequence[Path],
        stop: threading.Event | None = None,
        listed: Listed | None = None,
    ) -> tuple[list[Path], list[StudyError]]:
        """As :func:`find_studies`."""
        hopeless: dict[Path, StudyError] = {}
        named = [os.fsencode(path) for path in paths]
        while True:
            request = wire.Find(_folder(), named, [os.fsencode(path) for path in hopeless])
            answer, _, question = self._ask(request, stop, listed)
            if isinstance(answer, wire.Found):
                found = [Path(os.fsdecode(path)) for path in answer.paths]
                errors = [StudyError(wire.bytes_text(error)) for error in answer.errors]
                notes = [PassedOver(wire.bytes_text(note)) for note in answer.notes]
                return found, [*errors, *hopeless.values(), *notes]
            if question.end is _End.STOPPED:
                return [], []
            at = question.at
            if question.listing or at is None or at in hopeless:  # not a file's fault
                return [], [*hopeless.values(), _failure(question)]
            hopeless[at] = _failure(question)

    def _ask(
        self,
        request: wire.Request,
        stop: threading.Event | None,
        listed: Listed | None = None,
    ) -> tuple[wire.Answer | None, list[NDArray[Any]], _Question]:
        """The answer and its arrays, or ``None`` and what ended the process instead."""
        stop = stop or threading.Event()
        question = _Question(stop, self._seconds)
        question.listed = listed or question.listed
        while not self._turn.acquire(timeout=_TICK):
            if stop.is_set():
                question.end = _End.STOPPED
                return None, [], question
        try:
            if stop.is_set():
                question.end = _End.STOPPED
                return None, [], question
            question.deadline = time.monotonic() + _START_SECONDS
            process = self._started()
            with _watch(process, question):
                answer, arrays = self._exchange(process, request, question)
            return answer, arrays, question
        except _Lost:
            self._end(0)
            return None, [], question
        except BaseException:  # Ctrl-C, say: what the process sends from here on has no reader
            self._end(0)
            raise
        finally:
            self._turn.release()

    def _exchange(
        self, process: subprocess.Popen[bytes], request: wire.Request, question: _Question
    ) -> tuple[wire.Answer, list[NDArray[Any]]]:
        assert process.stdin is not None
        assert process.stdout is not None
        source, sink = cast(wire.Source, process.stdout), cast(wire.Sink, process.stdin)
        try:
            if not self._is_ready:
                wire.receive_answer(source)
                self._is_ready = True
            # A search names its folder or its file first; until then no file is to blame.
            patience = question.seconds if isinstance(request, wire.Read) else _START_SECONDS
            question.deadline = time.monotonic() + patience
            wire.send(sink, request)
            while True:
                answer, arrays = wire.receive_answer(source, self._memory)
                if not question.goes_on(answer):
                    # Not before: behind a sign of life the process may be writing there already.
                    self._free_memory()
                    return answer, arrays
        except (EOFError, OSError, wire.Malformed) as error:
            raise _Lost from error

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._end(0)
        if self._process is None:
            self._is_ready = False
            self._memory = _shared_memory()
            shared = [self._memory] if self._memory is not None else []
            try:
                self._process = subprocess.Popen(
                    self._command,
                    pass_fds=shared,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    bufsize=0,
                    env={
                        **os.environ,
                        "OPENBLAS_NUM_THREADS": "1",
                        "OMP_NUM_THREADS": "1",
                        wire.MEMORY_VARIABLE: "".join(map(str, shared)),
                        **_KEEPING_MEMORY,
                    },
                    creationflags=_CREATION_FLAGS,
                )
            except OSError as error:
                self._end(0)
                raise StudyError(
                    f"The process that reads DICOM files cannot be started ({error.strerror}): "
                    "close other programs and try again."
                ) from error
        return self._process

    def _free_memory(self) -> None:
        """Give the room of a large picture back; that of a film is used again, which is faster."""
        if self._memory is not None and os.fstat(self._memory).st_size > _KEPT_BYTES:
            os.ftruncate(self._memory, 0)

    def _end(self, grace: float) -> None:
        process, self._process = self._process, None
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None
        if process is None:
            return
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):
            process.stdin.close()
        if grace:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def _watch(process: subprocess.Popen[bytes], question: _Question) -> Iterator[None]:
    """Kill the process when the question is stopped or its time is over."""
    done = threading.Event()

    lateness = Lateness(process.pid)

    def watch() -> None:
        while not done.wait(_TICK):
            if question.stop.is_set():
                question.end = _End.STOPPED
            elif lateness.is_late(question.deadline, question.seconds):
                question.end = _End.STARVED if lateness.starved else _End.LATE
            else:
                continue
            process.kill()
            return

    watcher = threading.Thread(target=watch, name="reading-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _shared_memory() -> int | None:
    """A new file in memory, where the system has such."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return os.memfd_create("pinfill-pictures")
    return None


def _folder() -> bytes:
    try:
        return os.fsencode(os.getcwd())
    except OSError:  # deleted
        return b""


def _failure(question: _Question) -> StudyError:
    """What to say of a question that has found no answer."""
    if question.end is _End.STOPPED:
        return StudyError("Reading was stopped: open the file again to read it.")
    if question.listing is not None:
        return StudyError(
            f"{shown_path(question.listing)} could not be listed: the process that reads it "
            "ended. Try again, or copy the studies to this computer and open them there."
        )
    if question.at is None:
        return StudyError(
            "The process that reads DICOM files ended before it read any: "
            "run `pinfill doctor` to learn what is missing."
        )
    if question.end is _End.STARVED:
        return DecodingEnded(
            f"{shown(question.at.name)} could not be read within {LONGEST * question.seconds:g} "
            "seconds, for other programs use the processor: close some, then open it again.",
            late=True,
        )
    if question.end is _End.LATE:
        return DecodingEnded(
            f"{shown(question.at.name)} takes more than {question.seconds:g} seconds to read, so "
            "it was given up: fetch it again from its source, or export it uncompressed.",
            late=True,
        )
    return _crashed(question.at)


def _crashed(path: Path) -> DecodingEnded:
    return DecodingEnded(
        f"{shown(path.name)} made the process that decodes it crash, so it is damaged: "
        "fetch it again from its source.",
        late=False,
    )


_shared: Final = Reader()
atexit.register(_shared.close)


def warm_up() -> None:
    """Start the shared process ahead of the first question. Any failure is told by that."""
    with contextlib.suppress(StudyError):
        _shared.start()


def close() -> None:
    """End the shared process; the next question starts another."""
    _shared.close()


def read_study(path: Path, stop: threading.Event | None = None) -> Study:
    """Read one DICOM image. Raises :class:`StudyError`, and nothing else, on any bad file.

    Blocks; another thread ends the reading by setting ``stop``.
    """
    return _shared.read(path, stop)


def find_studies(
    paths: Sequence[Path],
    stop: threading.Event | None = None,
    listed: Listed | None = None,
) -> tuple[list[Path], list[StudyError]]:
    """DICOM images among files and folders, each once, and what the reader should know.

    As :func:`desktop.studies.folders.find_studies`; a file that ends the search is passed over
    and told. Blocks; another thread ends the search by setting ``stop``, and the answer is then
    without meaning. ``listed`` is told, in this thread, how far a listing is: that takes what time
    the drive needs.
    """
    return _shared.find(paths, stop, listed)
