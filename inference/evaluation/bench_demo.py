"""``pinfill bench demo``: does the demo checkpoint look at the image, and at both sides of a gap?

On held-out fictional studies, through the engine that the worker runs:

* the report is drafted from the image, its findings are read back out and held against the truth;
  the same with a black image of the same size shows how much of that was seen and not guessed;
* one sentence of a report is taken out and filled again, once between what stands on both sides of
  it and once behind what stands left of it alone, where the model writes on and on. Its length is
  known: a gap of as many tokens, and behind the left side as many of what is written. The same
  with the length unknown: an open gap, and the first sentence of what is written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference.arguments import ArgumentParser
from inference.evaluation.filling import fill_case
from inference.evaluation.finding_labels import extract_labels
from inference.evaluation.held_out import held_out
from inference.evaluation.metrics import label_f1, macro_f1, token_f1
from inference.evaluation.sentences import RemovedSentence, first_sentence, remove_sentence
from inference.evaluation.statistics import bootstrap_interval
from inference.placement import Placement
from inference.protocol import Filled, Fixed, Gap, Mode
from inference.training.findings import Case
from inference.training.progress import Progress

if TYPE_CHECKING:
    from inference.engines.autoregressive import AutoregressiveEngine
    from inference.engines.diffusion import DiffusionEngine


@dataclass(frozen=True)
class Item:
    """One held-out study: the image for the model, and what is true of it."""

    case: Case
    image: NDArray[np.uint8]
    removed: RemovedSentence


@dataclass(frozen=True)
class Outcome:
    draft: Filled
    blank: Filled
    both: Filled
    open_both: Filled
    both_f1: float
    left_f1: float
    open_both_f1: float
    open_left_f1: float


def main(argv: Sequence[str] | None = None) -> int:
    from inference.checkpoints import CheckpointError, load_engine
    from inference.training.demo_corpus import HELD_OUT_FROM, one_thread_each
    from resources import demo_checkpoint

    parser = ArgumentParser("pinfill bench demo", description=__doc__)
    parser.add_argument("--n", type=int, default=200, help="held-out studies")
    parser.add_argument("--first", type=int, default=HELD_OUT_FROM, help="seed of the first one")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint folder; default: the demo")
    parser.add_argument("--device", help="cpu, cuda or auto")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    if arguments.n < 1:
        parser.error("--n must be at least 1")
    progress = Progress()
    try:
        folder = arguments.checkpoint or demo_checkpoint()
        engine = load_engine(folder, Placement(arguments.device), lambda _: None)
    except (CheckpointError, FileNotFoundError) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    seeds = range(arguments.first, arguments.first + arguments.n)
    with one_thread_each(None) as pool:
        jobs = [pool.submit(prepare, seed) for seed in seeds]
        items = [job.result() for job in progress.track(jobs, "rendering studies")]
    outcomes = [run(engine, item) for item in progress.track(items, "drafting and filling")]
    result = summarise(items, outcomes, str(folder))
    print(json.dumps(result, indent=2) if arguments.json else as_table(result))
    return 0


def prepare(seed: int) -> Item:
    """Render one study and take a sentence out of its report."""
    study = held_out(seed)
    return Item(study.case, study.image, remove_sentence(study.report, study.rng))


def run(engine: DiffusionEngine | AutoregressiveEngine, item: Item) -> Outcome:
    """Draft with and without the image, and fill the removed sentence in both ways."""
    removed = item.removed
    fill = partial(fill_case, engine, item.case)
    draft = fill((Gap(),), item.image)
    blank = fill((Gap(),), np.zeros_like(item.image), name="blank")
    before, after = Fixed(removed.left), Fixed(removed.right)
    gap = Gap(engine.length(removed.sentence))
    both = fill((before, gap, after), item.image)
    open_both = fill((before, Gap(), after), item.image)
    # A denoiser knows of no left side alone but by having nothing else.
    mode: Mode | None = "left" if engine.info.paradigm == "autoregressive" else None
    left = fill((before, gap, Gap()), item.image, mode=mode)
    return Outcome(
        draft,
        blank,
        both,
        open_both,
        token_f1(both.fills[0], removed.sentence),
        token_f1(left.fills[0], removed.sentence),
        token_f1(open_both.fills[0], removed.sentence),
        token_f1(first_sentence("".join(left.fills)), removed.sentence),
    )


def summarise(
    items: Sequence[Item], outcomes: Sequence[Outcome], checkpoint: str
) -> dict[str, Any]:
    """The figures; a difference comes with its paired 95 % bootstrap interval."""
    truth = [item.case.labels for item in items]
    drafted = [extract_labels(outcome.draft.fills[0]) for outcome in outcomes]
    blank = [extract_labels(outcome.blank.fills[0]) for outcome in outcomes]
    both = [outcome.both_f1 for outcome in outcomes]
    left = [outcome.left_f1 for outcome in outcomes]
    open_both = [outcome.open_both_f1 for outcome in outcomes]
    open_left = [outcome.open_left_f1 for outcome in outcomes]
    return {
        "n": len(items),
        "checkpoint": checkpoint,
        "macro_f1": macro_f1(drafted, truth),
        "macro_f1_blank": macro_f1(blank, truth),
        "per_finding": {
            label: {"f1": f1, "n": sum(label in labels for labels in truth)}
            for label, f1 in label_f1(drafted, truth).items()
        },
        "per_finding_blank": label_f1(blank, truth),
        "infill_token_f1": {"both": fmean(both), "left": fmean(left)},
        "infill_difference_95": bootstrap_interval(np.subtract(both, left)),
        "infill_unknown_length_token_f1": {"both": fmean(open_both), "left": fmean(open_left)},
        "infill_unknown_length_difference_95": bootstrap_interval(
            np.subtract(open_both, open_left)
        ),
        "forwards": {
            "draft": fmean(outcome.draft.forwards for outcome in outcomes),
            "refill": fmean(outcome.open_both.forwards for outcome in outcomes),
        },
        "seconds": {
            "draft": median(outcome.draft.seconds for outcome in outcomes),
            "refill": median(outcome.open_both.seconds for outcome in outcomes),
        },
        "prefix_encodings": {
            "drafts": sum(outcome.draft.prefix_encodings for outcome in outcomes),
            "refills": sum(
                outcome.both.prefix_encodings + outcome.open_both.prefix_encodings
                for outcome in outcomes
            ),
        },
    }


def as_table(result: dict[str, Any]) -> str:
    """The same figures for people."""
    low, high = result["infill_difference_95"]
    infill = result["infill_token_f1"]
    unknown = result["infill_unknown_length_token_f1"]
    open_low, open_high = result["infill_unknown_length_difference_95"]
    lines = [
        f"{result['n']} held-out studies, {result['checkpoint']}",
        "",
        f"findings in the draft, macro-F1   {result['macro_f1']:.3f}",
        f"the same, image blanked           {result['macro_f1_blank']:.3f}",
        f"infill token-F1, both sides       {infill['both']:.3f}",
        f"infill token-F1, left side only   {infill['left']:.3f}",
        f"the difference, 95 % interval     {low:+.3f} … {high:+.3f}",
        f"length unknown, both / left       {unknown['both']:.3f} / {unknown['left']:.3f}",
        f"the difference, 95 % interval     {open_low:+.3f} … {open_high:+.3f}",
        f"median seconds, draft / refill    {result['seconds']['draft']:.2f} / "
        f"{result['seconds']['refill']:.2f}",
        f"mean forwards, draft / refill     {result['forwards']['draft']:.1f} / "
        f"{result['forwards']['refill']:.1f}",
        f"prefix encodings in all refills   {result['prefix_encodings']['refills']}",
        "",
        f"{'finding':20} {'F1':>6} {'n':>4}",
    ]
    lines += [
        f"{label:20} {score['f1']:6.3f} {score['n']:4}"
        for label, score in result["per_finding"].items()
    ]
    return "\n".join(lines)
