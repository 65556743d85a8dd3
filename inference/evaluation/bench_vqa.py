"""``pinfill bench vqa``: questions about images, before and after an adapter.

Every question of a split is answered by the checkpoint alone and with each adapter named, the
likeliest words first. A closed question is right where the answer is word for word one that the
data accepts; of an open one it is told how many of the answer's words came (token recall). Beside
them stands what the commonest answer to all closed questions would reach: a model that has learned
nothing of questions and images knows no better.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.evaluation.answering import Answer, answer, image_of, is_right, plain
from inference.evaluation.metrics import token_recall
from inference.evaluation.statistics import bootstrap_interval
from inference.protocol import LoadAdapter, UseAdapter
from inference.training.data.reading import read
from inference.training.data.rows import SPLITS, DataError, Row
from inference.training.progress import Progress

if TYPE_CHECKING:
    from inference.engines.autoregressive import Checkpoint as AutoregressiveCheckpoint
    from inference.engines.diffusion import Checkpoint


@dataclass(frozen=True)
class Answered:
    """What one model, with an adapter or without, made of all questions."""

    name: str
    answers: tuple[Answer, ...]


def main(argv: Sequence[str] | None = None) -> int:
    from inference.checkpoints import CheckpointError, load_either, pick_device
    from inference.engines.base import BadRequest
    from resources import demo_checkpoint

    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.n is not None and arguments.n < 1:
        parser.error("--n must be at least 1")
    progress = Progress()
    try:
        if arguments.answers:
            arguments.answers.touch()  # said before the work, where it cannot be written
        rows = _questions(arguments)
        folder = arguments.checkpoint or demo_checkpoint(arguments.paradigm)
        checkpoint = load_either(folder, pick_device(arguments.device))
        results = list(_runs(checkpoint, rows, arguments.adapter, progress))
    except (BadRequest, CheckpointError, DataError, OSError) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    result = summarise(rows, results) | {"checkpoint": str(folder), "data": str(arguments.data)}
    print(json.dumps(result, indent=2) if arguments.json else as_table(result))
    if arguments.answers:
        _write_answers(arguments.answers, rows, results)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("pinfill bench vqa", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a data set's folder or file")
    parser.add_argument("--split", choices=SPLITS, default="test")
    parser.add_argument("--language", default="en")
    parser.add_argument("--paradigm", choices=("diffusion", "autoregressive"), default="diffusion")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint folder; default: the demo's")
    parser.add_argument("--adapter", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--n", type=int, help="so many questions, drawn at random; default: all")
    parser.add_argument("--seed", type=int, default=0, help="of the questions that are drawn")
    parser.add_argument("--device", help="cpu, cuda or auto")
    parser.add_argument("--answers", type=Path, metavar="FILE.jsonl", help="write every answer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _questions(arguments: argparse.Namespace) -> tuple[Row, ...]:
    reading = read(arguments.data, arguments.split, arguments.language)
    for row in reading.malformed:
        print(f"pinfill: left out: {row}", file=sys.stderr)
    for why, count in reading.left_out.items():
        print(f"pinfill: left out: {count} {why}", file=sys.stderr)
    rows = tuple(row for row in reading.rows if row.question is not None)
    if not rows:
        raise DataError(f"{arguments.data} has no questions in its split {arguments.split}.")
    if arguments.n is None or arguments.n >= len(rows):
        return rows
    drawn = np.random.default_rng(arguments.seed).choice(len(rows), arguments.n, replace=False)
    return tuple(rows[index] for index in sorted(drawn))


def _runs(
    checkpoint: Checkpoint | AutoregressiveCheckpoint,
    rows: Sequence[Row],
    adapters: Sequence[Path],
    progress: Progress,
) -> Any:
    from inference.checkpoints import plain_engine

    engine = plain_engine(checkpoint)
    for adapter in adapters:  # what cannot be loaded is told before the work
        engine.adapt(LoadAdapter("load", str(adapter)))
    for name in (None, *engine.info.adapters):
        engine.adapt(UseAdapter("use", name))
        title = name or "checkpoint alone"
        numbered = list(enumerate(rows))
        yield Answered(
            title,
            tuple(
                answer(engine, row, image_of(row), seed=number)
                for number, row in progress.track(numbered, title)
            ),
        )


def summarise(rows: Sequence[Row], results: Sequence[Answered]) -> dict[str, Any]:
    """The figures; intervals are 95 % bootstrap ones over the questions."""
    closed = [number for number, row in enumerate(rows) if row.kind == "closed"]
    opened = [number for number, row in enumerate(rows) if row.kind != "closed"]
    commonest, count = "", 0
    if closed:
        said = Counter(plain(rows[number].answer) for number in closed)
        commonest, count = said.most_common(1)[0]
    by_rote = [plain(rows[number].answer) == commonest for number in closed]
    models = {}
    for result in results:
        right = [is_right(result.answers[number].text, rows[number]) for number in closed]
        recalled = [
            token_recall(result.answers[number].text, rows[number].answer) for number in opened
        ]
        figures: dict[str, Any] = {"steps": fmean(made.steps for made in result.answers)}
        if closed:
            ahead = np.subtract(right, by_rote, dtype=np.float64)
            figures["closed"] = {
                "right": sum(right),
                "accuracy": fmean(right),
                "accuracy_95": bootstrap_interval(np.asarray(right, np.float64)),
                "beyond_majority_95": bootstrap_interval(ahead),
            }
        if opened:
            figures["open_recall"] = fmean(recalled)
            figures["open_recall_95"] = bootstrap_interval(recalled)
        models[result.name] = figures
    return {
        "closed": len(closed),
        "open": len(opened),
        "majority": {"answer": commonest, "accuracy": count / len(closed) if closed else None},
        "models": models,
    }


def as_table(result: dict[str, Any]) -> str:
    """The same figures for people."""
    lines = [
        f"{result['data']}: {result['closed']} closed and {result['open']} open questions, "
        f"{result['checkpoint']}",
        "",
        f"{'':24} {'closed right':>28} {'beyond majority':>18} {'open recall':>24} {'steps':>6}",
    ]
    majority = result["majority"]
    if result["closed"]:
        lines.append(f"{'always ' + majority['answer']:24} {majority['accuracy']:13.3f}")
    for name, figures in result["models"].items():
        line = f"{name:24}"
        if closed := figures.get("closed"):
            low, high = closed["accuracy_95"]
            line += f" {closed['accuracy']:13.3f} ({low:.3f} … {high:.3f})"
            low, high = closed["beyond_majority_95"]
            line += f"   {low:+.3f} … {high:+.3f}"
        if "open_recall" in figures:
            low, high = figures["open_recall_95"]
            line += f" {figures['open_recall']:9.3f} ({low:.3f} … {high:.3f})"
        lines.append(f"{line} {figures['steps']:6.1f}")
    return "\n".join(lines)


def _write_answers(path: Path, rows: Sequence[Row], results: Sequence[Answered]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for number, row in enumerate(rows):
            said = {result.name: result.answers[number].text for result in results}
            line = {"id": row.id, "question": row.question, "answer": row.answer, "said": said}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
