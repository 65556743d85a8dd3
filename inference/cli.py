"""Commands that need the models but no window: ``python -m inference.cli COMMAND …``.

``pinfill train-demo``, ``pinfill train-sibling`` and ``pinfill bench`` end up here, in a process of
their own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from inference.threads import wait_briefly


def main(argv: Sequence[str]) -> int:
    if "bench" in argv[:1]:
        wait_briefly()  # as the worker does
    try:
        return _run(list(argv))
    except ModuleNotFoundError as error:
        print(f"pinfill: {error.name} is missing: pip install 'pinfill[train]'", file=sys.stderr)
        return 2


def _run(argv: list[str]) -> int:
    match argv:
        case ["train-demo", *rest]:
            from inference.training.train_demo import main as train_demo

            return train_demo(rest)
        case ["train-sibling", *rest]:
            from inference.training.train_sibling import main as train_sibling

            return train_sibling(rest)
        case ["bench", "demo", *rest]:
            from inference.evaluation.bench_demo import main as bench_demo

            return bench_demo(rest)
        case ["bench", "contract", *rest]:
            from inference.evaluation.bench_contract import main as bench_contract

            return bench_contract(rest)
        case ["bench", "sampler", *rest]:
            from inference.evaluation.bench_sampler import main as bench_sampler

            return bench_sampler(rest)
        case ["bench", "speed", *rest]:
            from inference.evaluation.bench_speed import main as bench_speed

            return bench_speed(rest)
        case ["bench", *_]:
            names = "contract|demo|sampler|speed|window"
            print(f"pinfill: name a benchmark: pinfill bench {names} [--json]", file=sys.stderr)
            return 2
        case _:
            print("pinfill: name a command: train-demo, train-sibling or bench", file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
