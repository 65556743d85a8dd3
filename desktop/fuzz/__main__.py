"""``python -m desktop.fuzz``: open mutated files as the product does, and tell what came of it.

``--keep N`` with a kind writes the case of that number instead, to be looked at.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from desktop.fuzz.dicom import MAKERS, Tally, run
from desktop.fuzz.trials import FAILURES
from desktop.report import mutations
from inference.arguments import ArgumentParser

_CHUNK: Final = 1000
_MOST_TOLD: Final = 20


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.keep is not None:
        kind, number = options.keep
        make, _ = MAKERS[kind]
        path = Path(f"{kind}-{options.seed}-{number}.dcm")
        path.write_bytes(make(np.random.default_rng([options.seed, int(number)])))
        print(path)
        return 0
    failed = False
    for kind in MAKERS:
        count = getattr(options, kind)
        if count:
            failed |= _fuzz(kind, count, options.seed, options.processes)
    if options.reports:
        summary = mutations.run(options.reports, options.seed)
        print(summary)
        failed |= bool(summary.failures)
    return int(failed)


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m desktop.fuzz", description=__doc__)
    parser.add_argument("--files", type=int, default=2000, metavar="N", help="mutated DICOM files")
    parser.add_argument(
        "--codestreams", type=int, default=5000, metavar="N", help="mutated compressed frames"
    )
    parser.add_argument(
        "--sequences", type=int, default=2000, metavar="N", help="files with mutated sequences"
    )
    parser.add_argument("--reports", type=int, default=1000, metavar="N", help="report files")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other cases")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="at the same time")
    parser.add_argument(
        "--keep",
        nargs=2,
        metavar=("KIND", "N"),
        help="write one case, e.g. files 17, into the current folder",
    )
    return parser


def _fuzz(kind: str, count: int, seed: int, processes: int) -> bool:
    start = time.perf_counter()
    chunks = [range(first, min(first + _CHUNK, count)) for first in range(0, count, _CHUNK)]
    tally = Tally()
    with ProcessPoolExecutor(processes) as pool:
        try:
            for part in pool.map(partial(run, kind, seed), chunks):
                tally.merge(part)
        except KeyboardInterrupt:  # what is known by then is told as well
            pool.shutdown(wait=False, cancel_futures=True)
            _tell(kind, tally, time.perf_counter() - start)
            raise
    _tell(kind, tally, time.perf_counter() - start)
    return tally.failed


def _tell(kind: str, tally: Tally, seconds: float) -> None:
    print(f"{tally.endings.total()} mutated {kind} in {seconds:.0f} s")
    for ending, number in tally.endings.most_common():
        print(f"  {number:7d} {ending}")
    print(f"  longest {tally.seconds:.2f} s, most memory {tally.memory / 2**20:.0f} MiB")
    worst = sorted(tally.notable, key=lambda case: case[1].ending not in FAILURES)
    for number, outcome in worst[:_MOST_TOLD]:
        print(f"  {kind} {number}: {outcome.ending}: {outcome.told} ({outcome.seconds:.1f} s)")


if __name__ == "__main__":
    sys.exit(main())
