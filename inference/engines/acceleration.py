"""What makes a loaded checkpoint fast on its device: measured there, and checked before it is used.

A compiled decoder that does not start, or whose words are not the model's, is left aside: the
model then runs as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from inference.engines.compiled import CompiledDecoder
from inference.engines.decoder import DecoderFactory, decoder_behind
from inference.engines.experts import choose_experts
from inference.engines.filling import CANDIDATES
from inference.engines.prefixes import encode_prefix

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Cache

    from inference.engines.diffusion import Checkpoint

_BATCHES: Final = (1, CANDIDATES)
"""What is compiled at the start: one canvas, and the candidates of a refill."""

_CAPTURES: Final = 3
"""Forwards until a graph is compiled, warm and captured."""

_DISTANCE: Final = 0.02
"""How far a compiled decoder's distributions may lie from the model's: the mean total variation.
Another order of additions in bfloat16 stays well below."""


def accelerate(
    checkpoint: Checkpoint, *, compiled: bool, on_stage: Callable[[str], None]
) -> DecoderFactory | None:
    """Set the fastest experts on a GPU's model, and compile its decoder where that is wished.

    ``None`` stands for the model as it is. ``on_stage`` is told what is done, and what failed.
    """
    model = checkpoint.model
    sparse = model.config.text_config.num_experts is not None
    choosing = sparse and model.device.type == "cuda"
    if not (choosing or compiled):
        return None
    with torch.inference_mode():
        # As a study's, for the length decides which graph is compiled.
        prefix = encode_prefix(checkpoint, np.zeros((512, 512), np.uint8), "Chest radiograph.")
        if choosing:
            on_stage("Choosing the fastest experts")
            choose_experts(model, _forward(checkpoint, prefix, 1), compiled=compiled)
        if not compiled:
            return None
        on_stage("Compiling the decoder; this takes minutes")
        try:
            decoder = CompiledDecoder(model)
            reason = _difference(checkpoint, decoder.bind, prefix)
        except Exception as error:  # a compiler fails in any way
            reason = (str(error).splitlines() or [type(error).__name__])[0]
    if reason:
        on_stage(f"Going on uncompiled: {reason}")
        return None
    return decoder.bind


def _forward(checkpoint: Checkpoint, prefix: Cache, rows: int) -> Callable[[], Tensor]:
    """One uncompiled forward over noise."""
    canvas, free = _noise(checkpoint, rows)
    decode = decoder_behind(checkpoint.model, prefix)
    return lambda: decode(canvas, None, free)


def _noise(checkpoint: Checkpoint, rows: int) -> tuple[Tensor, Tensor]:
    """Canvases (rows, L) of random tokens, and all places on them."""
    device = checkpoint.model.device
    length = checkpoint.info.canvas_length
    vocabulary = checkpoint.model.config.text_config.vocab_size
    generator = torch.Generator().manual_seed(0)
    canvas = torch.randint(vocabulary, (rows, length), generator=generator).to(device)
    return canvas, torch.arange(rows * length, device=device)


def _difference(checkpoint: Checkpoint, compiled: DecoderFactory, prefix: Cache) -> str:
    """What is wrong with the compiled decoder; empty where nothing is."""
    for rows in _BATCHES:
        canvas, free = _noise(checkpoint, rows)
        ours, theirs = compiled(prefix), decoder_behind(checkpoint.model, prefix)
        conditioning = theirs(canvas, None, free)
        for signal in (None, conditioning.to(checkpoint.model.get_input_embeddings().weight.dtype)):
            for _ in range(_CAPTURES):
                logits = ours(canvas, signal, free)
            expected = theirs(canvas, signal, free)
            apart = (logits.softmax(-1) - expected.softmax(-1)).abs().sum(-1).mean() / 2
            if not apart.item() <= _DISTANCE:  # what is no number fails too
                return f"the compiled decoder's words lie {apart.item():.2f} from the model's."
    return ""
