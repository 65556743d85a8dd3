"""``python -m desktop.bench_opening``: what the process of its own costs an image that is opened.

The same files are read in this process and in the reading process by turns. What counts is the time
of the processors, both processes together, for they work one after the other and a busy machine
makes the time on the clock anything.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1

from desktop.fuzz.seeds import dicom_file
from desktop.studies import isolation, reading
from desktop.studies.reading import Study
from inference.arguments import ArgumentParser
from resources import demo_studies

MOST_MS: Final = 20.0
_SHAPE: Final = (3000, 2500)
"""A chest film of 43 x 35 cm at 0.143 mm."""

_FILMS: Final[dict[UID, Callable[[NDArray[np.uint16]], bytes] | None]] = {
    ExplicitVRLittleEndian: None,
    JPEGLosslessSV1: lambda film: bytes(imagecodecs.jpeg8_encode(film, lossless=True)),
    JPEG2000Lossless: lambda film: bytes(imagecodecs.jpeg2k_encode(film, codecformat="j2k")),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each file; 1 where the median costs more than it may."""
    parser = ArgumentParser(prog="python -m desktop.bench_opening", description=__doc__)
    parser.add_argument("--turns", type=int, default=15, metavar="N", help="readings of each kind")
    turns = parser.parse_args(arguments).turns
    over = False
    reader = isolation.Reader()
    with tempfile.TemporaryDirectory(prefix="pinfill-bench-") as folder:
        print(f"{'here':>9} {'isolated':>9} {'more':>9}   medians of {turns} in ms of processor")
        for path in (*demo_studies(), *films(Path(folder))):
            here, there = compared(path, reader, turns)
            over |= there - here > MOST_MS
            print(f"{here:9.1f} {there:9.1f} {there - here:9.1f}   {path.name}")
    reader.close()
    return int(over)


def compared(path: Path, reader: isolation.Reader, turns: int) -> tuple[float, float]:
    """Medians in milliseconds: read here, and read in the other process."""
    ways = (reading.read_study, reader.read)
    for way in ways:
        way(path)  # once for the caches of the disk and of the memory
    times = [[_ms(way, path, reader) for way in ways] for _ in range(turns)]
    here, there = (statistics.median(column) for column in zip(*times, strict=True))
    return here, there


def films(folder: Path) -> list[Path]:
    """A radiograph's size and depth, stored plainly and in two lossless compressions."""
    y, x = np.mgrid[0 : _SHAPE[0], 0 : _SHAPE[1]]
    noise = np.random.default_rng(1).integers(0, 40, _SHAPE)
    film = ((x + y) * 4055 // sum(_SHAPE) + noise).astype(np.uint16)
    paths = []
    for syntax, encode in _FILMS.items():
        path = folder / f"film of 3000 x 2500, {syntax.name}.dcm"
        path.write_bytes(dicom_file(syntax, film, encode(film) if encode else None))
        paths.append(path)
    return paths


def _ms(way: Callable[[Path], Study], path: Path, reader: isolation.Reader) -> float:
    start, before = time.process_time(), _processor_ms(reader)
    way(path)
    return (time.process_time() - start) * 1000 + _processor_ms(reader) - before


def _processor_ms(reader: isolation.Reader) -> float:
    """What the reading process has used; Linux counts it in nanoseconds for each thread."""
    tasks = Path("/proc", str(reader.pid), "task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e6


if __name__ == "__main__":
    sys.exit(main())
