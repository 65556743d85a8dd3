"""``pinfill train``: adapt a checkpoint to data of one's own, with LoRA.

The same command goes on where a stopped run left off. With ``accelerate launch`` in front of
``-m inference.cli train`` it runs on several devices, unchanged.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from inference.adapter_folder import AdapterError
from inference.adapters import bar_merging, base_fingerprint
from inference.allocator import first_line, is_exhaustion
from inference.arguments import ArgumentParser
from inference.checkpoints import plain_engine
from inference.counting import counted, is_or_are
from inference.evaluation.answering import answer, image_of, is_right
from inference.training import recipe as recipes
from inference.training.batches import Asked, Batch, asked_of, stack
from inference.training.corruption import Marks
from inference.training.data.fingerprint import fingerprint
from inference.training.data.holding_out import hold_out
from inference.training.data.reading import read
from inference.training.data.rows import DataError, Row
from inference.training.data.telling import tell_left_out, tell_malformed
from inference.training.lora import (
    OBJECTIVES,
    AdapterState,
    Curriculum,
    Lesson,
    TrainingError,
    Watch,
    state_in,
    train,
)
from inference.training.model_card import Card, write_card
from inference.training.objectives import (
    OBJECTIVES_VERSION,
    DenoisingObjective,
    NextTokenObjective,
    chunk,
    fill,
    marks_of,
)
from inference.training.progress import Progress
from inference.training.recipe import Recipe, RecipeError
from inference.training.run_state import OtherRunError

if TYPE_CHECKING:
    from peft import PeftModel

    from inference.protocol import Paradigm

_LAYERS: Final = {
    "diffusion": r"model\.(encoder\.language_model|decoder)",
    "autoregressive": r"model\.language_model",
}
"""Where the layers lie that are adapted: those of the text, not of the vision tower."""


def parser() -> argparse.ArgumentParser:
    result = ArgumentParser(
        "pinfill train", description=(__doc__ or "").split("\n\n")[0].partition(": ")[2]
    )
    result.add_argument("--paradigm", choices=("diffusion", "autoregressive"), required=True)
    result.add_argument("--checkpoint", type=Path, help="what is adapted; default: the demo's")
    result.add_argument("--data", type=Path, required=True, help="a data set's folder or file")
    result.add_argument("--split", choices=("train", "validate", "test"))
    result.add_argument("--language", default="en")
    result.add_argument(
        "--skip-malformed", action="store_true", help="name malformed rows and go on without them"
    )
    result.add_argument("--out", type=Path, required=True, help="the adapter's folder, and its run")
    result.add_argument("--recipe", type=Path, metavar="FILE.toml", help="settings, as below")
    result.add_argument(
        "--answered",
        type=int,
        default=32,
        metavar="N",
        help="held-out examples to answer whenever a run is looked at (default: %(default)s)",
    )
    result.add_argument("--cpu", action="store_true", help="leave the GPUs alone")
    settings = result.add_argument_group("settings (arXiv 2607.01436, Table A1)")
    recipes.add_arguments(settings)
    return result


def main(argv: Sequence[str] | None = None) -> int:
    from inference.checkpoints import CheckpointError
    from inference.engines.base import BadRequest

    arguments = parser().parse_args(argv)
    try:
        return _train(arguments)
    except KeyboardInterrupt:
        print(f"pinfill: stopped. {_how_to_go_on(arguments.out)}", file=sys.stderr)
        return 130
    except DataError as error:
        tell_malformed(error.malformed)
        print(f"pinfill: {error}", file=sys.stderr)
    except (
        AdapterError,
        BadRequest,
        CheckpointError,
        FileNotFoundError,
        OtherRunError,
        RecipeError,
        TrainingError,
    ) as error:
        print(f"pinfill: {error}", file=sys.stderr)
    except OSError as error:
        print(
            f"pinfill: {error}. What {arguments.out} holds is kept: make room on the disk, or name "
            "a folder that can be written to, and run the same command again.",
            file=sys.stderr,
        )
    except (MemoryError, RuntimeError) as error:
        if not is_exhaustion(error):
            raise
        print(
            f"pinfill: There is not enough memory for the model ({first_line(error)}). Choose a "
            "smaller checkpoint, or another device.",
            file=sys.stderr,
        )
    return 2


def _how_to_go_on(out: Path) -> str:
    if state_in(out).is_file():
        return f"The same command goes on from what {out} holds."
    return (
        "Nothing of the run was saved yet, so that the same command begins anew; --save-every "
        "says how often it is."
    )


def _train(arguments: argparse.Namespace) -> int:
    from resources import demo_checkpoint

    paradigm: Paradigm = arguments.paradigm
    recipe = recipes.read_recipe(paradigm, arguments.recipe, recipes.changes_of(arguments))
    folder = arguments.checkpoint or demo_checkpoint(paradigm)
    rows, held_out, source = _rows(arguments, recipe)
    accelerator = _accelerator(recipe, cpu=arguments.cpu)
    checkpoint = _load(folder, paradigm, str(accelerator.device))
    peft = _inject(checkpoint.model, paradigm, recipe)
    arguments.out.mkdir(parents=True, exist_ok=True)
    main = accelerator.is_main_process
    progress = Progress(arguments.out / "log" if main else None, quiet=not main, tensorboard=main)
    marks = marks_of(checkpoint.tokenizer)
    objective = (
        DenoisingObjective(
            checkpoint.model,
            marks,
            recipe,
            temperatures=(checkpoint.settings.t_min, checkpoint.settings.t_max),
        )
        if paradigm == "diffusion"
        else NextTokenObjective(checkpoint.model, marks)
    )
    data = fingerprint([*rows, *held_out]) if main else ""
    # Without the images: one that is damaged may be fetched again on the way.
    words = fingerprint([replace(row, image=None) for row in (*rows, *held_out)])
    base = base_fingerprint(folder)
    settings = {name: str(value) for name, value in asdict(recipes.lasting(recipe)).items()}
    lesson = Lesson(
        RowExamples(checkpoint, rows),
        RowExamples(checkpoint, held_out),
        Preparation(checkpoint, marks, recipe, accelerator.device),
        made_with={
            **settings,
            "base": base,
            "data": words[:16],
            "answered": str(arguments.answered),
            OBJECTIVES: str(OBJECTIVES_VERSION),
        },
    )
    watched = _Watched(checkpoint, held_out[: max(0, arguments.answered)])
    if main:
        progress.say(f"{counted(len(rows), 'examples')} to train on, {len(held_out):,} held out")
        steps = Curriculum(len(rows), recipe).steps
        if recipe.warm_up > steps // 2:
            warm_up = min(recipe.warm_up, steps)
            progress.say(
                f"Of {counted(steps, 'steps')} {warm_up:,} {is_or_are(warm_up)} warm-up, in which "
                "little is learned: train longer, or set a smaller --warm-up."
            )
    watch = Watch(progress, watched.figures, len(watched.rows))
    figures = train(objective, lesson, recipe, arguments.out, watch, accelerator)
    if main:
        card = Card(
            base_name=folder.name,
            base=base,
            paradigm=paradigm,
            recipe=recipe,
            data=data,
            source=source,
            rows=len(rows),
            held_out=len(held_out),
            figures=figures,
        )
        _write(peft, card, arguments.out)
        progress.say(f"wrote {arguments.out}")
    accelerator.end_training()
    return 0


def _write(peft: PeftModel, card: Card, out: Path) -> None:
    """The adapter and its card; the files of one before it stay where that fails."""
    from safetensors import SafetensorError

    part = out / "adapter.part"
    try:
        # Not the model's own weights, of which each device may hold a part.
        weights = {f"base_model.{name}": it for name, it in AdapterState.weights(out).items()}
        peft.save_pretrained(part, state_dict=weights)
        write_card(card, part)
        for file in part.iterdir():
            os.replace(file, out / file.name)
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"The adapter cannot be written to {out} ({error}). All of the run is kept in "
            "state.pt. Make room on the disk and run the same command again."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _rows(
    arguments: argparse.Namespace, recipe: Recipe
) -> tuple[tuple[Row, ...], tuple[Row, ...], str]:
    """Rows to train on, rows held out, and what they were read from."""
    reading = read(arguments.data, arguments.split, arguments.language)
    wrong = len(reading.malformed)
    if wrong and not arguments.skip_malformed:
        raise DataError(
            f"{wrong} of {counted(len(reading.rows) + wrong, 'rows')} of {arguments.data} "
            f"{is_or_are(wrong)} malformed. Mend them, or go on without them with "
            "--skip-malformed.",
            reading.malformed,
        )
    tell_left_out(reading)
    rows, held_out = hold_out(reading.rows, recipe.held_out, recipe.seed)
    if not rows or not held_out:
        raise DataError(
            f"{arguments.data} has {counted(len(reading.rows), 'usable rows')} of one image or "
            "patient, too few to hold some out. Name more data."
        )
    return rows, held_out, f"{reading.layout}, {reading.split}"


def _accelerator(recipe: Recipe, *, cpu: bool) -> Any:
    from accelerate import Accelerator
    from accelerate.utils import DistributedDataParallelKwargs

    # What the encoder's last layer computes beyond keys and values, nobody reads.
    unused = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(
        mixed_precision=recipe.precision,
        cpu=cpu or not torch.cuda.is_available(),
        kwargs_handlers=[unused],
    )


def _load(folder: Path, paradigm: Paradigm, device: str) -> Any:
    from inference.checkpoints import check_paradigm, load_either

    check_paradigm(folder, paradigm)
    return load_either(folder, device)


def _inject(model: Any, paradigm: Paradigm, recipe: Recipe) -> PeftModel:
    """Put a fresh adapter into the text layers; all else is frozen."""
    from peft import LoraConfig, get_peft_model

    names = "|".join(map(re.escape, recipe.targets))
    within = re.compile(rf"{_LAYERS[paradigm]}\.layers\.\d+\.(self_attn|mlp)\.")
    there = {name.rpartition(".")[2] for name, _ in model.named_modules() if within.match(name)}
    if unknown := [name for name in recipe.targets if name not in there]:
        raise TrainingError(
            f"This checkpoint has no projections {', '.join(unknown)} in its layers. Name others "
            f"with --targets: {', '.join(sorted(there))}."
        )
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,
        lora_dropout=recipe.dropout,
        target_modules=rf"{_LAYERS[paradigm]}\.layers\.\d+\.(self_attn|mlp)\.({names})",
    )
    torch.manual_seed(recipe.seed)
    peft = get_peft_model(model, config)
    bar_merging(peft)
    if recipe.checkpointing:
        model.activation_checkpointing_enable()
        model.enable_input_require_grads()
    return peft


@dataclass(frozen=True)
class RowExamples:
    """Rows of a data set as examples; images are read as they are asked for."""

    checkpoint: Any
    rows: Sequence[Row]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Asked:
        return asked_of(self.checkpoint, self.rows[index], index)


@dataclass(frozen=True)
class Preparation:
    """Makes batches for one device."""

    checkpoint: Any
    marks: Marks
    recipe: Recipe
    device: torch.device

    def __call__(self, examples: Sequence[Asked], seed: list[int]) -> tuple[Batch, list[bool]]:
        pairs = [
            self._drawn(example, np.random.default_rng([*seed, example.number, 2]))
            for example in examples
        ]
        pad = int(self.checkpoint.tokenizer.pad_token_id)
        batch = stack(
            [example for example, _ in pairs], self.checkpoint.image_processor, pad, self.device
        )
        return batch, [ends for _, ends in pairs]

    def _drawn(self, example: Asked, rng: np.random.Generator) -> tuple[Asked, bool]:
        if example.is_report and rng.random() < self.recipe.middle:
            return fill(example, self.checkpoint.tokenizer, self.marks, rng), True
        return chunk(example, self.checkpoint.info.canvas_length, rng)


@dataclass(frozen=True)
class _Watched:
    """Held-out questions that are answered along the way, as they will be at the workstation."""

    checkpoint: Any
    rows: Sequence[Row]

    def figures(self, answered: Callable[[], None]) -> dict[str, float]:
        """Effective steps, and the share of closed questions that are answered right.

        ``answered`` is called behind each.
        """
        steps: list[int] = []
        right: list[bool] = []
        # Anew each time: what an engine has read, it has read with the weights of then.
        engine = plain_engine(self.checkpoint)
        for number, row in enumerate(self.rows):
            made = answer(engine, row, image_of(row), seed=number)
            steps.append(made.steps)
            if row.kind == "closed":
                right.append(is_right(made.text, row))
            answered()
        figures = {"effective_steps": float(np.mean(steps))} if steps else {}
        if right:
            figures["closed_accuracy"] = float(np.mean(right))
        return figures
