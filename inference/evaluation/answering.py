"""Answers to questions about an image, from either kind of model: what training is watched by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from inference.codec import Codec
from inference.engines.autoregressive import Checkpoint as AutoregressiveCheckpoint
from inference.engines.autoregressive import author_of
from inference.engines.decoder import decoder_behind
from inference.engines.prefixes import encode
from inference.engines.writing import Pen
from inference.sampler import FREE, Clamp, denoise
from inference.training.batches import Asked, Batch, stack

if TYPE_CHECKING:
    from inference.engines.diffusion import Checkpoint
    from inference.training.data.rows import Row

_PUNCTUATION = re.compile(r"[^\w\s]")


@dataclass(frozen=True)
class Answer:
    """``steps`` counts denoising steps, or tokens that were written."""

    text: str
    steps: int


def plain(text: str) -> str:
    """What of an answer counts: its words, in lower case."""
    return " ".join(_PUNCTUATION.sub(" ", text.lower()).split())


def is_right(text: str, row: Row) -> bool:
    """Whether an answer is, word for word, one that the data accepts."""
    return plain(text) in {plain(accepted) for accepted in (row.answer, *row.alternatives)}


@torch.inference_mode()
def answer(checkpoint: Checkpoint | AutoregressiveCheckpoint, asked: Asked, seed: int) -> Answer:
    """What the model answers, the likeliest words first, on one canvas at most."""
    model: Any = checkpoint.model
    pad = int(checkpoint.tokenizer.pad_token_id)
    batch = stack([asked], checkpoint.image_processor, pad, model.device)
    codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
    if isinstance(checkpoint, AutoregressiveCheckpoint):
        return _written(checkpoint, batch, codec)
    return _denoised(checkpoint, batch, codec, seed)


def _denoised(checkpoint: Checkpoint, batch: Batch, codec: Codec, seed: int) -> Answer:
    from inference.training.objectives import soft_tokens

    model = checkpoint.model
    length = checkpoint.info.canvas_length
    prefix = encode(model, batch.prompt, **soft_tokens(model.model.encoder, batch))
    clamp = Clamp(torch.full((1, length), FREE, device=model.device))
    steps = denoise(
        decoder_behind(model, prefix),
        clamp,
        checkpoint.settings,
        vocab_size=model.config.text_config.vocab_size,
        self_conditioning_dtype=model.get_input_embeddings().weight.dtype,
        generator=torch.Generator(model.device).manual_seed(seed),
    )
    *_, last = steps
    return Answer(codec.decode(codec.answer(last.drafts[0].tolist())), last.number)


def _written(checkpoint: AutoregressiveCheckpoint, batch: Batch, codec: Codec) -> Answer:
    from inference.training.objectives import read_prompt

    cache = read_prompt(checkpoint.model, batch, batch.seen[:, :-1])
    pen = Pen(author_of(checkpoint, codec), cache, None)
    pen.read(batch.examples[0].prompt[-1:])
    tokens: list[int] = []
    for token in iter(partial(pen.choose, may_end=True), None):
        if token in codec.ends or len(tokens) == checkpoint.info.max_steps:
            break
        tokens.append(token)
        pen.read([token])
    return Answer(codec.decode(tokens), len(tokens))
