"""Gemma 4, the autoregressive sibling: the same studies, the same requests, written left to right.

It is here to be compared with. A gap between pinned words can be put to it in three ways
(:data:`~inference.protocol.Mode`); a request that is one gap alone is a draft in all of them. The
study's image and context are encoded once, as for diffusion; what is asked of them comes behind
that, and the keys and values of all that was read are kept while it writes.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.codec import Codec
from inference.engines.base import BadRequest, check_has_gap, check_question
from inference.engines.loaded import LoadedEngine
from inference.engines.prefixes import StudyPrefixes, key_of, refuse_long_prompt
from inference.engines.writing import Author, Writing
from inference.prompt import patch, write_stem
from inference.protocol import (
    Canvas,
    Filled,
    Infill,
    ModelInfo,
)

if TYPE_CHECKING:
    from transformers import (
        Cache,
        Gemma4ForConditionalGeneration,
        GenerationConfig,
        PreTrainedTokenizerBase,
    )
    from transformers.generation.logits_process import LogitsProcessorList
    from transformers.image_processing_base import ImageProcessingMixin

LONGEST = 512
"""Tokens of a report at most, where the checkpoint does not say."""


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint folder."""

    info: ModelInfo
    model: Gemma4ForConditionalGeneration
    tokenizer: PreTrainedTokenizerBase
    image_processor: ImageProcessingMixin
    end_ids: tuple[int, ...]


class AutoregressiveEngine(LoadedEngine[StudyPrefixes]):
    """Runs jobs on one loaded checkpoint, one at a time."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint, StudyPrefixes(partial(encode_stem, checkpoint)))
        self.model = checkpoint.model
        self._author = author_of(checkpoint, self.codec)

    def _probe(self) -> Tensor:
        """Logits (P, V) of an empty prompt, from the model as it stands."""
        stem = write_stem(self._author.tokenizer, "", None)
        logits: Tensor = self.model(input_ids=stem.input_ids.to(self.model.device)).logits[0]
        return logits

    def infill(
        self,
        request: Infill,
        image: NDArray[np.uint8] | None,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
    ) -> Filled:
        """Fill the gaps of ``request``; ``image`` (rows, columns) is the one it names.

        Steps are tokens, of which ``max_steps`` are written into a gap at most. The bound of
        entropies has no meaning here.

        Raises :class:`~inference.engines.base.BadRequest` for what does not fit, and
        :class:`~inference.engines.base.JobCancelled` within one token of a cancel.
        """
        started = time.perf_counter()
        check_has_gap(request.pieces)
        check_question(request)
        if request.options.warm:
            raise BadRequest(
                "An autoregressive model writes from nothing and cannot begin near the words that "
                "are there. Infill instead, or choose a diffusion checkpoint."
            )
        seed = request.options.seed
        seed = secrets.randbits(32) if seed is None else seed

        def now() -> float:
            return time.perf_counter() - started

        author = _heated(self._author, request.options.heat)
        writing = Writing(author, request, seed, emit, cancelled, now)
        writing.check_cancelled()
        with torch.inference_mode():
            stem, encodings = self._prefixes.study(key_of(request)._replace(question=None), image)
            prefix_seconds = now()
            candidates = writing.run(stem)
        return Filled(
            request_id=request.request_id,
            candidates=candidates,
            steps=writing.steps,
            forwards=writing.forwards,
            canvas_forwards=writing.forwards,
            tokens=writing.steps,
            seconds=now(),
            prefix_seconds=prefix_seconds if encodings else 0.0,
            prefix_encodings=encodings,
            seed=seed,
            checkpoint=self.info.checkpoint,
            device=self.info.device,
        )


def author_of(checkpoint: Checkpoint, codec: Codec) -> Author:
    """What writes, as the checkpoint's own files want it to."""
    return Author(
        model=checkpoint.model,
        tokenizer=checkpoint.tokenizer,
        codec=codec,
        longest=checkpoint.info.max_steps,
        room=_room(checkpoint.model),
        warpers=_warpers(checkpoint.model.generation_config),
        banned=_tokens(codec.special - codec.ends, checkpoint.model.device),
        banned_in_text=_tokens(codec.special, checkpoint.model.device),
    )


def encode_stem(
    checkpoint: Checkpoint,
    image: NDArray[np.uint8] | None,
    context: str,
    _question: str | None = None,
) -> Cache:
    """Encode what every prompt of a study begins with: its image and its context.

    Raises :class:`~inference.engines.base.BadRequest` where that is too long.
    """
    from transformers import DynamicCache

    model = checkpoint.model
    patched = None if image is None else patch(image, checkpoint.image_processor)
    stem = write_stem(
        checkpoint.tokenizer, context, None if patched is None else patched.soft_tokens
    )
    refuse_long_prompt(stem.input_ids.shape[1], _room(model) - checkpoint.info.max_steps)
    seen: dict[str, Tensor] = {}
    if patched is not None:
        seen = {
            "pixel_values": patched.pixel_values.to(model.device),
            "image_position_ids": patched.position_ids.to(model.device),
            "mm_token_type_ids": stem.token_type_ids.to(model.device),
        }
    cache = DynamicCache(config=model.config.get_text_config())
    ids = stem.input_ids.to(model.device)
    model.model(input_ids=ids, past_key_values=cache, use_cache=True, **seen)
    return cache


def _heated(author: Author, heat: float | None) -> Author:
    """The same with temperatures that many times as high: drawn before any are left out."""
    from transformers.generation.logits_process import (
        LogitsProcessorList,
        TemperatureLogitsWarper,
    )

    if heat in (None, 1.0):
        return author
    return replace(
        author, warpers=LogitsProcessorList([TemperatureLogitsWarper(heat), *author.warpers])
    )


def _tokens(ids: Collection[int], device: torch.device) -> Tensor:
    return torch.tensor(sorted(ids), device=device)


def _room(model: Gemma4ForConditionalGeneration) -> int:
    return int(model.config.get_text_config().max_position_embeddings)


def _warpers(generation: GenerationConfig) -> LogitsProcessorList:
    """What the checkpoint's own settings make of a distribution that is drawn from."""
    from transformers.generation.logits_process import (
        LogitsProcessorList,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    warpers = LogitsProcessorList()
    if generation.temperature not in (None, 1.0):
        warpers.append(TemperatureLogitsWarper(float(generation.temperature)))
    if generation.top_k:
        warpers.append(TopKLogitsWarper(generation.top_k))
    if generation.top_p not in (None, 1.0):
        warpers.append(TopPLogitsWarper(generation.top_p))
    return warpers
