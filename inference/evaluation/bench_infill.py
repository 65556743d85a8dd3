"""``pinfill bench infill``: do the words right of a gap help, and whom do they help more?

One sentence is taken out of each report and filled again: by diffusion between the words on both
sides and behind the left ones alone, by its autoregressive sibling prompted with both sides, behind
the left ones alone, and forced, where pinned words are fed as they come. Beside a prompted sibling
another may stand that has learned to fill gaps (``--middle``). Every fill is told once with the
length of the sentence and once without.

The items are held-out fictional studies, or the reports of a data set (``--data``: MIMIC-CXR, or a
``reports.jsonl``), with their images. Reports that are too short or do not fit are counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inference.arguments import ArgumentParser
from inference.evaluation.item_log import (
    Header,
    ItemLog,
    code_fingerprint,
)
from inference.evaluation.judged import judge_answers
from inference.evaluation.judging.verdicts import Judge
from inference.evaluation.outputs import write_outputs
from inference.evaluation.running import (
    add_run_arguments,
    judged_run,
    order_of,
    refuse_below_one,
    run_command,
)
from inference.evaluation.sampler_items import FictionalStudy, Source, StudyReport, read_reports
from inference.evaluation.sampler_results import Measured
from inference.training.data.fingerprint import fingerprint
from inference.training.data.rows import SPLITS, DataError

if TYPE_CHECKING:
    from inference.evaluation.writers import Writer

_STUDIES: Final = 250
"""Fictional studies, where nobody says how many."""


def main(argv: Sequence[str] | None = None) -> int:
    from inference.evaluation.infill_results import as_table

    arguments = _parse(argv)
    return run_command(
        partial(judged_run, arguments, _measured),
        as_table,
        as_json=arguments.json,
        kept_in=arguments.out,
        option="--out DIR",
    )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    from inference.training.demo_corpus import HELD_OUT_FROM

    parser = ArgumentParser("pinfill bench infill", description=__doc__)
    parser.add_argument("--data", type=Path, help="a data set's folder or file")
    parser.add_argument("--split", choices=SPLITS, default="test", help="of --data")
    parser.add_argument(
        "--n", type=int, help=f"items (default: {_STUDIES} fictional studies, or all reports)"
    )
    parser.add_argument(
        "--first", type=int, default=HELD_OUT_FROM, help="seed of the first fictional study"
    )
    parser.add_argument("--diffusion-adapter", type=Path, metavar="DIR")
    parser.add_argument("--sibling-adapter", type=Path, metavar="DIR")
    parser.add_argument(
        "--middle", type=Path, metavar="DIR", help="a sibling that has learned to fill gaps"
    )
    parser.add_argument(
        "--middle-adapter", type=Path, metavar="DIR", help="the same, on top of --sibling"
    )
    parser.add_argument(
        "--metrics", action="store_true", help="BLEU, chrF, ROUGE-L and what else is installed"
    )
    add_run_arguments(parser)
    arguments = parser.parse_args(argv)
    refuse_below_one(parser, arguments, "n", "processes")
    return arguments


def _measured(arguments: argparse.Namespace, judge: Judge, kept: Path | None) -> dict[str, Any]:
    from inference.checkpoints import pick_device
    from inference.evaluation.infill_results import (
        drawing,
        fills_to_judge,
        summarise,
        table_rows,
        with_metrics,
    )
    from inference.evaluation.infill_runs import measure
    from inference.evaluation.pool import measure_missing, usual_processes
    from inference.evaluation.writers import Setup, described, engine_of, fingerprints

    device = pick_device(arguments.device)
    setup = Setup(_writers(arguments), device)
    for writer in setup.writers:  # what cannot be used is told before the work
        engine_of(writer, device)
    sources, data = _sources(arguments)
    made_with = {"code": code_fingerprint(), "data": data, "device": device}
    header = Header("pinfill bench infill", made_with | fingerprints(setup.writers))
    log = ItemLog(kept, header, Measured, lambda it: it.seed)
    by_seed = {source.seed: source for source in sources}
    processes = arguments.processes or usual_processes(device)
    measure_missing(measure, setup, by_seed, log, processes, "filling gaps")

    measured = [log.results[seed] for seed in by_seed]
    if sum(not item.skipped for item in measured) < 2:
        why = next((item.skipped for item in measured if item.skipped), "there is only one")
        raise DataError(f"At least two reports are needed, and fewer could be used: {why}.")
    verdicts, judged = judge_answers(judge, fills_to_judge(measured))
    result: dict[str, Any] = described(setup) | {"data": data, "judge": judged}
    result |= summarise(measured, [writer.name for writer in setup.writers], verdicts)
    if arguments.metrics:
        result = with_metrics(result, measured)
    if arguments.out is not None:
        write_outputs(arguments.out, result, table_rows(result), drawing(result))
    return result


def _writers(arguments: argparse.Namespace) -> tuple[Writer, ...]:
    from inference.evaluation.writers import Writer
    from resources import demo_checkpoint

    diffusion = arguments.diffusion or demo_checkpoint()
    sibling = arguments.sibling or demo_checkpoint("autoregressive")
    writers = [
        Writer("diffusion", "diffusion", diffusion, arguments.diffusion_adapter),
        Writer("sibling", "autoregressive", sibling, arguments.sibling_adapter),
    ]
    if arguments.middle is not None or arguments.middle_adapter is not None:
        middle = arguments.middle or sibling
        writers.append(Writer("middle", "autoregressive", middle, arguments.middle_adapter))
    return tuple(writers)


def _sources(arguments: argparse.Namespace) -> tuple[list[Source], str]:
    """The items, and what tells them from others."""
    if arguments.data is None:
        count = arguments.n or _STUDIES
        return [FictionalStudy(arguments.first + number) for number in range(count)], "fictional"
    rows = read_reports(arguments.data, arguments.split)
    sources: list[Source] = [StudyReport(number, row) for number, row in enumerate(rows)]
    return sources[: arguments.n], f"{fingerprint(rows)} {order_of(rows)}"
