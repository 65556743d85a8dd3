"""The engine: one prefix a study, honest counts, cancel within a step, seeds that repeat."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.canvas import Codec, lay_out
from inference.engines.base import BadRequest, JobCancelled
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.protocol import (
    Canvas,
    Filled,
    Fixed,
    Gap,
    Infill,
    Options,
    Piece,
    Prepare,
)

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 80), dtype=np.uint8)


@pytest.fixture
def engine(loaded: Checkpoint) -> DiffusionEngine:
    return DiffusionEngine(loaded)


def fill(
    engine: DiffusionEngine,
    *pieces: Piece,
    seed: int | None = 1,
    steps: int = 3,
    image_id: str | None = "image",
    image: NDArray[np.uint8] | None = IMAGE,
    canvases: list[Canvas] | None = None,
    context: str = "",
) -> Filled:
    request = Infill("job", pieces, image_id, context, Options(seed=seed, max_steps=steps))
    seen = [] if canvases is None else canvases
    return engine.infill(request, image, seen.append, lambda: False)


def test_the_prefix_is_encoded_once_a_study(engine: DiffusionEngine) -> None:
    first = fill(engine, Gap(4), Fixed("."))
    again = fill(engine, Fixed("The heart "), Gap(6), Fixed("."))
    other = fill(engine, Gap(4), Fixed("."), image_id="another")
    assert [first.prefix_encodings, again.prefix_encodings, other.prefix_encodings] == [1, 0, 1]
    assert first.prefix_seconds > 0 == again.prefix_seconds


def test_another_context_is_another_prefix(engine: DiffusionEngine) -> None:
    fill(engine, Gap(4))
    assert fill(engine, Gap(4), context="AP view.").prefix_encodings == 1


def test_a_prepared_study_needs_no_encoding(engine: DiffusionEngine) -> None:
    prepare = Prepare("p", "image", "AP view.")
    assert engine.prepare(prepare, IMAGE).prefix_encodings == 1
    assert engine.prepare(prepare, IMAGE).prefix_encodings == 0
    assert fill(engine, Gap(4), context="AP view.").prefix_encodings == 0


def test_a_canvas_after_every_step(engine: DiffusionEngine) -> None:
    canvases: list[Canvas] = []
    filled = fill(engine, Gap(5), Fixed(" and "), Gap(3), Fixed("."), canvases=canvases)
    assert [canvas.step for canvas in canvases] == [1, 2, 3]
    assert filled.steps == filled.forwards == 3
    assert filled.tokens == 8
    assert all(len(canvas.gaps) == 2 and canvas.max_steps == 3 for canvas in canvases)
    shown = tuple("".join(run.text for run in gap) for gap in canvases[-1].gaps)
    assert shown == filled.fills


def test_equal_seeds_repeat_and_a_missing_one_is_told(engine: DiffusionEngine) -> None:
    pieces = (Fixed("The heart "), Gap(12), Fixed("."))
    assert fill(engine, *pieces, seed=5).fills == fill(engine, *pieces, seed=5).fills
    assert fill(engine, *pieces, seed=5).fills != fill(engine, *pieces, seed=6).fills
    drawn = fill(engine, *pieces, seed=None)
    assert fill(engine, *pieces, seed=drawn.seed).fills == drawn.fills


def test_cancel_answers_within_one_step(engine: DiffusionEngine) -> None:
    canvases: list[Canvas] = []
    request = Infill("job", (Gap(),), "image", "", Options(max_steps=48))
    with pytest.raises(JobCancelled) as caught:
        engine.infill(request, IMAGE, canvases.append, lambda: len(canvases) >= 4)
    assert caught.value.step == 4 == len(canvases)


def test_a_cancel_before_the_start_does_no_work(engine: DiffusionEngine) -> None:
    with pytest.raises(JobCancelled):
        engine.infill(Infill("job", (Gap(),), "image"), IMAGE, lambda _: None, lambda: True)
    assert fill(engine, Gap(3)).prefix_encodings == 1


def test_a_request_without_room_does_no_work(engine: DiffusionEngine) -> None:
    with pytest.raises(BadRequest, match="too many"):
        fill(engine, Fixed("heart " * 300), Gap())
    assert fill(engine, Gap(3)).prefix_encodings == 1


def test_no_image_is_needed(engine: DiffusionEngine) -> None:
    assert fill(engine, Gap(3), Fixed("."), image_id=None, image=None).prefix_encodings == 1


# Four bytes a character at most, so that four pins and three gaps fit a canvas of 128 tokens.
pin = st.text(st.characters(exclude_categories=["Cs"]), max_size=7)


@settings(max_examples=25)
@given(st.tuples(pin, pin, pin, pin), st.integers(0, 2**31))
def test_pins_stand_on_every_canvas_that_is_decoded(
    loaded: Checkpoint, pins: tuple[str, str, str, str], seed: int
) -> None:
    """What the decoder is given, read back as text, holds the pins byte for byte."""
    engine = DiffusionEngine(loaded)
    codec = Codec(loaded.tokenizer, loaded.end_ids)
    a, b, c, d = pins
    pieces = (Fixed(a), Gap(3), Fixed(b), Gap(2), Fixed(c), Gap(3), Fixed(d))
    seen: list[list[int]] = []

    def note(module: object, args: object, kwargs: dict[str, torch.Tensor]) -> None:
        seen.append(kwargs["decoder_input_ids"][0].tolist())

    hook = loaded.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        filled = fill(engine, *pieces, seed=seed, steps=2, image_id=None, image=None)
    finally:
        hook.remove()
    layout = lay_out(pieces, codec, loaded.info.canvas_length)
    gaps = [(slot.start, slot.stop) for slot in layout.slots]
    tail = layout.tokens.index(codec.end_of_turn)
    for canvas in seen:
        starts = [0, *(stop for _, stop in gaps)]
        stops = [*(start for start, _ in gaps), tail]
        shown = [
            codec.decode(canvas[start:stop]) for start, stop in zip(starts, stops, strict=True)
        ]
        held = [text.removesuffix(" ").encode() for text in pins[:3]]
        assert [text.encode() for text in shown] == [*held, d.encode()]
        assert canvas[tail:] == list(layout.tokens[tail:])
    assert len(seen) == filled.forwards == 2
    assert len(filled.fills) == 3
