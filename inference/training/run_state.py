"""Where a training run stands: written often, atomically, so that a kill costs minutes at most."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn


class OtherRunError(Exception):
    """A saved state that this run may not go on from; ``str()`` says what to do."""


class RunState:
    """Saves and restores a module and its optimizers with the number of steps done.

    ``made_with`` names what the run depends on: a state saved under another one is not resumed.
    """

    def __init__(
        self,
        path: Path,
        module: nn.Module,
        optimizers: Sequence[torch.optim.Optimizer],
        made_with: str = "",
    ) -> None:
        self._path, self._module, self._optimizers = path, module, optimizers
        self._made_with = made_with

    @property
    def path(self) -> Path:
        return self._path

    def resume(self) -> int:
        """Restore the last saved state, if there is one; returns the number of steps done.

        Raises :class:`OtherRunError` if it was saved by a run with other settings.
        """
        if not self._path.exists():
            return 0
        saved = torch.load(self._path, weights_only=True)
        if saved["made_with"] != self._made_with or "optimizers" not in saved:
            raise OtherRunError(
                f"{self._path} belongs to a run with other settings ({saved['made_with']}, here "
                f"{self._made_with}). Name another --run folder, or repeat the settings."
            )
        self._module.load_state_dict(saved["module"])
        for optimizer, state in zip(self._optimizers, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        return int(saved["step"])

    def save(self, step: int) -> None:
        part = self._path.with_suffix(".part")
        torch.save(
            {
                "module": self._module.state_dict(),
                "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
                "step": step,
                "made_with": self._made_with,
            },
            part,
        )
        os.replace(part, self._path)


def warmup_cosine(step: int, steps: int, warm_up: int, floor: float = 0.02) -> float:
    """The share of the peak learning rate at ``step``: linear up, then half a cosine down."""
    if step < warm_up:
        return (step + 1) / warm_up
    done = (step - warm_up) / max(1, steps - warm_up)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
