"""One item of ``pinfill bench infill`` through every writer and context, in a worker process.

A writer is a checkpoint, with an adapter or without; a context is what it sees of the report:

* ``both``: the words on both sides of the gap. A denoiser has them on its canvas, an autoregressive
  model in its prompt.
* ``left``: what stands left of the gap alone, where the model writes on.
* ``forced``: an autoregressive model alone; it writes from the left and hands over where the pinned
  words right of the gap come next by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from inference.checkpoints import load_either, plain_engine
from inference.engines.autoregressive import AutoregressiveEngine
from inference.engines.base import BadRequest
from inference.engines.diffusion import DiffusionEngine
from inference.evaluation.pool import settle_in
from inference.evaluation.sampler_items import Item, Source
from inference.evaluation.sampler_results import Cost, Measured, Result, score
from inference.evaluation.sentences import TooFewSentences, first_sentence
from inference.protocol import Filled, Fixed, Gap, Infill, LoadAdapter, Mode, Options, Piece

Context = Literal["both", "left", "forced"]
Length = Literal["open", "known"]
"""Whether the writer is told how many tokens the sentence had."""

LENGTHS: Final[tuple[Length, ...]] = ("open", "known")


@dataclass(frozen=True)
class Writer:
    """A checkpoint, with an adapter or without, under the name that results have."""

    name: str
    checkpoint: Path
    adapter: Path | None = None


@dataclass(frozen=True)
class Setup:
    """What every item of a run has in common."""

    writers: tuple[Writer, ...]
    device: str


def result_name(writer: str, context: Context, length: Length) -> str:
    """The name of a result within an item's."""
    return f"{writer}/{context}/{length}"


def measure(setup: Setup, source: Source) -> Measured:
    """Make an item and let every writer fill it; one that cannot be asked is skipped, and says why.

    Raises :class:`~inference.checkpoints.CheckpointError`, and
    :class:`~inference.training.data.rows.DataError` for an image that cannot be read.
    """
    settle_in()
    try:
        item = source.item(1)
        results: dict[str, Result] = {}
        for writer in setup.writers:
            results |= dict(_results(writer.name, _engine(writer, setup.device), item))
    except (TooFewSentences, BadRequest) as error:
        return Measured(seed=source.seed, skipped=str(error))
    return Measured(seed=source.seed, sentences=item.removed.sentences, results=results)


def check_writer(writer: Writer, device: str) -> str:
    """Load a writer, and return its paradigm.

    Raises :class:`~inference.checkpoints.CheckpointError`, and
    :class:`~inference.engines.base.BadRequest` for an adapter that does not fit.
    """
    return _engine(writer, device).info.paradigm


@cache
def _engine(writer: Writer, device: str) -> DiffusionEngine | AutoregressiveEngine:
    engine = plain_engine(load_either(writer.checkpoint, device))
    if writer.adapter is not None:
        engine.adapt(LoadAdapter("load", str(writer.adapter)))
    # The first forwards of a process are slow; nobody shall pay for that.
    warm_up = Infill("warm-up", (Gap(),), options=Options(max_steps=2))
    engine.infill(warm_up, None, lambda _: None, lambda: False)
    return engine


def _results(
    writer: str, engine: DiffusionEngine | AutoregressiveEngine, item: Item
) -> Iterator[tuple[str, Result]]:
    left, right = (Fixed(text) for text in item.removed.texts)
    exact = Gap(engine.length(item.removed.sentences[0]))
    writes_on = engine.info.paradigm == "autoregressive"

    def fill(pieces: tuple[Piece, ...], mode: Mode | None = None) -> Filled:
        request = Infill(
            request_id="evaluation",
            pieces=pieces,
            image_id=None if item.image is None else f"bench {item.seed}",
            context=item.context,
            options=Options(seed=item.seed, mode=mode if writes_on else None),
        )
        return engine.infill(request, item.image, lambda _: None, lambda: False)

    def result(context: Context, length: Length, filled: Filled, text: str) -> tuple[str, Result]:
        cost = Cost(
            forwards=filled.forwards,
            rows=filled.canvas_forwards or None,
            steps=filled.steps,
            seconds=filled.seconds - filled.prefix_seconds,
        )
        name = result_name(writer, context, length)
        return name, score([text], item.removed.sentences, cost)

    filled = fill((left, Gap(), right), "both")
    yield result("both", "open", filled, filled.fills[0])
    filled = fill((left, exact, right), "both")
    yield result("both", "known", filled, filled.fills[0])
    # A denoiser knows of no left side alone but by having nothing else; so the model writes on and
    # on, and what counts is the first sentence of that, or as many tokens.
    filled = fill((left, exact, Gap()), "left")
    yield result("left", "open", filled, first_sentence("".join(filled.fills)))
    yield result("left", "known", filled, filled.fills[0])
    if writes_on:
        filled = fill((left, Gap(), right), "forced")
        yield result("forced", "open", filled, filled.fills[0])
