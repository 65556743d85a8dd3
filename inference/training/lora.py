"""The steps of an adapter's training, on one device or on many, resumed where it was stopped.

Which examples a step takes, and all that is random in them, follows from the seed and the number of
the step. So a run that was killed goes on as if nothing had been, and two devices take the step
that one would have taken.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from inference.allocator import first_line, is_exhaustion
from inference.training.batches import Asked, Batch
from inference.training.progress import Progress
from inference.training.recipe import Recipe
from inference.training.run_state import OtherRunError, warmup_cosine

if TYPE_CHECKING:
    from accelerate import Accelerator

_WHOLE: Final = StateDictOptions(
    full_state_dict=True, cpu_offload=True, ignore_frozen_params=True, strict=False
)
"""The adapter alone, gathered from wherever its parts lie."""

OBJECTIVES: Final = "objectives"
"""In ``made_with``: the version of what is learned."""

_VALIDATION: Final = 2**40
"""Of the seeds that held-out examples are noised with, which no step's are."""

_TOGETHER: Final = ("NO", "MULTI_CPU", "MULTI_GPU")
"""What accelerate calls the ways in which every device holds the whole model."""


class TrainingError(Exception):
    """One sentence: why a run cannot go on, and what is kept of it."""


class Examples(Protocol):
    """What a run is made on; examples are made as they are asked for."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> Asked: ...


@dataclass(frozen=True)
class Lesson:
    """What is learned from: ``prepare`` makes a batch of some examples and says whose answers end
    in it; ``made_with`` names all that a resumed run must have in common with the first."""

    training: Examples
    held_out: Examples
    prepare: Callable[[Sequence[Asked], list[int]], tuple[Batch, list[bool]]]
    made_with: Mapping[str, str]


@dataclass(frozen=True)
class Watch:
    """Who is told of a run: ``measure`` makes more figures than the loss, on one device, of
    ``measured`` examples, and says of each that it is done."""

    progress: Progress
    measure: Callable[[Callable[[], None]], dict[str, float]] = lambda _: {}
    measured: int = 0


class Curriculum:
    """Which examples make up which step: every epoch takes all of them once, in another order."""

    def __init__(self, count: int, recipe: Recipe) -> None:
        if count < 1:
            raise TrainingError("There is no example to train on. Name other data.")
        self._count, self._recipe = count, recipe
        self._epoch, self._order = -1, np.arange(count)
        self.steps = recipe.steps or max(1, math.ceil(recipe.epochs * count / recipe.batch))

    def indices(self, step: int) -> list[int]:
        """The examples of a step (``batch`` of them), counted from 0."""
        first = step * self._recipe.batch
        return [self._at(place) for place in range(first, first + self._recipe.batch)]

    def _at(self, place: int) -> int:
        epoch, at = divmod(place, self._count)
        if epoch != self._epoch:
            rng = np.random.default_rng([self._recipe.seed, epoch])
            self._epoch, self._order = epoch, rng.permutation(self._count)
        return int(self._order[at])

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        recipe = self._recipe
        if recipe.schedule == "cosine":
            return recipe.learning_rate * warmup_cosine(step, self.steps, recipe.warm_up, 0.0)
        return recipe.learning_rate * min(1.0, (step + 1) / max(1, recipe.warm_up))


def state_in(folder: Path) -> Path:
    """Where a run in ``folder`` saves its state."""
    return folder / "state.pt"


class AdapterState:
    """The adapter, its optimizer and the number of steps done, in one file that is always whole."""

    def __init__(self, folder: Path, made_with: Mapping[str, str]) -> None:
        self._path, self._made_with = state_in(folder), dict(made_with)

    @property
    def path(self) -> Path:
        return self._path

    @staticmethod
    def weights(folder: Path) -> dict[str, Tensor]:
        """The adapter as it was saved last, by its names in the objective."""
        return dict(_read_state(state_in(folder))["module"])

    def resume(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> int:
        """Restore the last saved state, if there is one; returns the number of steps done.

        Raises :class:`~inference.training.run_state.OtherRunError`.
        """
        if not self._path.exists():
            return 0
        saved = _read_state(self._path)
        before, here = saved["made_with"], self._made_with
        if before.get(OBJECTIVES) != here.get(OBJECTIVES):
            raise OtherRunError(
                f"{self._path} belongs to a run of another version of Pinfill, which learned "
                "another thing from the same settings. Name another --out folder."
            )
        if others := [
            f"{name} {before.get(name)}, here {here.get(name)}"
            for name in {**before, **here}
            if before.get(name) != here.get(name)
        ]:
            raise OtherRunError(
                f"{self._path} belongs to a run with other settings or other data "
                f"({'; '.join(others)}). Name another --out folder, or repeat the settings."
            )
        set_model_state_dict(module, saved["module"], options=_WHOLE)
        set_optimizer_state_dict(module, optimizer, saved["optimizer"], options=_WHOLE)
        return int(saved["step"])

    def save(
        self, module: nn.Module, optimizer: torch.optim.Optimizer, step: int, *, writes: bool
    ) -> None:
        """Called on every device, since each holds a part; ``writes`` on the one that writes.

        Raises :class:`TrainingError` where the disk is full; the state before is kept then.
        """
        adapter, moments = get_state_dict(module, optimizer, options=_WHOLE)
        if not writes:
            return
        part = self._path.with_suffix(".part")
        try:
            with part.open("wb") as file:
                torch.save(
                    {
                        "module": adapter,
                        "optimizer": moments,
                        "step": step,
                        "made_with": self._made_with,
                    },
                    file,
                )
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self._path)
        except (OSError, RuntimeError) as error:  # torch wraps what the disk says
            part.unlink(missing_ok=True)
            kept = "the state before it is kept" if self._path.exists() else "nothing is kept yet"
            raise TrainingError(
                f"The state of step {step} cannot be written to {self._path} ({error}); {kept}. "
                "Make room on the disk and run the same command again."
            ) from error


def _read_state(path: Path) -> dict[str, Any]:
    try:
        saved = torch.load(path, weights_only=True, map_location="cpu")
        return {name: saved[name] for name in ("module", "optimizer", "step", "made_with")}
    except Exception as error:  # a damaged file fails in nearly any way
        raise TrainingError(
            f"{path} is no state of a run, or is damaged ({first_line(error)}). Name another --out "
            "folder, or remove that file to begin anew."
        ) from error


def train(
    objective: nn.Module,
    lesson: Lesson,
    recipe: Recipe,
    folder: Path,
    watch: Watch,
    accelerator: Accelerator,
) -> dict[str, float]:
    """Train what in ``objective`` asks for a gradient; returns the last held-out figures.

    Goes on from ``folder`` where a run of the same settings was stopped. Raises
    :class:`TrainingError` and :class:`~inference.training.run_state.OtherRunError`.
    """
    _check(recipe, accelerator)
    with _remedies_told(folder, recipe, accelerator.num_processes):
        trained = [parameter for parameter in objective.parameters() if parameter.requires_grad]
        optimizer: Any = torch.optim.AdamW(
            trained,
            recipe.learning_rate,
            (recipe.beta1, recipe.beta2),
            weight_decay=recipe.weight_decay,
        )
        objective, optimizer = accelerator.prepare(objective, optimizer)
        course = Curriculum(len(lesson.training), recipe)
        state = AdapterState(folder, lesson.made_with)
        first = state.resume(objective, optimizer.optimizer)
        progress = watch.progress
        main = accelerator.is_main_process
        if main:
            # What a run measured before its first step is measured again with it.
            progress.rewind(first or -1, "training", "held-out")
            progress.say_resumed("adapter", first, course.steps, state.path)
        figures: dict[str, float] = {}
        if first == 0:
            if main:
                progress.say("looking at the held-out examples before the first step")
            figures = _held_out(objective, lesson, accelerator, recipe, watch)
        if main and figures:
            progress.log("held-out", step=0, **figures)
            progress.say(f"before: held out: {_shown(figures)}")
        objective.train()
        with progress.bar("adapter", course.steps, first) as advance:
            for step in range(first, course.steps):
                rate = course.rate(step)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                loss = _step(
                    objective, optimizer, lesson, recipe, course.indices(step), step, accelerator
                )
                if not math.isfinite(loss):
                    raise TrainingError(
                        f"The loss of step {step + 1} is not finite. What was saved before is "
                        "kept. Begin anew in another --out folder, with a smaller --learning-rate."
                    )
                done = step + 1
                if main:
                    advance(1, f"loss {loss:.3f}")
                    progress.log("training", step=done, loss=loss, learning_rate=rate)
                if done % recipe.evaluate_every == 0 or done == course.steps:
                    figures = _held_out(objective, lesson, accelerator, recipe, watch)
                    if main:
                        progress.log("held-out", step=done, **figures)
                        progress.say(f"step {done}: loss {loss:.3f}, held out: {_shown(figures)}")
                # Behind what was measured: a kill between the two has it measured again.
                if done % recipe.save_every == 0 or done == course.steps:
                    state.save(objective, optimizer.optimizer, done, writes=main)
        # A run that had ended before is asked once more what its card is to say.
        return figures or _held_out(objective, lesson, accelerator, recipe, watch)


def _shown(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in figures.items())


@contextmanager
def _remedies_told(folder: Path, recipe: Recipe, processes: int) -> Iterator[None]:
    """Turns a lack of memory into a sentence that says how to go on."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_exhaustion(error):
            raise
        remedies = " and ".join(_remedies(recipe, processes))
        raise TrainingError(
            f"There is not enough memory ({first_line(error)}). What was saved in "
            f"{folder} is kept. Run the same command again {remedies}."
        ) from error


def _remedies(recipe: Recipe, processes: int) -> Iterator[str]:
    """What takes less memory and goes on with the same run."""
    share = recipe.batch // processes
    at_once = min(recipe.micro_batch or share, share)
    if at_once > 1:
        yield f"with --micro-batch {at_once // 2}"
    if not recipe.checkpointing:
        yield "with --checkpointing true"
    if at_once == 1 and recipe.checkpointing:
        yield "on a device with more memory"


def _check(recipe: Recipe, accelerator: Accelerator) -> None:
    processes = accelerator.num_processes
    if (kind := str(accelerator.distributed_type.value)) not in _TOGETHER:
        raise TrainingError(
            f"accelerate was told to spread the model over devices ({kind}), which is not possible "
            "while encoder and decoder share their weights. Launch it with --multi_gpu: every "
            "device then holds the model, and a part of each batch."
        )
    if recipe.batch % processes:
        raise TrainingError(
            f"A batch of {recipe.batch} cannot be shared evenly by {processes} devices. Set "
            f"--batch to a multiple of {processes}."
        )


def _step(
    objective: nn.Module,
    optimizer: Any,
    lesson: Lesson,
    recipe: Recipe,
    indices: Sequence[int],
    step: int,
    accelerator: Accelerator,
) -> float:
    """One update; the mean loss of the whole batch."""
    seed = [recipe.seed, step]
    torch.manual_seed(recipe.seed + step)  # what dropout draws
    share = len(indices) // accelerator.num_processes
    mine = indices[accelerator.process_index * share :][:share]
    total = torch.zeros((), device=accelerator.device)
    parts = list(_parts(mine, recipe.micro_batch or share))
    for number, part in enumerate(parts):
        batch, ends = lesson.prepare([lesson.training[index] for index in part], seed)
        more = number < len(parts) - 1
        with accelerator.no_sync(objective) if more else nullcontext():
            loss: Tensor = objective(batch, ends, seed) * (len(part) / len(mine))
            accelerator.backward(loss)
        total += loss.detach()
    if recipe.clip:
        accelerator.clip_grad_norm_(objective.parameters(), recipe.clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    mean: Tensor = accelerator.reduce(total, "mean")
    return mean.item()


def _parts(indices: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for first in range(0, len(indices), size):
        yield indices[first : first + size]


@torch.no_grad()
def _held_out(
    objective: nn.Module, lesson: Lesson, accelerator: Accelerator, recipe: Recipe, watch: Watch
) -> dict[str, float]:
    """The loss on all held-out examples, noised alike at every time, and what else is measured."""
    objective.eval()
    seed = [recipe.seed, _VALIDATION]
    count = len(lesson.held_out)
    processes = accelerator.num_processes
    mine = list(range(accelerator.process_index, count, processes))
    sums = torch.zeros(2, device=accelerator.device)
    size = recipe.micro_batch or max(1, recipe.batch // processes)
    total = len(mine) + watch.measured
    with watch.progress.bar("looking at held-out examples", total, brief=True) as advance:
        # As many forwards on every device, for they wait for each other in each.
        for first in range(0, -(-count // processes), size):
            part = mine[first : first + size]
            rows = [lesson.held_out[index] for index in part or [0]]
            batch, ends = lesson.prepare(rows, seed)
            loss: Tensor = objective(batch, ends, seed)
            sums += torch.stack([loss * len(part), torch.full_like(loss, len(part))])
            advance(len(part), "")
        sums = accelerator.reduce(sums, "sum")
        figures = {"loss": (sums[0] / sums[1]).item()}
        if accelerator.is_main_process:
            figures |= watch.measure(lambda: advance(1, ""))
    accelerator.wait_for_everyone()
    objective.train()
    return figures
