"""What the commands of long benchmarks do alike: run, tell what is wrong, print what came of it."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import Any

from inference.evaluation.item_log import LogError, holds_results
from inference.evaluation.judged import judge_for
from inference.evaluation.judging.choosing import add_judge_arguments
from inference.evaluation.judging.verdicts import Judge, JudgeError
from inference.evaluation.outputs import ITEMS, OutputError, open_folder
from inference.training.data.rows import DataError, Row


def run_command(
    work: Callable[[], dict[str, Any]],
    as_table: Callable[[dict[str, Any]], str],
    *,
    as_json: bool,
    kept_in: Path | None,
    option: str,
) -> int:
    """Do the work and print its result; the exit status, 1 where answers are unjudged.

    ``kept_in`` is where results are kept as they are made, ``option`` the one that says so.
    """
    from inference.checkpoints import CheckpointError
    from inference.engines.base import BadRequest

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
        print(f"pinfill: a worker process was ended. {_go_on(kept_in, option)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"pinfill: stopped. {_go_on(kept_in, option)}", file=sys.stderr)
        return 130
    print(json.dumps(result, indent=2) if as_json else as_table(result))
    return 1 if result.get("judge", {}).get("unjudged") else 0


def _go_on(kept_in: Path | None, option: str) -> str:
    """How a run that was broken off can be gone on with."""
    if kept_in is None:
        return f"With {option} a run can be gone on with."
    if holds_results(kept_in / ITEMS if kept_in.is_dir() else kept_in):
        return f"The same command goes on from {kept_in}."
    return "Nothing was measured yet, so that the same command begins anew."


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Where and how a benchmark of two paradigms runs, what it keeps, and who judges it."""
    parser.add_argument("--diffusion", type=Path, metavar="DIR", help="default: the demo's")
    parser.add_argument("--sibling", type=Path, metavar="DIR", help="default: the demo's")
    parser.add_argument("--device", help="cpu, cuda, cuda:N or auto (default)")
    parser.add_argument(
        "--processes", type=int, metavar="P", help="of one thread each (default: one a core)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="keep every item's results, the table and its drawing, and go on from there",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_judge_arguments(parser)


def refuse_below_one(
    parser: argparse.ArgumentParser, arguments: argparse.Namespace, *names: str
) -> None:
    """End with a usage error where an option that counts something is below 1."""
    for name in names:
        if (number := getattr(arguments, name)) is not None and number < 1:
            parser.error(f"--{name} must be at least 1")


def judged_run(
    arguments: argparse.Namespace,
    measured: Callable[[argparse.Namespace, Judge, Path | None], dict[str, Any]],
) -> dict[str, Any]:
    """Open ``--out`` and make the judge before the long run, and close the judge behind it."""
    kept = open_folder(arguments.out) if arguments.out is not None else None
    with closing(judge_for(arguments, arguments.out)) as judge:
        return measured(arguments, judge, kept)


def order_of(rows: Iterable[Row]) -> str:
    """A digest of which row is at which place: results are kept by their places."""
    return hashlib.sha256("\n".join(row.id for row in rows).encode()).hexdigest()
