"""Mutated DICOM files, and files around mutated codestreams and with mutated sequences."""

from __future__ import annotations

import struct
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from desktop.fuzz.mutations import Draw, mutated
from desktop.fuzz.seeds import Seed, seeds
from desktop.fuzz.sequences import nested_file
from desktop.fuzz.trials import FAILURES, Ending, Outcome, Trials

Make = Callable[[Draw], bytes]


def mutated_file(draw: Draw) -> bytes:
    """A file of any transfer syntax with mutations anywhere behind its preamble."""
    seed = seeds()[int(draw.integers(len(seeds())))]
    return seed.data[:132] + mutated(seed.data[132:], draw)


def mutated_codestream(draw: Draw) -> bytes:
    """A sound file around a frame with mutations, for every decoder."""
    compressed = [seed for seed in seeds() if seed.frame]
    seed = compressed[int(draw.integers(len(compressed)))]
    assert seed.frame is not None
    start, end = seed.frame
    return _with_frame(seed, start, end, mutated(seed.data[start:end], draw))


def _with_frame(seed: Seed, start: int, end: int, frame: bytes) -> bytes:
    frame += b"\0" * (len(frame) % 2)
    length = struct.pack("<I", len(frame))  # of the item that holds it
    return seed.data[: start - 4] + length + frame + seed.data[end:]


@dataclass
class Tally:
    """What came of many cases: how they ended, the worst, and which to try again."""

    endings: Counter[Ending] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0
    notable: list[tuple[int, Outcome]] = field(default_factory=list)

    def add(self, number: int, outcome: Outcome) -> None:
        self.endings[outcome.ending] += 1
        self.seconds = max(self.seconds, outcome.seconds)
        self.memory = max(self.memory, outcome.memory)
        if outcome.ending not in (Ending.OPENED, Ending.REFUSED):
            self.notable.append((number, outcome))

    def merge(self, other: Tally) -> None:
        self.endings += other.endings
        self.seconds = max(self.seconds, other.seconds)
        self.memory = max(self.memory, other.memory)
        self.notable += other.notable

    @property
    def failed(self) -> bool:
        return any(self.endings[ending] for ending in FAILURES)


MAKERS: dict[str, tuple[Make, bool]] = {
    "files": (mutated_file, True),
    "codestreams": (mutated_codestream, False),
    "sequences": (nested_file, True),
}
"""How the cases of each kind are made, and whether they are searched for, too."""


def run(kind: str, seed: int, numbers: Iterable[int]) -> Tally:
    """Open the cases of these numbers. The same seed and number make the same case."""
    make, search = MAKERS[kind]
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="pinfill-fuzz-") as folder, Trials() as trials:
        path = Path(folder, "case.dcm")
        for number in numbers:
            path.write_bytes(make(np.random.default_rng([seed, number])))
            tally.add(number, trials.open(path, search=search)[0])
    return tally
