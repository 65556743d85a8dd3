"""``pinfill bench vqa``: questions about images, answered by either paradigm, with adapters.

A fixed random subset of a split's questions is answered by each checkpoint alone and with each
adapter, the likeliest words first: with the question's own image, with a black one, and with the
image of another question. A closed question is right where the answer is word for word one that the
data accepts; of an open one it is told how many of the answer's words came (token recall). Beside
them stands what the commonest answer to all closed questions would reach.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inference.arguments import ArgumentParser
from inference.evaluation.item_log import Header, ItemLog, code_fingerprint
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
from inference.training.data.fingerprint import fingerprint
from inference.training.data.reading import read
from inference.training.data.rows import SPLITS, DataError, Row
from inference.training.data.telling import tell_left_out

if TYPE_CHECKING:
    from inference.evaluation.vqa_runs import Question
    from inference.evaluation.writers import Writer
    from inference.protocol import Paradigm

_QUESTIONS: Final = 350
"""Questions that are asked, where nobody says how many: as many as arXiv 2607.01436 asks."""

_DATASETS: Final = {"vqa-rad": "VQA-RAD", "slake": "SLAKE", "vqa-med-2019": "VQA-Med 2019"}


def main(argv: Sequence[str] | None = None) -> int:
    from inference.evaluation.vqa_results import as_table

    arguments = _parse(argv)
    return run_command(
        partial(judged_run, arguments, _measured),
        as_table,
        as_json=arguments.json,
        kept_in=arguments.out,
        option="--out DIR",
    )


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = ArgumentParser("pinfill bench vqa", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set's folder or file")
    parser.add_argument(
        "--dataset", choices=_DATASETS, help="the layout that --data must have; default: any"
    )
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--language", default="en")
    parser.add_argument(
        "--paradigm", choices=("diffusion", "autoregressive"), help="ask one of the two alone"
    )
    parser.add_argument(
        "--adapter", type=Path, action="append", default=[], metavar="DIR", help="may be repeated"
    )
    parser.add_argument(
        "--n", type=int, default=_QUESTIONS, help="questions at most (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the questions that are drawn")
    add_run_arguments(parser)
    arguments = parser.parse_args(argv)
    refuse_below_one(parser, arguments, "n", "processes")
    return arguments


def _measured(arguments: argparse.Namespace, judge: Judge, kept: Path | None) -> dict[str, Any]:
    from inference.checkpoints import pick_device
    from inference.evaluation.pool import measure_missing, usual_processes
    from inference.evaluation.vqa_results import answers_to_judge, drawing, summarise, table_rows
    from inference.evaluation.vqa_runs import Asked, measure
    from inference.evaluation.writers import Setup, described, engine_of, fingerprints

    device = pick_device(arguments.device)
    questions = _questions(arguments)
    rows = {question.number: question.row for question in questions}
    setup = Setup(_writers(arguments), device)
    for writer in setup.writers:  # what cannot be used is told before the work
        engine_of(writer, device)
    made_with = {
        "code": code_fingerprint(),
        "data": fingerprint(rows.values()),
        "order": order_of(rows.values()),
        "seed": str(arguments.seed),
        "device": device,
    }
    header = Header("pinfill bench vqa", made_with | fingerprints(setup.writers))
    log = ItemLog(kept, header, Asked, lambda asked: asked.number)
    by_number = {question.number: question for question in questions}
    processes = arguments.processes or usual_processes(device)
    measure_missing(measure, setup, by_number, log, processes, "asking")

    asked = [log.results[number] for number in by_number]
    if all(item.skipped for item in asked):
        raise DataError(f"No question could be asked; of the first one: {asked[0].skipped}")
    verdicts, judged = judge_answers(judge, answers_to_judge(rows, asked))
    result: dict[str, Any] = described(setup) | {
        "data": str(arguments.data),
        "split": arguments.split,
        "seed": arguments.seed,
        "ids": [row.id for row in rows.values()],
        "judge": judged,
    }
    result |= summarise(rows, asked, setup.writers, verdicts)
    if arguments.out is not None:
        write_outputs(arguments.out, result, table_rows(result), drawing(result))
    return result


def _questions(arguments: argparse.Namespace) -> list[Question]:
    """The subset that is asked: the same for everybody, by the seed."""
    from inference.evaluation.vqa_runs import Question, shuffled

    reading = read(arguments.data, arguments.split, arguments.language)
    wanted = _DATASETS.get(arguments.dataset)
    if wanted is not None and not reading.layout.startswith(wanted):
        raise DataError(
            f"{arguments.data} is laid out as {reading.layout}, and --dataset says {wanted}. Name "
            "that data set's folder, or leave --dataset out."
        )
    tell_left_out(reading)
    rows: list[Row] = [row for row in reading.rows if row.question is not None]
    if not rows:
        raise DataError(
            f"{arguments.data} has no questions in its split {arguments.split}. Name another, or "
            "use bench infill for reports."
        )
    rng = np.random.default_rng(arguments.seed)
    count = min(arguments.n, len(rows))
    drawn = sorted(int(place) for place in rng.choice(len(rows), count, replace=False))
    others = shuffled([rows[number] for number in drawn], arguments.seed)
    return [
        Question(number, rows[number], other) for number, other in zip(drawn, others, strict=True)
    ]


def _writers(arguments: argparse.Namespace) -> tuple[Writer, ...]:
    from inference.engines.base import BadRequest
    from inference.evaluation.writers import Writer, paradigm_of_adapter
    from resources import demo_checkpoint

    folders: dict[Paradigm, Path] = {}
    if arguments.paradigm != "autoregressive":
        folders["diffusion"] = arguments.diffusion or demo_checkpoint()
    if arguments.paradigm != "diffusion":
        folders["autoregressive"] = arguments.sibling or demo_checkpoint("autoregressive")
    writers: list[Writer] = []
    for paradigm, folder in folders.items():
        writers.append(Writer(paradigm, paradigm, folder))
        for adapter in arguments.adapter:
            told = paradigm_of_adapter(adapter) or arguments.paradigm
            if told is None:
                raise BadRequest(
                    f"{adapter} does not say which paradigm it belongs to. Say it with --paradigm."
                )
            if told == paradigm:
                writers.append(Writer(f"{paradigm} + {adapter.name}", paradigm, folder, adapter))
            elif told not in folders:
                raise BadRequest(
                    f"{adapter} is an adapter of {told}, and --paradigm says {arguments.paradigm}. "
                    "Leave one of them out."
                )
    if len({writer.name for writer in writers}) < len(writers):
        raise BadRequest("Two adapters have the same name. Rename one of their folders.")
    return tuple(writers)
