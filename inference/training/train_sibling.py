"""``pinfill train-sibling``: make the demo's autoregressive sibling.

It begins with the weights of a diffusion checkpoint's encoder and is trained on the same studies,
to write reports from left to right. The same command goes on where a stopped one left off.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from inference.arguments import ArgumentParser
from inference.training import dense_experts
from inference.training.demo_corpus import Images
from inference.training.demo_model import image_processor
from inference.training.findings import sample_case
from inference.training.loop import Watch
from inference.training.next_token import (
    Line,
    SiblingSettings,
    encode_stems,
    fill_line,
    next_token_loss,
    report_line,
    stem_of,
    train_next_token,
)
from inference.training.progress import Progress
from inference.training.run_state import OtherRunError
from inference.training.sibling import sibling_of
from inference.training.text import ReportCorpus
from inference.training.train_demo import (
    begin,
    draft_figures,
    load_to_train,
    positive,
    save,
)
from inference.training.vision import encode_images

if TYPE_CHECKING:
    from transformers import Gemma4ForConditionalGeneration, GemmaTokenizer

_NAME = "sibling"


def parser() -> argparse.ArgumentParser:
    description = (__doc__ or "").split("\n\n")[0]
    usual = SiblingSettings()
    result = ArgumentParser("pinfill train-sibling", description=description)
    result.add_argument(
        "--start-from", type=Path, metavar="DIR", help="the diffusion checkpoint; default: the demo"
    )
    result.add_argument("--out", type=Path, required=True, help="the checkpoint folder to write")
    result.add_argument("--run", type=Path, required=True, help="folder for caches, state, logs")
    result.add_argument("--seed", type=int, default=usual.seed)
    result.add_argument("--studies", type=positive, default=6000, help="studies to train on")
    result.add_argument("--validation", type=positive, default=250, help="studies to watch it by")
    result.add_argument("--steps", type=positive, default=usual.steps)
    result.add_argument(
        "--fills",
        type=_share,
        default=usual.fills,
        help="share of the lines that show a gap and ask for its words (default: %(default)s)",
    )
    result.add_argument("--learning-rate", type=float, default=usual.learning_rate)
    result.add_argument("--save-every", type=positive, default=usual.save_every)
    result.add_argument("--threads", type=positive, help="threads for PyTorch and for rendering")
    result.add_argument("--stop-after", type=positive, metavar="N", help="of the steps")
    result.add_argument("--compile", action="store_true", help="faster; needs a C++ compiler")
    return result


def _share(text: str) -> float:
    if not 0 <= (share := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie from 0 to 1")
    return share


def main(argv: Sequence[str] | None = None) -> int:
    from inference.checkpoints import CheckpointError, check_diffusion
    from resources import demo_checkpoint

    arguments = parser().parse_args(argv)
    try:
        before = arguments.start_from or demo_checkpoint()
        check_diffusion(before)
        return _train(before, arguments)
    except (CheckpointError, FileNotFoundError, OtherRunError) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2


def _train(before: Path, arguments: argparse.Namespace) -> int:
    progress, studies, watched = begin(arguments)
    diffusion, tokenizer = load_to_train(before)
    model = sibling_of(diffusion)
    dense_experts.register()
    model.set_experts_implementation(dense_experts.NAME)
    tokens = encode_images(model.model.vision_tower, studies, progress)
    length = diffusion.config.canvas_length
    corpus = ReportCorpus(tokenizer, [sample_case(int(seed)) for seed in studies.seeds], length)
    settings = replace(
        SiblingSettings(),
        steps=arguments.steps,
        save_every=arguments.save_every,
        seed=arguments.seed,
        learning_rate=arguments.learning_rate,
        fills=arguments.fills,
    )
    evaluate = _watcher(model, tokenizer, watched, length, settings, arguments.out, progress)
    train_next_token(
        model,
        corpus,
        tokens,
        settings,
        arguments.run,
        Watch(_NAME, "sibling", progress, evaluate),
        compiled=arguments.compile,
        stop_after=arguments.stop_after,
    )
    save(model, tokenizer, arguments.out)
    _keep_record(before, arguments, settings)
    progress.say(f"wrote {arguments.out}")
    return 0


def _watcher(
    model: Gemma4ForConditionalGeneration,
    tokenizer: GemmaTokenizer,
    watched: Images,
    length: int,
    settings: SiblingSettings,
    folder: Path,
    progress: Progress,
) -> Callable[[int], dict[str, float]]:
    """Figures on validation studies: both losses on fixed lines, findings in real drafts."""
    from inference.checkpoints import assemble_autoregressive
    from inference.engines.autoregressive import AutoregressiveEngine

    tokens = encode_images(model.model.vision_tower, watched, progress)
    cases = [sample_case(int(seed)) for seed in watched.seeds]
    corpus = ReportCorpus(tokenizer, cases, length, held_out=True)

    def loss(line: Callable[[list[int], np.random.Generator], Line]) -> float:
        rng = np.random.default_rng(7)
        losses = []
        for _ in range(6):
            rows, prompt = corpus.draw(16, rng)
            lines = [line(corpus.report(row, rng), rng) for row in rows]
            with torch.inference_mode():
                cache = encode_stems(model, stem_of(prompt, corpus.ask), tokens[rows])
                losses.append(next_token_loss(model, cache, lines).item())
        return float(np.mean(losses))

    def evaluate(step: int) -> dict[str, float]:
        checkpoint = assemble_autoregressive(model, tokenizer, image_processor(), folder, "cpu")
        engine = AutoregressiveEngine(checkpoint)
        return {
            "report_loss": loss(lambda report, rng: report_line(corpus, report)),
            "fill_loss": loss(partial(fill_line, tokenizer, corpus.marks, gaps=settings.gaps)),
            **draft_figures(engine, cases, watched, progress),
        }

    return evaluate


def _keep_record(before: Path, arguments: argparse.Namespace, settings: SiblingSettings) -> None:
    """Lay the settings and the held-out curves beside the weights they led to."""
    record = arguments.out / "training"
    record.mkdir(exist_ok=True)
    written = before / "training" / "settings.json"
    kept = {
        "seed": arguments.seed,
        "studies": arguments.studies,
        "stopped_after": arguments.stop_after,
        "sibling": asdict(settings),
        "started_from": json.loads(written.read_text("utf-8")) if written.exists() else None,
    }
    (record / "settings.json").write_text(json.dumps(kept, indent=2) + "\n", "utf-8")
    held_out = arguments.run / f"{_NAME}-held-out.csv"
    if held_out.exists():
        shutil.copyfile(held_out, record / held_out.name)


if __name__ == "__main__":
    raise SystemExit(main())
