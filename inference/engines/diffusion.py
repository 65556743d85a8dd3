"""DiffusionGemma: a study's prefix is encoded once, every infill is decoder forwards alone."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.allocator import keep_freed_memory
from inference.canvas import lay_out
from inference.engines.base import BadRequest, check_question
from inference.engines.decoder import DecoderCount, DecoderFactory, counted, decoder_behind
from inference.engines.filling import Denoiser, Filling
from inference.engines.loaded import LoadedEngine
from inference.engines.prefixes import (
    Prefixes,
    encode_prefix,
    extend,
    key_of,
    prompt_room,
)
from inference.protocol import (
    AdapterRequest,
    Canvas,
    Filled,
    Infill,
    ModelInfo,
)
from inference.sampler import Settings

Elastic = Literal["filler", "ranking"]

if TYPE_CHECKING:
    from transformers import DiffusionGemmaForBlockDiffusion, PreTrainedTokenizerBase
    from transformers.image_processing_base import ImageProcessingMixin


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint folder."""

    info: ModelInfo
    model: DiffusionGemmaForBlockDiffusion
    tokenizer: PreTrainedTokenizerBase
    image_processor: ImageProcessingMixin
    settings: Settings
    end_ids: tuple[int, ...]


class DiffusionEngine(LoadedEngine[Prefixes]):
    """Runs jobs on one loaded checkpoint, one at a time.

    A gap of open length finds its length by ``elastic``: the model spends filler on what is too
    much, or several lengths are denoised and ranked. What the checkpoint declares decides, but
    "ranking" can be had of any. ``decoder`` makes what decodes behind a prefix; where none is named
    that is the model, uncompiled.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        elastic: Elastic = "filler",
        decoder: DecoderFactory | None = None,
    ) -> None:
        if checkpoint.model.device.type == "cpu":
            keep_freed_memory()
        super().__init__(
            checkpoint,
            Prefixes(partial(encode_prefix, checkpoint), partial(extend, checkpoint.model)),
        )
        self._checkpoint = checkpoint
        self._settings = checkpoint.settings
        self.model = checkpoint.model
        if elastic == "ranking":
            self.codec.filler = None
        self._denoiser = Denoiser(
            codec=self.codec,
            canvas_length=checkpoint.info.canvas_length,
            vocab_size=checkpoint.model.config.text_config.vocab_size,
            prompt_room=prompt_room(checkpoint.model),
            device=checkpoint.model.device,
            # The weights' own may be of another kind where they are quantised.
            dtype=checkpoint.model.get_input_embeddings().weight.dtype,
            decoder=decoder or partial(decoder_behind, checkpoint.model),
            prefixes=self._prefixes,
        )

    def adapt(self, request: AdapterRequest) -> ModelInfo:
        """The same; a compiled decoder is left aside from then on."""
        info = super().adapt(request)
        self._denoiser = replace(self._denoiser, decoder=partial(decoder_behind, self.model))
        return info

    def _probe(self) -> Tensor:
        """Logits (L, V) of an empty prompt and one canvas, from the model as it stands."""
        length = self.info.canvas_length
        prefix = encode_prefix(self._checkpoint, None, "")
        canvas = torch.arange(length, device=self.model.device)
        return decoder_behind(self.model, prefix)(canvas[None], None, canvas)

    def infill(
        self,
        request: Infill,
        image: NDArray[np.uint8] | None,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
    ) -> Filled:
        """Fill the gaps of ``request``; ``image`` (rows, columns) is the one it names.

        Raises :class:`~inference.engines.base.BadRequest` before any work is done, or for a draft
        that holds nothing but a thought, and
        :class:`~inference.engines.base.JobCancelled` within one step of a cancel; the encoding of
        a prefix counts as a step.
        """
        started = time.perf_counter()
        if request.options.mode is not None:
            raise BadRequest(
                "A diffusion model always reads both sides of a gap: a mode is an autoregressive "
                "model's. Leave it out, or choose an autoregressive checkpoint."
            )
        check_question(request)
        room = self._denoiser.prompt_room
        layout = lay_out(request.pieces, self.codec, self.info.canvas_length, prompt_room=room)
        options = request.options
        seed = secrets.randbits(32) if options.seed is None else options.seed
        settings = self._settings.with_overrides(
            options.max_steps, options.entropy_bound, options.heat
        )

        def now() -> float:
            return time.perf_counter() - started

        count = DecoderCount()
        denoiser = replace(self._denoiser, decoder=counted(self._denoiser.decoder, count))
        filling = Filling(denoiser, request, settings, seed, emit, cancelled, now)
        filling.check_cancelled()
        with torch.inference_mode():
            prefix, encodings = self._prefixes.study(key_of(request), image)
            prefix_seconds = now()
            candidates = filling.run(key_of(request), prefix)
        return Filled(
            request_id=request.request_id,
            candidates=candidates,
            steps=filling.steps,
            forwards=count.forwards,
            canvas_forwards=count.rows,
            tokens=layout.free_tokens,
            seconds=now(),
            prefix_seconds=prefix_seconds if encodings else 0.0,
            prefix_encodings=encodings,
            seed=seed,
            checkpoint=self.info.checkpoint,
            device=self.info.device,
            unseen=filling.unseen,
        )
