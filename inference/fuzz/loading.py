"""Loading a case as the worker does, and one short job on what has loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from inference.checkpoints import CheckpointError, load_engine
from inference.engines.base import BadRequest
from inference.fuzz.models import write_adapter, write_checkpoint
from inference.placement import Placement
from inference.protocol import Fixed, Gap, Infill, LoadAdapter, Options, RemoveAdapter

if TYPE_CHECKING:
    from inference.engines.autoregressive import AutoregressiveEngine
    from inference.engines.diffusion import DiffusionEngine
    from inference.fuzz.trials import Kind

_RENEWED: Final = 200
"""Adapters after which the checkpoint below them is loaded anew: their traces add up."""

_IMAGE = np.full((32, 48), 128, np.uint8)
_JOB = Infill(
    "job",
    (Fixed("The heart is "), Gap(tokens=4), Fixed(".")),
    context="Chest.",
    options=Options(seed=0, candidates=1, max_steps=2),
)


class Loader:
    """Loads cases of one kind; ``base`` is the sound folder that they are made from."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self._kind = kind
        self._checkpoint = folder / "checkpoint"
        self._adapter = folder / "adapter"
        if not self._checkpoint.exists():
            write_checkpoint(self._checkpoint)
            write_adapter(self._checkpoint, self._adapter)
        self._engine = self._load(self._checkpoint)
        self._count = 0

    @property
    def base(self) -> Path:
        return self._checkpoint if self._kind == "checkpoints" else self._adapter

    def load(self, case: Path) -> tuple[str, str]:
        """How loading and a job ended, and in what words."""
        try:
            if self._kind == "checkpoints":
                self._load(case).infill(_JOB, _IMAGE, lambda _: None, lambda: False)
            else:
                self._adapt(case)
        except (CheckpointError, BadRequest) as error:
            sentence = str(error)
            return ("refused" if sentence.endswith((".", ".)")) else "fault"), sentence
        except Exception as error:
            return "fault", f"{type(error).__name__}: {error}"
        return "loaded", ""

    def _adapt(self, case: Path) -> None:
        self._count += 1
        if self._count % _RENEWED == 0:
            self._engine = self._load(self._checkpoint)
        self._engine.adapt(LoadAdapter("load", str(case)))
        try:
            self._engine.infill(_JOB, _IMAGE, lambda _: None, lambda: False)
        finally:
            self._engine.adapt(RemoveAdapter("remove", case.name))

    def _load(self, folder: Path) -> DiffusionEngine | AutoregressiveEngine:
        return load_engine(folder, Placement("cpu"), lambda _: None)
