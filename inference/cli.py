"""Commands that need the models but no window: ``python -m inference.cli COMMAND …``.

``pinfill train``, ``train-demo``, ``train-sibling`` and ``bench`` end up here, each in a process of
its own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from inference.threads import wait_briefly

_BENCHMARKS: Final = {
    "contract": "pins on every canvas of random documents, and cancels at random steps",
    "demo": "the demo checkpoint's drafts and infills of held-out fictional studies",
    "infill": "what the words right of a gap are worth to either model (the paper's Table 3)",
    "judge": "a judge of answers against labels by hand",
    "sampler": "Pinfill's sampler beside the paper's clamp, over budgets of steps",
    "speed": "a step, a prefix, a refill; both models at equal length (Table 2)",
    "vqa": "questions about images, both models, alone and adapted (Table 1)",
    "window": "from a key to the first canvas on the screen",
}


def main(argv: Sequence[str]) -> int:
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
        case ["train", *rest]:
            from inference.training.train_adapter import main as train_adapter

            return train_adapter(rest)
        case ["train-sibling", *rest]:
            from inference.training.train_sibling import main as train_sibling

            return train_sibling(rest)
        case ["bench", "demo", *rest]:
            from inference.evaluation.bench_demo import main as bench_demo

            return bench_demo(rest)
        case ["bench", "infill", *rest]:
            from inference.evaluation.bench_infill import main as bench_infill

            return bench_infill(rest)
        case ["bench", "contract", *rest]:
            from inference.evaluation.bench_contract import main as bench_contract

            return bench_contract(rest)
        case ["bench", "judge", *rest]:
            from inference.evaluation.bench_judge import main as bench_judge

            return bench_judge(rest)
        case ["bench", "sampler", *rest]:
            from inference.evaluation.bench_sampler import main as bench_sampler

            return bench_sampler(rest)
        case ["bench", "speed", *rest]:
            from inference.evaluation.bench_speed import main as bench_speed

            return bench_speed(rest)
        case ["bench", "vqa", *rest]:
            from inference.evaluation.bench_vqa import main as bench_vqa

            return bench_vqa(rest)
        case ["bench", "-h" | "--help", *_]:
            print("usage: pinfill bench NAME [options]; pinfill bench NAME --help tells them\n")
            for name, told in _BENCHMARKS.items():
                print(f"  {name:<10}{told}")
            return 0
        case ["bench", *named]:
            unknown = f"There is no benchmark {named[0]!r}. " if named else ""
            print(
                f"pinfill: {unknown}Name one: pinfill bench {'|'.join(_BENCHMARKS)} [--json]",
                file=sys.stderr,
            )
            return 2
        case _:
            print(
                "pinfill: name a command: train, train-demo, train-sibling or bench",
                file=sys.stderr,
            )
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
