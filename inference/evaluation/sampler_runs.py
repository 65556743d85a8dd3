"""One item of ``pinfill bench sampler`` through every sampler, in a worker process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import add
from pathlib import Path
from typing import Final

import msgspec

from inference.canvas import lay_out, read_text
from inference.checkpoints import load
from inference.codec import Codec
from inference.engines.base import BadRequest
from inference.engines.decoder import counting_decoder
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.evaluation.baselines import (
    Baseline,
    logits_processor,
    paper_clamp,
    prompt_inputs,
)
from inference.evaluation.pool import settle_in
from inference.evaluation.sampler_items import Item, Source
from inference.evaluation.sampler_results import BUDGETS, Cost, Measured, Result, at, score
from inference.evaluation.sentences import TooFewSentences, first_sentence
from inference.protocol import Filled, Fixed, Gap, Infill, Options, Piece, Prepare
from inference.training.data.images import UnreadableImage

_DEFAULTS: Final = Options()


@dataclass(frozen=True)
class Setup:
    """What every item of a run has in common."""

    folder: Path
    device: str
    gaps: int


def measure(setup: Setup, source: Source) -> Measured:
    """Make an item and run every sampler on it; one that cannot be asked is skipped, and says why.

    Raises :class:`~inference.checkpoints.CheckpointError`.
    """
    settle_in()
    try:
        item = source.item(setup.gaps)
        return _samplers(setup.folder, setup.device).run(item)
    except (TooFewSentences, BadRequest, UnreadableImage) as error:
        return Measured(seed=source.seed, skipped=str(error))


@cache
def _samplers(folder: Path, device: str) -> Samplers:
    return Samplers.of(load(folder, device))


@dataclass(frozen=True)
class Samplers:
    """A loaded checkpoint, and all that can fill a gap with it.

    ``ranking`` fills gaps of open length without filler, as for a checkpoint that knows none.
    """

    checkpoint: Checkpoint
    codec: Codec
    engine: DiffusionEngine
    ranking: DiffusionEngine | None

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> Samplers:
        codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
        ranking = None
        if codec.filler is not None:
            ranking = DiffusionEngine(checkpoint, elastic="ranking")
        samplers = cls(checkpoint, codec, DiffusionEngine(checkpoint), ranking)
        # The first forwards of a process are slow; no sampler shall pay for that.
        samplers.engine.infill(
            Infill("warm-up", (Gap(),), options=Options(max_steps=2)),
            None,
            lambda _: None,
            lambda: False,
        )
        return samplers

    def run(self, item: Item) -> Measured:
        """Fill the gaps of an item in every way.

        Raises :class:`~inference.engines.base.BadRequest` for a report that does not fit.
        """
        return _Run(self, item).measured()


class _Run:
    """One item's turn."""

    def __init__(self, samplers: Samplers, item: Item) -> None:
        self._samplers = samplers
        self._item = item
        self._sentences = item.removed.sentences
        self._gaps = [Gap(samplers.engine.length(sentence)) for sentence in self._sentences]
        self._image_id = None if item.image is None else f"bench {item.seed}"

    def measured(self) -> Measured:
        known = self._item.removed.pieces(self._gaps)
        unknown = self._item.removed.pieces([Gap()] * len(self._gaps))
        default = self._samplers.checkpoint.settings.max_steps
        engine, ranking = self._samplers.engine, self._samplers.ranking

        self._prepare(engine)
        swept: dict[str, Result] = {}
        for budget in sorted({*BUDGETS, default}):
            swept[at("paper_clamp", budget)] = self._generate(paper_clamp, known, budget)
            swept[at("pinfill_single", budget)] = self._fill(
                engine, known, Options(candidates=1, max_steps=budget)
            )
        results = {
            "paper_clamp": swept[at("paper_clamp", default)],
            "logits_processor": self._generate(logits_processor, known, default),
            "pinfill_single": swept[at("pinfill_single", default)],
            "pinfill": self._fill(engine, known),
            "pinfill_unknown_length": self._fill(engine, unknown),
            "pinfill_unknown_length_single": self._fill(engine, unknown, Options(candidates=1)),
        }
        if ranking is not None:
            self._prepare(ranking)
            results["pinfill_ranking"] = self._fill(ranking, unknown)
        results |= self._left_only() | self._of_five(known)
        return Measured(seed=self._item.seed, sentences=self._sentences, results=results | swept)

    def _generate(self, baseline: Baseline, pieces: Sequence[Piece], budget: int) -> Result:
        checkpoint, codec = self._samplers.checkpoint, self._samplers.codec
        layout = lay_out(pieces, codec, checkpoint.info.canvas_length)
        inputs = prompt_inputs(checkpoint, self._item.image, self._item.context)
        with counting_decoder(checkpoint.model) as count:
            made = baseline(checkpoint, inputs, layout, self._item.seed, budget)
        fills = [
            read_text(made.tokens[slot.start : slot.stop], slot, codec) for slot in layout.slots
        ]
        steps = count.forwards
        cost = Cost(forwards=steps, rows=count.rows, steps=steps, seconds=made.seconds)
        return score(fills, self._sentences, cost)

    def _fill(
        self, engine: DiffusionEngine, pieces: Sequence[Piece], options: Options = _DEFAULTS
    ) -> Result:
        filled, cost = self._infill(engine, pieces, options)
        return score(filled.fills, self._sentences, cost)

    def _left_only(self) -> dict[str, Result]:
        """Each gap filled behind what stands left of it alone, earlier fills included.

        The model writes on and on. With the length known, so many tokens of that are taken; with
        the length unknown, its first sentence. One job a gap serves for both.
        """
        left, *rights = self._item.removed.texts
        known, unknown, costs = [], [], []
        for gap, right in zip(self._gaps, rights, strict=True):
            filled, cost = self._infill(self._samplers.engine, (Fixed(left), gap, Gap()))
            known.append(filled.fills[0])
            unknown.append(first_sentence("".join(filled.fills)))
            costs.append(cost)
            left += known[-1] + right
        cost = reduce(add, costs)
        return {
            "pinfill_left_only": score(known, self._sentences, cost),
            "pinfill_unknown_length_left_only": score(unknown, self._sentences, cost),
        }

    def _of_five(self, pieces: Sequence[Piece]) -> dict[str, Result]:
        """The best of five candidates by hindsight, and the one that is ranked first."""
        filled, cost = self._infill(self._samplers.engine, pieces, Options(candidates=5))
        results = [score(candidate.fills, self._sentences, cost) for candidate in filled.candidates]
        return {
            "best_of_five": max(results, key=lambda result: result.token_f1),
            "first_of_five": results[0],
        }

    def _prepare(self, engine: DiffusionEngine) -> None:
        engine.prepare(
            Prepare("bench", image_id=self._image_id, context=self._item.context), self._item.image
        )

    def _infill(
        self, engine: DiffusionEngine, pieces: Sequence[Piece], options: Options = _DEFAULTS
    ) -> tuple[Filled, Cost]:
        request = Infill(
            request_id="bench",
            pieces=tuple(pieces),
            image_id=self._image_id,
            context=self._item.context,
            options=msgspec.structs.replace(options, seed=self._item.seed),
        )
        filled = engine.infill(request, self._item.image, lambda _: None, lambda: False)
        return filled, Cost(
            forwards=filled.forwards,
            rows=filled.canvas_forwards,
            steps=filled.steps,
            seconds=filled.seconds - filled.prefix_seconds,
        )
