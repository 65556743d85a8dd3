"""The baselines: transformers' own ``generate`` without pins, and what they promise with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import torch

import resources
from inference.canvas import Layout, lay_out
from inference.checkpoints import load
from inference.codec import Codec
from inference.engines.decoder import counting_decoder
from inference.engines.diffusion import Checkpoint
from inference.evaluation.baselines import (
    Baseline,
    logits_processor,
    paper_clamp,
    prompt_inputs,
)
from inference.protocol import Fixed, Gap
from inference.sampler import FREE

IMAGE = np.random.default_rng(5).integers(0, 256, (120, 90), dtype=np.uint8)
CONTEXT = "Chest radiograph."
PIECES = (Fixed("FINDINGS:\nThe heart is "), Gap(6), Fixed(" No effusion."))

both = pytest.mark.parametrize("baseline", [paper_clamp, logits_processor])


@pytest.fixture(scope="module")
def trained() -> Checkpoint:
    return load(resources.demo_checkpoint(), "cpu")


def layout_of(checkpoint: Checkpoint, *pieces: Fixed | Gap) -> Layout:
    codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
    return lay_out(pieces, codec, checkpoint.info.canvas_length)


def generate(checkpoint: Checkpoint, seed: int) -> list[int]:
    """The first canvas of the stock loop."""
    canvas_length = checkpoint.info.canvas_length
    torch.manual_seed(seed)
    output = checkpoint.model.generate(
        **prompt_inputs(checkpoint, IMAGE, CONTEXT),
        max_new_tokens=canvas_length,
        pad_token_id=None,
    )
    return output.sequences[0, -canvas_length:].tolist()


@contextmanager
def decoder_calls(checkpoint: Checkpoint) -> Iterator[list[dict[str, Any]]]:
    calls: list[dict[str, Any]] = []
    hook = checkpoint.model.model.decoder.register_forward_pre_hook(
        lambda module, args, kwargs: calls.append(kwargs), with_kwargs=True
    )
    try:
        yield calls
    finally:
        hook.remove()


@both
@pytest.mark.parametrize("seed", [0, 7])
def test_without_pins_a_baseline_is_generate(
    trained: Checkpoint, baseline: Baseline, seed: int
) -> None:
    layout = layout_of(trained, Gap())
    assert set(layout.tokens) == {FREE}
    inputs = prompt_inputs(trained, IMAGE, CONTEXT)
    made = baseline(trained, inputs, layout, seed, None)
    assert made.tokens == generate(trained, seed)


@both
@pytest.mark.parametrize("pieces", [PIECES, (*PIECES, Gap())])
def test_pinned_tokens_stand_on_every_canvas(
    loaded: Checkpoint, baseline: Baseline, pieces: tuple[Fixed | Gap, ...]
) -> None:
    """Random weights would write an early end, or anything, over a pin."""
    layout = layout_of(loaded, *pieces)
    pinned = torch.tensor(layout.tokens)
    held = pinned.ne(FREE)
    with decoder_calls(loaded) as calls:
        made = baseline(loaded, prompt_inputs(loaded, None, ""), layout, 3, 5)
    assert len(calls) == 5
    for call in calls:
        assert torch.equal(call["decoder_input_ids"][0, held], pinned[held])
    assert torch.equal(torch.tensor(made.tokens)[held], pinned[held])
    assert made.seconds > 0


def test_the_papers_clamp_leaves_the_models_opinion_in_self_conditioning(
    loaded: Checkpoint,
) -> None:
    """A logits processor does not: that is the difference between the two."""
    layout = layout_of(loaded, *PIECES)
    pinned = torch.tensor(layout.tokens)
    held = pinned.ne(FREE)
    surest = {}
    for baseline in (paper_clamp, logits_processor):
        with decoder_calls(loaded) as calls:
            baseline(loaded, prompt_inputs(loaded, None, ""), layout, 3, 2)
        opinion = calls[1]["self_conditioning_logits"][0, held].softmax(-1)
        surest[baseline] = opinion.gather(1, pinned[held, None])
    assert bool((surest[logits_processor] == 1).all())
    assert bool((surest[paper_clamp] < 0.5).all())


def test_the_model_is_what_it_was_afterwards(loaded: Checkpoint) -> None:
    layout = layout_of(loaded, *PIECES)
    inputs = prompt_inputs(loaded, None, "")
    step = loaded.model._denoising_step
    paper_clamp(loaded, inputs, layout, 0, 1)
    assert loaded.model._denoising_step == step
    too_short = Layout(layout.tokens[:-1], layout.slots)
    with pytest.raises(RuntimeError):
        paper_clamp(loaded, inputs, too_short, 0, 1)
    assert loaded.model._denoising_step == step


def test_a_budget_is_kept_and_forwards_and_rows_are_counted(loaded: Checkpoint) -> None:
    layout = layout_of(loaded, *PIECES)
    with counting_decoder(loaded.model) as count:
        logits_processor(loaded, prompt_inputs(loaded, IMAGE, CONTEXT), layout, 0, 4)
    assert (count.forwards, count.rows) == (4, 4)
    canvases = torch.zeros((3, loaded.info.canvas_length), dtype=torch.long)
    prompts = prompt_inputs(loaded, None, "")["input_ids"].repeat(3, 1)
    with counting_decoder(loaded.model) as count, torch.inference_mode():
        loaded.model(input_ids=prompts, decoder_input_ids=canvases)
    assert (count.forwards, count.rows) == (1, 3)
