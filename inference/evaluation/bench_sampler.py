"""``pinfill bench sampler``: how well and how cheaply are gaps filled, and by which sampler?

Sentences are taken out of reports and filled again, by every sampler on the same items and from the
same seeds: the paper's canvas clamp and a logits processor on transformers' own ``generate``, and
Pinfill with one candidate and as it is by default; with the length of a gap known and unknown;
between both sides and behind the left one alone; and the best of five candidates by hindsight. The
paper's clamp and Pinfill with one candidate also run over a sweep of step budgets.

The items are held-out fictional studies, or the reports of a data set (``--data``: a
``reports.jsonl``, or MIMIC-CXR), with their images. Reports that are too short or do not fit the
canvas are left out and counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from inference.arguments import ArgumentParser
from inference.evaluation.item_log import (
    Header,
    ItemLog,
    checkpoint_fingerprint,
    code_fingerprint,
)
from inference.evaluation.outputs import OutputError, check_drawing
from inference.evaluation.running import order_of, refuse_below_one, run_command
from inference.evaluation.sampler_items import FictionalStudy, Source, StudyReport, read_reports
from inference.evaluation.sampler_results import Measured, as_table, summarise
from inference.training.data.fingerprint import fingerprint
from inference.training.data.rows import SPLITS, DataError

_STUDIES: Final = 100
"""Fictional studies, where nobody says how many."""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parse(argv)
    return run_command(
        partial(_run, arguments),
        as_table,
        as_json=arguments.json,
        kept_in=arguments.resume,
        option="--resume FILE",
    )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    from inference.training.demo_corpus import HELD_OUT_FROM

    parser = ArgumentParser("pinfill bench sampler", description=__doc__)
    parser.add_argument("--data", type=Path, metavar="DIR|FILE", help="a data set's folder or file")
    parser.add_argument("--split", choices=SPLITS, default="test", help="of --data")
    parser.add_argument(
        "--n", type=int, metavar="N", help=f"items (default: {_STUDIES} studies, or all reports)"
    )
    parser.add_argument(
        "--first", type=int, metavar="SEED", help=f"of the first study (default: {HELD_OUT_FROM})"
    )
    parser.add_argument(
        "--gaps", type=int, default=1, metavar="K", help="sentences taken out of each report"
    )
    parser.add_argument(
        "--checkpoint", type=Path, metavar="DIR", help="a checkpoint folder; default: the demo"
    )
    parser.add_argument("--device", help="cpu, cuda, cuda:N or auto (default)")
    parser.add_argument(
        "--processes",
        type=int,
        metavar="P",
        help="workers of one thread each (default: one a core; on a GPU one)",
    )
    parser.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="keep every item's results here (JSON lines), and go on from what is there",
    )
    parser.add_argument(
        "--figure", type=Path, metavar="FILE.png", help="draw quality against decoder forwards"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    refuse_below_one(parser, arguments, "n", "gaps", "processes")
    if arguments.data is not None and arguments.first is not None:
        parser.error("--first is for fictional studies; leave it out beside --data")
    if arguments.first is None:
        arguments.first = HELD_OUT_FROM
    return arguments


def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    from inference.checkpoints import check_diffusion, pick_device
    from inference.evaluation.pool import measure_missing, usual_processes
    from inference.evaluation.sampler_runs import Setup, measure
    from resources import demo_checkpoint

    if arguments.figure is not None:
        _check_figure(arguments.figure)
    sources, reports = _sources(arguments)
    folder = arguments.checkpoint or demo_checkpoint()
    check_diffusion(folder)
    setup = Setup(folder, pick_device(arguments.device), arguments.gaps)
    made_with = {
        "checkpoint": checkpoint_fingerprint(folder),
        "code": code_fingerprint(),
        "reports": reports,
        "gaps": str(setup.gaps),
        "device": setup.device,
    }
    header = Header("pinfill bench sampler", made_with)
    log = ItemLog(arguments.resume, header, Measured, lambda measured: measured.seed)
    processes = arguments.processes or usual_processes(setup.device)
    by_seed = {source.seed: source for source in sources}
    measure_missing(measure, setup, by_seed, log, processes, "filling gaps")

    measured = [log.results[source.seed] for source in sources]
    if all(item.skipped for item in measured):
        raise DataError(f"No report could be used; of the first one: {measured[0].skipped}")
    result = {"checkpoint": str(folder), "gaps": setup.gaps} | summarise(measured)
    if arguments.figure is not None:
        from inference.evaluation.frontier import draw_frontier

        draw_frontier(result, arguments.figure)
    return result


def _sources(arguments: argparse.Namespace) -> tuple[Sequence[Source], str]:
    """The items, and what tells them from others."""
    if arguments.data is None:
        count = arguments.n or _STUDIES
        return [FictionalStudy(arguments.first + index) for index in range(count)], "fictional"
    rows = read_reports(arguments.data, arguments.split)
    sources = [StudyReport(number, row) for number, row in enumerate(rows)]
    return sources[: arguments.n], f"{fingerprint(rows)} {order_of(rows)}"


def _check_figure(path: Path) -> None:
    """Find out before the long run, not after it."""
    check_drawing("--figure")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    known = FigureCanvasAgg(Figure()).get_supported_filetypes()
    if path.suffix.removeprefix(".").lower() not in known:
        raise OutputError(f"--figure cannot be drawn as {path.name}: end its name in .png or .svg.")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"There is no folder {path.absolute().parent} for the figure; make it.")
