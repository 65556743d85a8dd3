"""One case after the other in a process of its own, under a clock."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from inference.fuzz.mutations import mutate

Kind = Literal["checkpoints", "adapters"]
KINDS: Final[tuple[Kind, ...]] = ("checkpoints", "adapters")
MAX_SECONDS: Final = 10.0
"""What a case may take."""

MAX_MEMORY: Final = 2**30
"""Bytes by which a case may make the process grow."""

STARTING_SECONDS: Final = 300.0
FAILURES: Final = ("fault", "crash", "hang", "memory")


@dataclass(frozen=True)
class Outcome:
    """``ending`` is loaded, refused or one of :data:`FAILURES`; ``said`` is the sentence of it."""

    number: int
    file: str
    ending: str
    said: str
    seconds: float
    memory: int


@dataclass
class Summary:
    """What came of many cases."""

    endings: Counter[str] = field(default_factory=Counter)
    failures: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0

    def add(self, outcome: Outcome) -> None:
        self.endings[outcome.ending] += 1
        self.seconds = max(self.seconds, outcome.seconds)
        self.memory = max(self.memory, outcome.memory)
        if outcome.ending in FAILURES:
            self.failures.append(outcome)


def run(kind: Kind, seed: int, numbers: Iterable[int]) -> Summary:
    """Load the cases of these numbers; equal seeds and numbers make equal cases."""
    summary = Summary()
    with Trials(kind, seed) as trials:
        for number in numbers:
            summary.add(trials.load(number))
    return summary


def make_case(base: Path, folder: Path, seed: int, number: int) -> str:
    """A copy of ``base`` with one file mutated; the name of that."""
    draw = random.Random(f"{seed}:{number}")
    folder.mkdir()
    for file in base.iterdir():
        os.link(file, folder / file.name)
    return mutate(folder, draw)


class Trials:
    """A process that loads cases; another takes its place where one ends it or holds it up."""

    def __init__(self, kind: Kind, seed: int) -> None:
        self._kind, self._seed = kind, seed
        self._folder = Path(tempfile.mkdtemp(prefix="pinfill-fuzz-"))
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def load(self, number: int) -> Outcome:
        """Load a case and tell how it ended."""
        started = time.monotonic()
        self._pipe.send(number)
        try:
            if self._pipe.poll(MAX_SECONDS):
                outcome: Outcome = self._pipe.recv()
                return outcome
            ending, said = "hang", f"no answer within {MAX_SECONDS:.0f} s"
        except (EOFError, OSError):
            self._process.join(10)
            ending, said = "crash", f"exit code {self._process.exitcode}"
        self._stop()
        self._start()
        return Outcome(number, "", ending, said, time.monotonic() - started, 0)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(theirs, self._kind, self._seed, self._folder), daemon=True
        )
        self._process.start()
        theirs.close()
        if not self._pipe.poll(STARTING_SECONDS):
            raise TimeoutError("the process that loads the cases did not start")
        self._pipe.recv()

    def _stop(self) -> None:
        self._process.kill()
        self._process.join()
        self._pipe.close()


def _serve(pipe: Connection, kind: Kind, seed: int, folder: Path) -> None:
    """The life of the process: cases by their numbers, until it is killed."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 (libraries complain of every case)
    import psutil
    import torch

    from inference.fuzz.loading import Loader

    torch.set_num_threads(1)
    loader = Loader(kind, folder)
    pipe.send("ready")
    process = psutil.Process()
    while True:
        number = pipe.recv()
        case = folder / f"case-{os.getpid()}-{number}"
        before, started = process.memory_info().rss, time.monotonic()
        file = make_case(loader.base, case, seed, number)
        ending, said = loader.load(case)
        seconds, grown = time.monotonic() - started, process.memory_info().rss - before
        if ending not in FAILURES and grown > MAX_MEMORY:
            ending = "memory"
        shutil.rmtree(case)
        pipe.send(Outcome(number, file, ending, said, seconds, grown))
