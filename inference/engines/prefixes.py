"""Encoded prompts: what the decoder reads of a study, made once and kept.

A prefix is the key-value cache of image and prompt. Text that stands left of the canvas is encoded
behind it, and a batch of canvases reads one prefix without copies of it.
"""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from inference.engines.base import BadRequest
from inference.prompt import Prompt, patch, write_prompt
from inference.protocol import Infill, Prepare, Prepared

if TYPE_CHECKING:
    from transformers import Cache, DiffusionGemmaForBlockDiffusion

    from inference.engines.diffusion import Checkpoint

PREFIXES_KEPT: Final = 8
"""Prefixes kept encoded, of studies, of questions and of windows each."""


class Key(NamedTuple):
    """A study, by its image's digest and the context beside it, and what is asked of it.

    ``question`` is ``None`` for the report.
    """

    image_id: str | None
    context: str
    question: str | None = None


def key_of(request: Infill | Prepare) -> Key:
    """What a request is about."""
    question = request.question if isinstance(request, Infill) else None
    return Key(request.image_id, request.context, question)


Encoder = Callable[[NDArray[np.uint8] | None, str, str | None], "Cache"]
"""Encodes an image (rows, columns), the context beside it and a question."""

Extender = Callable[["Cache", Tensor], "Cache"]
"""Encodes tokens (B, K) behind what a cache holds, in place."""

Name = TypeVar("Name")


class StudyPrefixes:
    """The prefixes of the studies last worked on."""

    def __init__(self, encoder: Encoder) -> None:
        self._encode = encoder
        self._studies: _Recent[Key] = _Recent()
        self._questions: _Recent[Key] = _Recent()

    def prepare(self, request: Prepare, image: NDArray[np.uint8] | None) -> Prepared:
        """Encode a study's prefix; later jobs on the same image and context find it."""
        started = time.perf_counter()
        with torch.inference_mode():
            _, encodings = self.study(key_of(request), image)
        return Prepared(request.request_id, encodings, time.perf_counter() - started)

    def study(self, key: Key, image: NDArray[np.uint8] | None) -> tuple[Cache, int]:
        """The encoded prompt of a study, and how many encodings that took (0 or 1)."""
        # Each has its own room: questions do not cost a study the prefix of its report.
        there = self._studies if key.question is None else self._questions
        if (kept := there.recall(key)) is not None:
            return kept, 0
        return there.keep(key, self._encode(image, key.context, key.question)), 1

    def forget(self) -> None:
        """The model has become another one: what it has read is worth nothing now."""
        self._studies = _Recent()
        self._questions = _Recent()


class Prefixes(StudyPrefixes):
    """The same, and the prefixes of the windows last filled.

    Each has its own room: a long report's windows do not cost a study its prefix.
    """

    def __init__(self, encoder: Encoder, extender: Extender) -> None:
        super().__init__(encoder)
        self._extend = extender
        self._windows: _Recent[tuple[Key, tuple[int, ...]]] = _Recent()

    def forget(self) -> None:
        super().forget()
        self._windows = _Recent()

    def continued(self, key: Key, prefix: Cache, left: tuple[int, ...]) -> Cache:
        """The prefix of a study with the tokens ``left`` of the canvas behind it."""
        if not left:
            return prefix
        if (kept := self._windows.recall((key, left))) is not None:
            return kept
        return self._windows.keep((key, left), self.extended(prefix, left))

    def extended(self, prefix: Cache, tokens: tuple[int, ...]) -> Cache:
        """The prefix with ``tokens`` encoded behind it, not kept."""
        return self._extend(branch(prefix), torch.tensor([tokens]))


class _Recent(Generic[Name]):
    """The last :data:`PREFIXES_KEPT` prefixes that were asked for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Name, Cache] = OrderedDict()

    def recall(self, name: Name) -> Cache | None:
        if name in self._kept:
            self._kept.move_to_end(name)
        return self._kept.get(name)

    def keep(self, name: Name, prefix: Cache) -> Cache:
        self._kept[name] = prefix
        if len(self._kept) > PREFIXES_KEPT:
            self._kept.popitem(last=False)
        return prefix


def branch(prefix: Cache) -> Cache:
    """A prefix that can be gone on from while the first stays; nothing is copied."""
    twin = copy.copy(prefix)
    twin.layers = [copy.copy(layer) for layer in prefix.layers]
    return twin


def shared_by(prefix: Cache, rows: int) -> Cache:
    """The prefix (1, ...) as a batch of ``rows`` canvases reads it; nothing is copied."""
    if rows == 1:
        return prefix
    twin = branch(prefix)
    for layer in twin.layers:
        layer.keys = layer.keys.expand(rows, -1, -1, -1)
        layer.values = layer.values.expand(rows, -1, -1, -1)
    return twin


def encode_prefix(
    checkpoint: Checkpoint,
    image: NDArray[np.uint8] | None,
    context: str,
    question: str | None = None,
) -> Cache:
    """Encode image and prompt into the key-value cache that the decoder reads.

    Raises :class:`~inference.engines.base.BadRequest` where the prompt is too long.
    """
    model = checkpoint.model
    patched = None if image is None else patch(image, checkpoint.image_processor)
    soft_tokens = None if patched is None else patched.soft_tokens
    prompt = write_prompt(checkpoint.tokenizer, context, soft_tokens, question)
    refuse_long_prompt(prompt.input_ids.shape[1], prompt_room(model))
    if patched is None:
        return encode(model, prompt)
    return encode(
        model,
        prompt,
        pixel_values=patched.pixel_values.to(model.device),
        image_position_ids=patched.position_ids.to(model.device),
    )


def refuse_long_prompt(length: int, room: int) -> None:
    """Raises :class:`~inference.engines.base.BadRequest` for a prompt of more tokens than fit."""
    if length > room:
        raise BadRequest(
            f"What the study tells beside its image, and what is asked of it, take {length} "
            f"tokens, and this checkpoint holds {room}. Shorten them."
        )


def prompt_room(model: DiffusionGemmaForBlockDiffusion) -> int:
    """Tokens that a prompt may have, the canvas behind it."""
    text = model.config.text_config
    return int(text.max_position_embeddings - model.config.canvas_length)


def encode(
    model: DiffusionGemmaForBlockDiffusion,
    prompt: Prompt,
    seen: Tensor | None = None,
    **image: Any,
) -> Cache:
    """Encode prompts (B, P); ``image`` is what the encoder takes of their images.

    ``seen`` (B, P) marks what is no padding; ``None`` stands for all.
    """
    from transformers import DynamicCache

    cache = DynamicCache(config=model.config.get_text_config(decoder=True))
    types = prompt.token_type_ids.to(model.device)
    return _encode(model, cache, prompt.input_ids.to(model.device), types, seen, **image)


def extend(model: DiffusionGemmaForBlockDiffusion, cache: Cache, tokens: Tensor) -> Cache:
    """Encode ``tokens`` (B, K) behind what the cache holds: text left of the canvas. In place."""
    return _encode(model, cache, tokens.to(model.device), None, None)


def _encode(
    model: DiffusionGemmaForBlockDiffusion,
    cache: Cache,
    ids: Tensor,
    token_types: Tensor | None,
    seen: Tensor | None,
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
        attention_mask=ids.new_ones((rows, cache.get_seq_length() + added))
        if seen is None
        else seen,
        past_key_values=cache,
        position_ids=None,
        mm_token_type_ids=token_types,
    )
    encoder(input_ids=ids, attention_mask=masks, past_key_values=cache, **image)
    return cache
