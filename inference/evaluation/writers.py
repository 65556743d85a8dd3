"""Those who are compared: checkpoints of either paradigm, with an adapter or without."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from inference.adapters import RECORD
from inference.checkpoints import check_paradigm, load_either, plain_engine
from inference.evaluation.item_log import checkpoint_fingerprint
from inference.protocol import Gap, Infill, LoadAdapter, Options, Paradigm, UseAdapter

if TYPE_CHECKING:
    from inference.engines.autoregressive import AutoregressiveEngine
    from inference.engines.diffusion import DiffusionEngine


@dataclass(frozen=True)
class Writer:
    """``name`` is what its results have."""

    name: str
    paradigm: Paradigm
    checkpoint: Path
    adapter: Path | None = None


@dataclass(frozen=True)
class Setup:
    """What every item of a run has in common."""

    writers: tuple[Writer, ...]
    device: str


def engine_of(writer: Writer, device: str) -> DiffusionEngine | AutoregressiveEngine:
    """The writer, until the next is asked for: those of one checkpoint share its weights.

    Raises :class:`~inference.checkpoints.CheckpointError`, and
    :class:`~inference.engines.base.BadRequest` for an adapter that does not fit.
    """
    engine = _loaded(writer.checkpoint, writer.paradigm, device)
    name = None if writer.adapter is None else _adapted(writer, device)
    if engine.info.adapter != name:
        engine.adapt(UseAdapter("use", name))
    return engine


@cache
def _adapted(writer: Writer, device: str) -> str | None:
    """Loads an adapter once, as its folder is then; returns its name."""
    engine = _loaded(writer.checkpoint, writer.paradigm, device)
    model = engine.adapt(LoadAdapter("load", str(writer.adapter)))
    if model.adapter_doubt and multiprocessing.parent_process() is None:
        print(f"pinfill: {model.adapter_doubt}", file=sys.stderr)
    return model.adapter


@cache
def _loaded(
    checkpoint: Path, paradigm: Paradigm, device: str
) -> DiffusionEngine | AutoregressiveEngine:
    """Loaded and warmed up: the first forwards of a process are slow."""
    check_paradigm(checkpoint, paradigm)
    engine = plain_engine(load_either(checkpoint, device))
    warm_up = Infill("warm-up", (Gap(8),), options=Options(max_steps=2))
    engine.infill(warm_up, None, lambda _: None, lambda: False)
    return engine


def fingerprints(writers: Sequence[Writer]) -> dict[str, str]:
    """What tells these writers' results from those of others."""
    told = {}
    for writer in writers:
        told[f"{writer.name} checkpoint"] = checkpoint_fingerprint(writer.checkpoint)
        if writer.adapter is not None:
            told[f"{writer.name} adapter"] = checkpoint_fingerprint(writer.adapter)
    return told


def described(setup: Setup) -> dict[str, object]:
    """The writers and the device, for a result."""
    writers = {
        writer.name: [str(path) for path in (writer.checkpoint, writer.adapter) if path]
        for writer in setup.writers
    }
    return {"writers": writers, "device": setup.device}


def paradigm_of_adapter(folder: Path) -> Paradigm | None:
    """What an adapter that Pinfill trained says of itself; ``None`` for another maker's."""
    try:
        told = json.loads((folder / RECORD).read_text("utf-8")).get("paradigm")
    except (OSError, ValueError, AttributeError):
        return None
    return told if told in ("diffusion", "autoregressive") else None
