"""``python -m inference.fuzz``: load mutated checkpoints and adapters, and tell what came of it.

``--keep KIND N`` makes the folder of one case instead, to be looked at.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from inference.arguments import ArgumentParser
from inference.fuzz.trials import KINDS, Kind, make_case, run


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m inference.fuzz", description=__doc__)
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=500, metavar="N", help=f"mutated {kind}")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="other cases")
    parser.add_argument("--keep", nargs=2, metavar=("KIND", "N"), help="e.g. adapters 17")
    options = parser.parse_args(arguments)
    if options.keep is not None:
        return _keep(options.keep[0], options.seed, int(options.keep[1]))
    failed = False
    for kind in KINDS:
        if count := getattr(options, kind):
            failed |= _fuzz(kind, options.seed, count)
    return int(failed)


def _fuzz(kind: Kind, seed: int, count: int) -> bool:
    summary = run(kind, seed, range(count))
    endings = ", ".join(f"{ending} {number}" for ending, number in summary.endings.most_common())
    print(
        f"{count} {kind}: {endings}; the slowest {summary.seconds:.1f} s, the largest "
        f"{summary.memory / 2**20:.0f} MiB",
        flush=True,
    )
    for outcome in summary.failures:
        print(f"  {kind} {outcome.number} ({outcome.file}) {outcome.ending}: {outcome.said[:300]}")
    return bool(summary.failures)


def _keep(kind: str, seed: int, number: int) -> int:
    from inference.fuzz.loading import Loader

    if kind not in KINDS:
        print(f"pinfill: name one of {', '.join(KINDS)}, not {kind!r}", file=sys.stderr)
        return 2
    folder = Path(f"{kind}-{seed}-{number}").absolute()
    with tempfile.TemporaryDirectory(prefix="pinfill-fuzz-", dir=folder.parent) as below:
        loader = Loader(kind, Path(below))
        print(folder, make_case(loader.base, folder, seed, number))
    return 0


if __name__ == "__main__":
    sys.exit(main())
