"""The steps of a training run: learning rate, gradient, log, and a state that a kill spares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from inference.training.progress import Progress
from inference.training.run_state import RunState, warmup_cosine

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Course(Protocol):
    """How long a run takes, and how fast it learns at its peak."""

    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def warm_up(self) -> int: ...
    @property
    def save_every(self) -> int: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Watch:
    """Where a run is seen: ``name`` is its log's, ``title`` its bar's.

    ``evaluate(step)`` is called at every save, and its figures are logged.
    """

    name: str
    title: str
    progress: Progress
    evaluate: Callable[[int], dict[str, float]]


def run_steps(
    model: PreTrainedModel,
    optimizers: Sequence[torch.optim.Optimizer],
    state: RunState,
    course: Course,
    watch: Watch,
    loss_at: Callable[[int, np.random.Generator], Tensor],
    *,
    stop_after: int | None = None,
) -> None:
    """Train ``model`` in place, from where ``state`` was saved last.

    ``loss_at(step, rng)`` makes a step's loss; all that is random in it comes from ``rng``, so that
    a resumed run goes on as if nothing had been.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    progress = watch.progress
    first = state.resume()
    progress.rewind(first, watch.name, f"{watch.name}-held-out")
    progress.say_resumed(watch.title, first, course.steps, state.path)
    model.train()
    with progress.bar(watch.title, course.steps, first) as advance:
        for step in range(first, min(course.steps, stop_after or course.steps)):
            rate = course.learning_rate * warmup_cosine(step, course.steps, course.warm_up)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = rate
            loss = loss_at(step, np.random.default_rng((course.seed, step)))
            model.zero_grad(set_to_none=True)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(trained, 1.0)
            for optimizer in optimizers:
                optimizer.step()
            advance(1, f"loss {loss.item():.3f}")
            progress.log(watch.name, step=step + 1, loss=loss.item(), norm=float(norm))
            if (step + 1) % course.save_every == 0 or step + 1 == course.steps:
                state.save(step + 1)
                model.eval()
                with torch.compiler.set_stance("force_eager"):
                    figures = watch.evaluate(step + 1)
                model.train()
                progress.log(f"{watch.name}-held-out", step=step + 1, **figures)
                shown = ", ".join(f"{name} {value:.3f}" for name, value in figures.items())
                progress.say(f"{watch.name} step {step + 1}: loss {loss.item():.3f}, {shown}")
    model.eval()
