"""The decoder's forward, for no more positions than the sampler asks for.

The head and the self-conditioning of DiffusionGemma each multiply a canvas with the whole
vocabulary. In an infill most positions are pinned: their logits are not wanted, and what conditions
them is the embedding of one token. So both products are made for the free positions alone; the
layers between them are the model's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from inference.engines.prefixes import shared_by
from inference.sampler import Decoder

if TYPE_CHECKING:
    from transformers import (
        Cache,
        DiffusionGemmaForBlockDiffusion,
        Gemma4ForConditionalGeneration,
    )


DecoderFactory = Callable[["Cache"], Decoder]
"""Makes the decoder behind an encoded prefix (1, ...)."""


@dataclass
class DecoderCount:
    """Decoder forwards so far, and canvases that were in them."""

    forwards: int = 0
    rows: int = 0


def counted(behind: DecoderFactory, count: DecoderCount) -> DecoderFactory:
    """The same decoders, counting what is asked of them. A compiled one calls no hook."""

    def bind(prefix: Cache) -> Decoder:
        decode = behind(prefix)

        def counting(canvas: Tensor, self_conditioning: Tensor | None, free: Tensor) -> Tensor:
            count.forwards += 1
            count.rows += len(canvas)
            return decode(canvas, self_conditioning, free)

        return counting

    return bind


@contextmanager
def counting_decoder(model: DiffusionGemmaForBlockDiffusion) -> Iterator[DecoderCount]:
    """Counts the decoder forwards that are really made meanwhile, whoever makes them."""
    count = DecoderCount()

    def note(_module: object, _args: object, inputs: dict[str, Any], _output: object) -> None:
        count.forwards += 1
        count.rows += inputs["decoder_input_ids"].shape[0]

    hook = model.model.decoder.register_forward_hook(note, with_kwargs=True)
    try:
        yield count
    finally:
        hook.remove()


def decoder_behind(model: DiffusionGemmaForBlockDiffusion, prefix: Cache) -> Decoder:
    """The decoder of ``model`` behind an encoded prefix (1, ...)."""

    def decode(canvas: Tensor, self_conditioning: Tensor | None, free: Tensor) -> Tensor:
        signal = None
        if self_conditioning is not None:
            signal = signal_of(model, canvas, self_conditioning, free)
        return logits_at(model, shared_by(prefix, len(canvas)), canvas, signal, free)

    return decode


def logits_at(
    model: DiffusionGemmaForBlockDiffusion,
    prefix: Cache,
    canvas: Tensor,
    signal: Tensor | None,
    asked: Tensor,
    seen: Tensor | None = None,
) -> Tensor:
    """Logits (P, V) at the positions ``asked`` (P,) of the flattened canvases (B, L).

    ``prefix`` has a row for every canvas, ``signal`` (B, L, H) is what conditions them. ``seen``
    (B, K) marks what is no padding of the prefixes; ``None`` stands for all.
    """
    mask = None if seen is None else torch.cat([seen, seen.new_ones(canvas.shape)], dim=-1)
    with _conditioned(model, signal):
        output: Any = model.model(
            past_key_values=prefix, decoder_input_ids=canvas, decoder_attention_mask=mask
        )
    return head(model, output.last_hidden_state.flatten(0, 1)[asked])


def signal_of(
    model: DiffusionGemmaForBlockDiffusion, canvas: Tensor, logits: Tensor, free: Tensor
) -> Tensor:
    """The self-conditioning embeddings (B, L, H): expected ones where free, else the tokens'."""
    embedding = model.model.decoder.embed_tokens
    expected = logits.softmax(dim=-1, dtype=torch.float32).to(embedding.weight.dtype)
    soft = torch.matmul(expected, embedding.weight) * embedding.embed_scale.to(expected.dtype)
    signal: Tensor = embedding(canvas)
    return signal.flatten(0, 1).index_copy(0, free, soft).view_as(signal)


def head(
    model: DiffusionGemmaForBlockDiffusion | Gemma4ForConditionalGeneration, hidden: Tensor
) -> Tensor:
    """Logits (P, V) of hidden states (P, H), capped as the model's own forward does."""
    logits: Tensor = model.lm_head(hidden).float()
    cap = model.config.text_config.final_logit_softcapping
    return logits if cap is None else torch.tanh(logits / cap) * cap


@contextmanager
def _conditioned(model: DiffusionGemmaForBlockDiffusion, signal: Tensor | None) -> Iterator[None]:
    """Hands ``signal`` to the decoder in place of the zeros that it makes without logits."""
    if signal is None:
        yield
        return

    def hand_over(_: object, arguments: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        return arguments[0], signal

    hook = model.model.decoder.self_conditioning.register_forward_pre_hook(hand_over)
    try:
        yield
    finally:
        hook.remove()
