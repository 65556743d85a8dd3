"""DiffusionGemma: a study's prefix is encoded once, every infill is decoder forwards alone."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.canvas import Codec, Layout, lay_out, read_fill, read_runs, thinks_on
from inference.engines.base import BadRequest, JobCancelled
from inference.prompt import Prompt, patch, write_prompt
from inference.protocol import Candidate, Canvas, Filled, Infill, ModelInfo, Prepare, Prepared
from inference.sampler import Decoder, Settings, Step, denoise

if TYPE_CHECKING:
    from transformers import Cache, DiffusionGemmaForBlockDiffusion, PreTrainedTokenizerBase
    from transformers.image_processing_base import ImageProcessingMixin

PREFIXES_KEPT: Final = 8
"""Prefixes kept encoded: the studies last worked on."""


@dataclass(frozen=True)
class Checkpoint:
    """A loaded checkpoint folder."""

    info: ModelInfo
    model: DiffusionGemmaForBlockDiffusion
    tokenizer: PreTrainedTokenizerBase
    image_processor: ImageProcessingMixin
    settings: Settings
    end_ids: tuple[int, ...]


class DiffusionEngine:
    """Runs jobs on one loaded checkpoint, one at a time."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.info = checkpoint.info
        self._checkpoint = checkpoint
        self._model = checkpoint.model
        self._device = checkpoint.model.device
        self._codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
        self._prefixes: OrderedDict[tuple[str | None, str], Cache] = OrderedDict()

    def prepare(self, request: Prepare, image: NDArray[np.uint8] | None) -> Prepared:
        """Encode a study's prefix; later infills of the same image and context find it."""
        started = time.perf_counter()
        with torch.inference_mode():
            _, encodings = self._prefix(request, image)
        return Prepared(request.request_id, encodings, time.perf_counter() - started)

    def length(self, text: str) -> int:
        """Tokens that a gap must have for this text to fill it exactly, behind a space."""
        return len(self._codec.encode(f" {text}"))

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
        layout = lay_out(request.pieces, self._codec, self.info.canvas_length)
        options = request.options
        seed = secrets.randbits(32) if options.seed is None else options.seed
        settings = self._checkpoint.settings.with_overrides(
            options.max_steps, options.entropy_bound
        )
        if cancelled():
            raise JobCancelled(step=0)

        with torch.inference_mode(), self._counting() as forwards:
            prefix, encodings = self._prefix(request, image)
            prefix_seconds = time.perf_counter() - started
            if cancelled():
                raise JobCancelled(step=0)
            step: Step | None = None
            for step in self._denoise(prefix, layout, settings, seed):
                emit(self._canvas(request.request_id, layout, step, settings, started))
                if cancelled() and not step.finished:
                    raise JobCancelled(step=step.number)
            assert step is not None, "a sampler makes at least one step"
            draft = step.draft.tolist()
            forward_count = forwards()
        if thinks_on(layout, draft, self._codec):
            raise BadRequest(
                "The canvas was full before the model had thought its answer over. Ask again, or "
                "pin a heading to begin with."
            )

        return Filled(
            request_id=request.request_id,
            candidates=(
                Candidate(
                    tuple(
                        read_fill(layout, index, draft, self._codec)
                        for index in range(len(layout.slots))
                    )
                ),
            ),
            steps=step.number,
            forwards=forward_count,
            tokens=layout.free_tokens,
            seconds=time.perf_counter() - started,
            prefix_seconds=prefix_seconds if encodings else 0.0,
            prefix_encodings=encodings,
            seed=seed,
            checkpoint=self.info.checkpoint,
            device=self.info.device,
        )

    def _denoise(
        self, prefix: Cache, layout: Layout, settings: Settings, seed: int
    ) -> Iterator[Step]:
        return denoise(
            self._decoder(prefix),
            layout.clamp(self._codec, self._device, settings.filler_bias),
            settings,
            vocab_size=self._model.config.text_config.vocab_size,
            self_conditioning_dtype=self._model.dtype,
            generator=torch.Generator(self._device).manual_seed(seed),
        )

    def _decoder(self, prefix: Cache) -> Decoder:
        def decode(canvas: Tensor, self_conditioning: Tensor | None) -> Tensor:
            output = self._model(
                past_key_values=prefix,
                decoder_input_ids=canvas,
                self_conditioning_logits=self_conditioning,
            )
            logits: Tensor = output.logits
            return logits

        return decode

    @contextmanager
    def _counting(self) -> Iterator[Callable[[], int]]:
        """Counts the forwards that the decoder really makes, not those that were asked for."""
        count = 0

        def bump(*_: object) -> None:
            nonlocal count
            count += 1

        hook = self._model.model.decoder.register_forward_hook(bump)
        try:
            yield lambda: count
        finally:
            hook.remove()

    def _prefix(
        self, request: Infill | Prepare, image: NDArray[np.uint8] | None
    ) -> tuple[Cache, int]:
        """The encoded prompt of a study, and how many encodings that took (0 or 1)."""
        key = (request.image_id, request.context)
        if key in self._prefixes:
            self._prefixes.move_to_end(key)
            return self._prefixes[key], 0
        prefix = encode_prefix(self._checkpoint, image, request.context)
        self._prefixes[key] = prefix
        if len(self._prefixes) > PREFIXES_KEPT:
            self._prefixes.popitem(last=False)
        return prefix, 1

    def _canvas(
        self, request_id: str, layout: Layout, step: Step, settings: Settings, started: float
    ) -> Canvas:
        draft, settled = step.draft.tolist(), step.settled.tolist()
        return Canvas(
            request_id=request_id,
            step=step.number,
            max_steps=settings.max_steps,
            tokens=layout.free_tokens,
            seconds=time.perf_counter() - started,
            gaps=tuple(
                read_runs(layout, index, draft, settled, self._codec)
                for index in range(len(layout.slots))
            ),
        )


def encode_prefix(checkpoint: Checkpoint, image: NDArray[np.uint8] | None, context: str) -> Cache:
    """Encode image and prompt into the key-value cache that the decoder reads.

    Raises :class:`~inference.engines.base.BadRequest` where the prompt is too long.
    """
    model = checkpoint.model
    patched = None if image is None else patch(image, checkpoint.image_processor)
    soft_tokens = None if patched is None else patched.soft_tokens
    prompt = write_prompt(checkpoint.tokenizer, context, soft_tokens)
    room = model.config.text_config.max_position_embeddings - model.config.canvas_length
    if (length := prompt.input_ids.shape[1]) > room:
        raise BadRequest(
            f"What the study tells beside its image takes {length} tokens, and this checkpoint "
            f"holds {room}. Shorten the study's description."
        )
    if patched is None:
        return encode(model, prompt)
    return encode(
        model,
        prompt,
        pixel_values=patched.pixel_values.to(model.device),
        image_position_ids=patched.position_ids.to(model.device),
    )


def encode(model: DiffusionGemmaForBlockDiffusion, prompt: Prompt, **image: Any) -> Cache:
    """Encode prompts (B, P); ``image`` is what the encoder takes of their images."""
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    types = prompt.token_type_ids.to(model.device)
    return _encode(model, cache, prompt.input_ids.to(model.device), types, **image)


def extend(model: DiffusionGemmaForBlockDiffusion, cache: Cache, tokens: Tensor) -> Cache:
    """Encode ``tokens`` (B, K) behind what the cache holds: text left of the canvas. In place."""
    return _encode(model, cache, tokens.to(model.device), None)


def _encode(
    model: DiffusionGemmaForBlockDiffusion,
    cache: Cache,
    ids: Tensor,
    token_types: Tensor | None,
    **image: Any,
) -> Cache:
    """The masks are made first, as ``generate`` does: only then do an image's tokens see each other
    in both directions where the checkpoint's configuration says so.
    """
    encoder = model.model.encoder
    rows, added = ids.shape
    masks = encoder.create_masks_for_generate(
        config=model.config,
        inputs_embeds=torch.empty((rows, added, 0), dtype=model.dtype, device=model.device),
        attention_mask=ids.new_ones((rows, cache.get_seq_length() + added)),
        past_key_values=cache,
        position_ids=None,
        mm_token_type_ids=token_types,
    )
    encoder(input_ids=ids, attention_mask=masks, past_key_values=cache, **image)
    return cache
