"""What the commands of long benchmarks do alike: run, tell what is wrong, print what came of it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from inference.evaluation.item_log import LogError
from inference.evaluation.outputs import OutputError
from inference.training.data.rows import DataError, Reading


def run_command(
    work: Callable[[], dict[str, Any]],
    as_table: Callable[[dict[str, Any]], str],
    *,
    as_json: bool,
    kept_in: Path | None,
    option: str,
) -> int:
    """Do the work and print its result; the exit status.

    ``kept_in`` is where results are kept as they are made, ``option`` the one that says so.
    """
    from inference.checkpoints import CheckpointError
    from inference.engines.base import BadRequest
    from inference.evaluation.judging.verdicts import JudgeError

    go_on = f"With {option} a run can be gone on with."
    if kept_in is not None:
        go_on = f"The same command goes on from {kept_in}."
    try:
        result = work()
    except (
        BadRequest,
        CheckpointError,
        DataError,
        FileNotFoundError,
        JudgeError,
        LogError,
        OutputError,
    ) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    except BrokenProcessPool:
        print(f"pinfill: a worker process was ended. {go_on}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"pinfill: stopped. {go_on}", file=sys.stderr)
        return 130
    print(json.dumps(result, indent=2) if as_json else as_table(result))
    return 0


def tell_left_out(reading: Reading) -> None:
    """Name what of a data set is not used."""
    for row in reading.malformed:
        print(f"pinfill: left out: {row}", file=sys.stderr)
    for why, count in reading.left_out.items():
        print(f"pinfill: left out: {count} {why}", file=sys.stderr)
