"""``pinfill train-demo``: make the demo checkpoint from nothing but seeds.

Tokenizer, rendered studies, vision tower, text side, in this order. Every stage keeps what it
made in the run's folder, so that the same command goes on where a stopped one left off. With
``--start-from`` the text side of a checkpoint made before is trained on; its tokenizer and its
vision tower stay what they are.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from inference.arguments import ArgumentParser
from inference.engines.base import Engine
from inference.evaluation.filling import fill_case
from inference.evaluation.finding_labels import extract_labels
from inference.evaluation.metrics import macro_f1
from inference.protocol import Gap
from inference.training import dense_experts
from inference.training.calibration import calibrate_filler_bias
from inference.training.corruption import corrupt
from inference.training.demo_corpus import HELD_OUT_FROM, Images, load_images
from inference.training.demo_model import build, image_processor, train_tokenizer
from inference.training.findings import Case, sample_case
from inference.training.loop import Watch
from inference.training.progress import Progress
from inference.training.report_language import prompt_context, write_report
from inference.training.run_state import OtherRunError
from inference.training.text import (
    ReportCorpus,
    TextSettings,
    denoising_loss,
    encode_prompts,
    train_text,
)
from inference.training.vision import VisionSettings, encode_images, train_vision

if TYPE_CHECKING:
    from transformers import DiffusionGemmaForBlockDiffusion, GemmaTokenizer, PreTrainedModel

_VALIDATION_FROM: Final = HELD_OUT_FROM + 500_000
"""Seeds to watch training by; the benchmark's held-out studies are others."""

VALIDATION_DRAFTS: Final = 8
CALIBRATION_STUDIES: Final = 64
_TOKENIZER_REPORTS: Final = 6000
_LOGS: Final = ("vision.csv", "text-held-out.csv", "filler-bias.csv")


def parser() -> argparse.ArgumentParser:
    description = (__doc__ or "").split("\n\n")[0]
    result = ArgumentParser("pinfill train-demo", description=description)
    result.add_argument("--out", type=Path, required=True, help="the checkpoint folder to write")
    result.add_argument("--run", type=Path, required=True, help="folder for caches, state, logs")
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--studies", type=positive, default=6000, help="studies to train on")
    result.add_argument("--validation", type=positive, default=250, help="studies to watch it by")
    result.add_argument("--vision-steps", type=positive, default=VisionSettings.steps)
    result.add_argument("--text-steps", type=positive, default=TextSettings.steps)
    result.add_argument("--start-from", type=Path, metavar="DIR", help="a checkpoint to train on")
    result.add_argument(
        "--learning-rate", type=float, help="of the text side, at its peak (0.003; half to go on)"
    )
    result.add_argument("--save-every", type=positive, default=TextSettings.save_every)
    result.add_argument("--threads", type=positive, help="threads for PyTorch and for rendering")
    result.add_argument("--stop-after", type=positive, metavar="N", help="of the text side's steps")
    result.add_argument("--compile", action="store_true", help="faster; needs a C++ compiler")
    result.add_argument("--only", choices=("images", "vision"), help="stop after this stage")
    return result


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above zero")
    return int(text)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    before = arguments.start_from
    if before and not (before / "config.json").is_file():
        print(
            f"pinfill: {before} is no checkpoint folder: it has no config.json. Name the folder "
            "that an earlier run wrote with --out.",
            file=sys.stderr,
        )
        return 2
    try:
        return _train(arguments)
    except OtherRunError as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2


def _train(arguments: argparse.Namespace) -> int:
    progress, studies, watched = begin(arguments)
    if arguments.only == "images":
        return 0

    torch.manual_seed(arguments.seed)
    vision = VisionSettings(
        steps=arguments.vision_steps, save_every=arguments.save_every, seed=arguments.seed
    )
    if arguments.start_from:
        model, tokenizer = load_to_train(arguments.start_from)
    else:
        tokenizer = train_tokenizer(_tokenizer_texts())
        model = build(tokenizer)
        train_vision(
            model.model.encoder.vision_tower, studies, watched, vision, arguments.run, progress
        )
    if arguments.only == "vision":
        return 0

    dense_experts.register()
    model.set_experts_implementation(dense_experts.NAME)
    tokens = encode_images(model.model.encoder.vision_tower, studies, progress)
    cases = [sample_case(int(seed)) for seed in studies.seeds]
    corpus = ReportCorpus(tokenizer, cases, model.config.canvas_length)
    text = _text_settings(arguments)
    evaluate = _watcher(model, tokenizer, watched, arguments.out, progress)
    train_text(
        model,
        corpus,
        tokens,
        text,
        arguments.run,
        Watch("text", "text side", progress, evaluate),
        compiled=arguments.compile,
        stop_after=arguments.stop_after,
    )
    (arguments.run / "filler-bias.csv").unlink(missing_ok=True)
    _calibrate(model, tokenizer, watched, arguments.out, progress)
    save(model, tokenizer, arguments.out)
    _keep_record(arguments, vision, text)
    progress.say(f"wrote {arguments.out}")
    return 0


def begin(arguments: argparse.Namespace) -> tuple[Progress, Images, Images]:
    """Open the run's folder; the studies to train on, and those to watch the run by."""
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    arguments.run.mkdir(parents=True, exist_ok=True)
    progress = Progress(arguments.run)
    studies = load_images(0, arguments.studies, arguments.run, progress, arguments.threads)
    watched = load_images(
        _VALIDATION_FROM, arguments.validation, arguments.run, progress, arguments.threads
    )
    return progress, studies, watched


def load_to_train(folder: Path) -> tuple[DiffusionGemmaForBlockDiffusion, GemmaTokenizer]:
    """The weights of a checkpoint, in float32 to be trained on, and its tokenizer."""
    from transformers import AutoTokenizer, DiffusionGemmaForBlockDiffusion

    model = DiffusionGemmaForBlockDiffusion.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return model, tokenizer


def _text_settings(arguments: argparse.Namespace) -> TextSettings:
    """A trained denoiser needs neither small noise to begin with nor the full learning rate."""
    went_before = arguments.start_from is not None
    usual = TextSettings()
    return replace(
        usual,
        steps=arguments.text_steps,
        save_every=arguments.save_every,
        seed=arguments.seed,
        learning_rate=arguments.learning_rate or usual.learning_rate * (0.5 if went_before else 1),
        young=0.0 if went_before else usual.young,
    )


def save(model: PreTrainedModel, tokenizer: GemmaTokenizer, folder: Path) -> None:
    """Write an ordinary checkpoint folder, weights in bfloat16."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    dtype = model.dtype
    model.to(torch.bfloat16).save_pretrained(folder)
    model.to(dtype)
    tokenizer.save_pretrained(folder)
    image_processor().save_pretrained(folder)


def _tokenizer_texts() -> list[str]:
    texts = []
    for seed in range(_TOKENIZER_REPORTS):
        case = sample_case(seed)
        texts.append(write_report(case, random.Random(seed)))
        texts.append(prompt_context(case))
    from inference.prompt import INSTRUCTION

    return texts + [f"{INSTRUCTION}\nuser\nmodel\n"] * 500


def _watcher(
    model: DiffusionGemmaForBlockDiffusion,
    tokenizer: GemmaTokenizer,
    watched: Images,
    folder: Path,
    progress: Progress,
) -> Callable[[int], dict[str, float]]:
    """Figures on validation studies: the loss on fixed canvases, findings in real drafts."""
    from inference.checkpoints import assemble
    from inference.engines.diffusion import DiffusionEngine

    tokens = encode_images(model.model.encoder.vision_tower, watched, progress)
    cases = [sample_case(int(seed)) for seed in watched.seeds]
    corpus = ReportCorpus(tokenizer, cases, model.config.canvas_length, held_out=True)

    def loss() -> float:
        rng = np.random.default_rng(7)
        losses = []
        for _ in range(6):
            rows, prompt = corpus.draw(16, rng)
            vocabulary = model.config.text_config.vocab_size
            examples = [
                corrupt(
                    corpus.report(row, rng), corpus.marks, corpus.canvas_length, vocabulary, rng
                )
                for row in rows
            ]
            with torch.inference_mode():
                cache = encode_prompts(model, prompt, tokens[rows])
                losses.append(denoising_loss(model, cache, examples).item())
        return float(np.mean(losses))

    def evaluate(step: int) -> dict[str, float]:
        engine = DiffusionEngine(assemble(model, tokenizer, image_processor(), folder, "cpu"))
        return {"loss": loss(), **draft_figures(engine, cases, watched, progress)}

    return evaluate


def draft_figures(
    engine: Engine, cases: Sequence[Case], watched: Images, progress: Progress
) -> dict[str, float]:
    """What the first few studies' real drafts find, and how many forwards they take."""
    found = []
    forwards = 0
    for row, case in enumerate(cases[:VALIDATION_DRAFTS]):
        filled = fill_case(engine, case, (Gap(),), watched.pixels[row], seed=row)
        found.append(extract_labels(filled.fills[0]))
        forwards += filled.forwards
        if row == 0:
            progress.say(filled.fills[0])
    truth = [case.labels for case in cases[:VALIDATION_DRAFTS]]
    return {
        "draft_macro_f1": macro_f1(found, truth),
        "draft_forwards": forwards / max(1, len(found)),
    }


def _calibrate(
    model: DiffusionGemmaForBlockDiffusion,
    tokenizer: GemmaTokenizer,
    watched: Images,
    folder: Path,
    progress: Progress,
) -> None:
    from inference.checkpoints import assemble

    checkpoint = assemble(model, tokenizer, image_processor(), folder, "cpu")
    cases = [sample_case(int(seed)) for seed in watched.seeds[:CALIBRATION_STUDIES]]
    pixels = watched.pixels[:CALIBRATION_STUDIES]
    bias = calibrate_filler_bias(checkpoint, cases, pixels, progress)
    tokenizer.init_kwargs["filler_bias"] = bias


def _keep_record(arguments: argparse.Namespace, vision: VisionSettings, text: TextSettings) -> None:
    """Lay the settings and the held-out curves beside the weights they led to."""
    record = arguments.out / "training"
    record.mkdir(exist_ok=True)
    settings = {
        "seed": arguments.seed,
        "studies": arguments.studies,
        "stopped_after": arguments.stop_after,
        "vision": asdict(vision),
        "text": asdict(text),
    }
    if arguments.start_from:
        # The tower and the weights that the text side began with have a record of their own.
        del settings["vision"]
        before = arguments.start_from / "training" / "settings.json"
        settings["started_from"] = json.loads(before.read_text("utf-8"))
    (record / "settings.json").write_text(json.dumps(settings, indent=2) + "\n", "utf-8")
    for name in _LOGS:
        if (arguments.run / name).exists():
            shutil.copyfile(arguments.run / name, record / name)


if __name__ == "__main__":
    raise SystemExit(main())
