"""What users would write today: pins on transformers' own ``generate``, in two ways.

* :func:`paper_clamp` is the canvas clamp of arXiv 2607.01436, Figure A1: pinned tokens are put back
  on the canvas that goes into a denoising step and on both that come out of it, and nothing else is
  changed. Self-conditioning still carries the model's own opinion of them, they spend entropy
  budget, and the stopping rule looks at all positions.
* :func:`logits_processor` needs no patch at all: the first canvas is handed to ``generate``, and a
  ``LogitsProcessor`` lets no row of a pin be anything but that pin.

Both run the stock loop, with the checkpoint's own generation settings, on one canvas. Without pins
both are ``generate``, token for token.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList

from inference.canvas import Layout
from inference.prompt import patch, write_prompt
from inference.sampler import FREE

if TYPE_CHECKING:
    from transformers import DiffusionGemmaForBlockDiffusion

    from inference.engines.diffusion import Checkpoint


@dataclass(frozen=True)
class Generated:
    """``tokens`` (L,) is the canvas; ``seconds`` leaves out the encoding of image and prompt."""

    tokens: list[int]
    seconds: float


Baseline = Callable[["Checkpoint", dict[str, Any], Layout, int, int | None], Generated]


def prompt_inputs(
    checkpoint: Checkpoint, image: NDArray[np.uint8] | None, context: str
) -> dict[str, Any]:
    """The prompt of a study as ``generate`` takes it; ``image`` is (rows, columns)."""
    device = checkpoint.model.device
    patched = None if image is None else patch(image, checkpoint.image_processor)
    soft_tokens = None if patched is None else patched.soft_tokens
    prompt = write_prompt(checkpoint.tokenizer, context, soft_tokens)
    inputs = {
        "input_ids": prompt.input_ids.to(device),
        "mm_token_type_ids": prompt.token_type_ids.to(device),
    }
    if patched is not None:
        inputs["pixel_values"] = patched.pixel_values.to(device)
        inputs["image_position_ids"] = patched.position_ids.to(device)
    return inputs


def paper_clamp(
    checkpoint: Checkpoint,
    inputs: dict[str, Any],
    layout: Layout,
    seed: int,
    max_steps: int | None = None,
) -> Generated:
    """Fill ``layout`` with the paper's canvas clamp. ``max_steps`` is the checkpoint's if None."""
    model = checkpoint.model
    pinned = torch.tensor(layout.tokens, device=model.device)
    free = pinned.eq(FREE)
    stock_step = model._denoising_step

    def clamped(canvas: Tensor) -> Tensor:
        return torch.where(free, canvas, pinned)

    def step(*, current_canvas: Tensor, **others: Any) -> tuple[Tensor, ...]:
        canvas, argmax_canvas, *rest = stock_step(current_canvas=clamped(current_canvas), **others)
        return clamped(canvas), clamped(argmax_canvas), *rest

    model._denoising_step = step
    try:
        torch.manual_seed(seed)
        return _generate(model, inputs, max_steps)
    finally:
        del model._denoising_step  # the class's own shows again


def logits_processor(
    checkpoint: Checkpoint,
    inputs: dict[str, Any],
    layout: Layout,
    seed: int,
    max_steps: int | None = None,
) -> Generated:
    """Fill ``layout`` with a seeded canvas and a logit mask, without touching the model."""
    model = checkpoint.model
    pinned = torch.tensor(layout.tokens, device=model.device)
    torch.manual_seed(seed)
    vocab_size = model.config.text_config.vocab_size
    noise = torch.randint(vocab_size, (1, len(layout.tokens)), device=model.device)
    canvas = torch.where(pinned.eq(FREE), noise, pinned)
    # `generate` draws a first canvas of its own and throws it away: from the same seed, what it
    # draws next is what it would have drawn without ours.
    torch.manual_seed(seed)
    masks = LogitsProcessorList([PinMask(pinned)])
    return _generate(model, inputs, max_steps, decoder_input_ids=canvas, logits_processor=masks)


class PinMask(LogitsProcessor):
    """Leaves the rows of pinned tokens no other choice; ``pinned`` (L,), FREE elsewhere."""

    def __init__(self, pinned: Tensor) -> None:
        self._rows = pinned.ne(FREE).nonzero().squeeze(-1)
        self._tokens = pinned[self._rows]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        scores = scores.clone()
        scores[:, self._rows] = -torch.inf
        scores[:, self._rows, self._tokens] = 0.0
        return scores


def _generate(
    model: DiffusionGemmaForBlockDiffusion,
    inputs: dict[str, Any],
    max_steps: int | None,
    **more: Any,
) -> Generated:
    """One canvas of the stock loop, timed from the moment that the prompt is encoded.

    ``generate`` takes no prefix that is encoded to its end, so that it encodes it every time.
    """
    canvas_length = model.config.canvas_length
    if max_steps is not None:
        more["max_denoising_steps"] = max_steps
    encoded = 0.0

    def note(*_: object) -> None:
        nonlocal encoded
        _wait(model)
        encoded = time.perf_counter()

    hook = model.model.encoder.register_forward_hook(note)
    try:
        output = model.generate(
            **inputs,
            **more,
            max_length=None,
            max_new_tokens=canvas_length,
            pad_token_id=None,  # it would overwrite pins behind an early end
        )
    finally:
        hook.remove()
    _wait(model)
    seconds = time.perf_counter() - encoded
    return Generated(output.sequences[0, -canvas_length:].tolist(), seconds)


def _wait(model: DiffusionGemmaForBlockDiffusion) -> None:
    """A GPU is asked for its work long before it has done it."""
    if model.device.type == "cuda":
        torch.cuda.synchronize(model.device)
