"""One item of ``pinfill bench infill`` through every writer and context, in a worker process.

A context is what a writer sees of the report:

* ``both``: the words on both sides of the gap. A denoiser has them on its canvas, an autoregressive
  model in its prompt.
* ``left``: what stands left of the gap alone, where the model writes on.
* ``forced``: an autoregressive model alone; it writes from the left and hands over where the pinned
  words right of the gap come next by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from inference.engines.autoregressive import AutoregressiveEngine
from inference.engines.base import BadRequest
from inference.engines.diffusion import DiffusionEngine
from inference.evaluation.pool import settle_in
from inference.evaluation.sampler_items import Item, Source
from inference.evaluation.sampler_results import Cost, Measured, Result, score
from inference.evaluation.sentences import TooFewSentences, first_sentence
from inference.evaluation.writers import Setup, engine_of
from inference.protocol import Filled, Fixed, Gap, Infill, Mode, Options, Piece
from inference.training.data.images import UnreadableImage

Context = Literal["both", "left", "forced"]
Length = Literal["open", "known"]
"""Whether the writer is told how many tokens the sentence had."""

LENGTHS: Final[tuple[Length, ...]] = ("open", "known")


def result_name(writer: str, context: Context, length: Length) -> str:
    """The name of a result within an item's."""
    return f"{writer}/{context}/{length}"


def measure(setup: Setup, source: Source) -> Measured:
    """Make an item and let every writer fill it; one that cannot be asked is skipped, and says why.

    Raises :class:`~inference.checkpoints.CheckpointError`.
    """
    settle_in()
    try:
        item = source.item(1)
        results: dict[str, Result] = {}
        for writer in setup.writers:
            results |= dict(_results(writer.name, engine_of(writer, setup.device), item))
    except (TooFewSentences, BadRequest, UnreadableImage) as error:
        return Measured(seed=source.seed, skipped=str(error))
    return Measured(seed=source.seed, sentences=item.removed.sentences, results=results)


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
            # One text each: of several, ranked, a sibling has none.
            options=Options(seed=item.seed, candidates=1, mode=mode if writes_on else None),
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
    filled = fill((left, Gap()), "left")
    yield result("left", "open", filled, first_sentence(filled.fills[0]))
    filled = fill((left, exact, Gap()), "left")
    yield result("left", "known", filled, filled.fills[0])
    if writes_on:
        filled = fill((left, Gap(), right), "forced")
        yield result("forced", "open", filled, filled.fills[0])
