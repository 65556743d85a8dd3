"""The engine: one prefix a study, honest counts, cancel within a step, seeds that repeat."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from inference.canvas import lay_out
from inference.codec import Codec
from inference.engines.base import BadRequest, JobCancelled
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.engines.prefixes import PREFIXES_KEPT
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
    **options: Any,
) -> Filled:
    asked = Options(seed=seed, max_steps=steps, **options)
    request = Infill("job", pieces, image_id, context, asked)
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
    pieces = (Gap(5), Fixed(" and "), Gap(3), Fixed("."))
    filled = fill(engine, *pieces, canvases=canvases, candidates=1)
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
        fill(engine, Fixed("heart "), Gap(300))
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


def test_candidates_are_denoised_side_by_side(engine: DiffusionEngine) -> None:
    """One forward a step serves all; equal seeds give equal ones."""
    pieces = (Fixed("The heart "), Gap(6), Fixed("."))
    filled = fill(engine, *pieces, candidates=4)
    assert filled.forwards == filled.steps
    assert filled.canvas_forwards == 4 * filled.steps
    texts = [candidate.fills for candidate in filled.candidates]
    assert 2 <= len(texts) <= 4
    assert len(set(texts)) == len(texts)
    assert filled.fills == texts[0]
    assert fill(engine, *pieces, candidates=4).candidates == filled.candidates


def test_a_batch_reads_the_one_prefix(engine: DiffusionEngine) -> None:
    fill(engine, Gap(3), Fixed("."))
    shapes: list[tuple[int, ...]] = []

    def note(module: object, args: object, kwargs: dict[str, Any]) -> None:
        layer = kwargs["past_key_values"].layers[0]
        shapes.append((layer.keys.shape[0], layer.keys.stride(0)))

    hook = engine.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    filled = fill(engine, Gap(3), Fixed("."), candidates=3)
    hook.remove()
    assert filled.prefix_encodings == 0
    assert set(shapes[1:]) == {(3, 0)}, "three rows that lie on each other in memory"


def test_fills_of_an_open_gap_are_judged_in_one_more_forward(engine: DiffusionEngine) -> None:
    pieces = (Fixed("The heart "), Gap(), Fixed("."))
    filled = fill(engine, *pieces, candidates=3)
    assert len(filled.candidates) > 1
    assert filled.forwards == filled.steps + 1
    assert fill(engine, *pieces, candidates=3).candidates == filled.candidates
    alone = fill(engine, *pieces, candidates=1)
    assert alone.forwards == alone.steps


def test_lengths_that_are_tried_share_one_window_of_a_long_report(loaded: Checkpoint) -> None:
    """What stands left of the canvas is in the prompt once, whatever the length of the gap."""
    engine = DiffusionEngine(loaded, elastic="ranking")
    text = "The heart is of normal size. There is no pleural effusion. " * 12
    behind_it = " Bones are intact."
    for left, right in ((text, ""), (text, f" {text}"), ("The lungs are clear.", f" {text}")):
        pinned = engine.codec.encode(left.removesuffix(" "))
        behind = engine.codec.encode(behind_it)
        seen: list[list[int]] = []

        def note(
            module: object, args: object, kwargs: dict[str, Any], seen: list[list[int]] = seen
        ) -> None:
            seen.extend(kwargs["decoder_input_ids"].tolist())

        hook = loaded.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
        fill(engine, Fixed(left), Gap(), Fixed(behind_it + right), steps=1)
        hook.remove()
        near = [place(row, behind) for row in seen]
        assert len(set(near)) > 20, "so many lengths"
        shown = seen[0][: min(near) - 1]
        assert pinned[-len(shown) :] == shown
        assert all(row[: len(shown)] == shown for row in seen), "all begin at one place"


def place(row: list[int], wanted: list[int]) -> int:
    """Where ``wanted`` stands first in ``row``."""
    return next(at for at in range(len(row)) if row[at : at + len(wanted)] == wanted)


def test_gaps_side_by_side_and_within_a_word(engine: DiffusionEngine) -> None:
    filled = fill(engine, Gap(2), Gap(3), Fixed("No effu"), Gap(1), Fixed("ion"), Gap(2))
    assert len(filled.fills) == 4


LONG = "The heart is normal in size. The lungs are clear. No pleural effusion. "


def test_a_long_report_is_filled_window_by_window(engine: DiffusionEngine) -> None:
    pieces = (Fixed(LONG * 8), Gap(4), Fixed(f" {LONG * 8}"), Gap(3), Fixed(f" {LONG}"))
    canvases: list[Canvas] = []
    filled = fill(engine, *pieces, canvases=canvases)
    assert len(filled.fills) == 2
    assert len(filled.candidates) == 1
    assert filled.steps == 6
    assert filled.unseen > 0
    assert all(len(canvas.gaps) == 2 for canvas in canvases)
    assert canvases[0].gaps[1] == ()
    assert "".join(run.text for run in canvases[-1].gaps[0]) == filled.fills[0]
    again = fill(engine, *pieces)
    assert again.prefix_encodings == 0
    assert again.fills == filled.fills


class Scripted:
    """In place of a decoder: writes ``texts``, one a canvas, as sure as can be."""

    def __init__(self, engine: DiffusionEngine, *texts: str, ends: bool = True) -> None:
        self.codec = engine.codec
        self.texts = texts
        self.ends = ends
        self.prefixes: list[int] = []
        self.vocabulary = engine.model.config.text_config.vocab_size

    def __call__(self, prefix: Any) -> Any:
        number = len(self.prefixes)
        self.prefixes.append(prefix.get_seq_length())

        def decode(canvas: torch.Tensor, _: object, free: torch.Tensor) -> torch.Tensor:
            rows, length = canvas.shape
            wanted = self.codec.encode(self.texts[min(number, len(self.texts) - 1)])
            if self.ends and number >= len(self.texts) - 1:
                wanted = [*wanted, self.codec.end_of_turn]
                wanted += [self.codec.eos] * (length - len(wanted))
            tokens = torch.tensor((wanted * length)[:length] * rows)
            logits = torch.zeros(rows * length, self.vocabulary)
            return logits.scatter(-1, tokens[:, None], 50.0)[free]

        return decode


def scripted(engine: DiffusionEngine, script: Scripted) -> DiffusionEngine:
    engine._denoiser = dataclasses.replace(engine._denoiser, decoder=script)
    return engine


def test_windows_do_not_cost_the_study_its_prefix(engine: DiffusionEngine) -> None:
    pieces: list[Piece] = []
    for _ in range(PREFIXES_KEPT + 2):
        pieces += [Fixed(f" {LONG * 8}"), Gap(2)]
    fill(engine, *pieces, Fixed("."), steps=1)
    assert fill(engine, Gap(2), Fixed("."), steps=1).prefix_encodings == 0


def test_what_stands_left_of_a_window_is_read_before_it(engine: DiffusionEngine) -> None:
    script = Scripted(engine, " clear")
    scripted(engine, script)
    fill(engine, Gap(6), Fixed("."))
    pieces = (Fixed(LONG * 12), Gap(6), Fixed("."))
    fill(engine, *pieces)
    short, long = script.prefixes[0], script.prefixes[-1]
    layout = lay_out(pieces, engine.codec, engine.info.canvas_length, prompt_room=4000)
    assert long - short == len(layout.left) > 20


def test_a_draft_goes_on_over_as_many_canvases_as_it_needs(engine: DiffusionEngine) -> None:
    first = " heart lung" * engine.info.canvas_length
    script = Scripted(engine, first, first, " lungs.")
    canvases: list[Canvas] = []
    filled = fill(scripted(engine, script), Gap(), steps=9, canvases=canvases)
    length = engine.info.canvas_length
    full = engine.codec.decode(engine.codec.encode(first)[:length])
    assert filled.fills[0] == (full * 2 + " lungs.").removeprefix(" ")
    start = script.prefixes[0]
    assert script.prefixes == [start, start + length, start + 2 * length]
    assert canvases[-1].gaps[0][0].text.startswith("heart lung")


def test_a_draft_can_be_cancelled_on_a_later_canvas(engine: DiffusionEngine) -> None:
    first = " heart lung" * engine.info.canvas_length
    script = Scripted(engine, first, first, " lungs.")
    request = Infill("job", (Gap(),), "image", "", Options(max_steps=9))
    with pytest.raises(JobCancelled) as caught:
        scripted(engine, script).infill(
            request, IMAGE, lambda _: None, lambda: len(script.prefixes) == 2
        )
    assert len(script.prefixes) == 2
    assert caught.value.step == 3


def test_a_draft_that_never_ends_says_so(engine: DiffusionEngine) -> None:
    script = Scripted(engine, " heart lung" * engine.info.canvas_length, ends=False)
    filled = fill(scripted(engine, script), Gap(), steps=4)
    text = engine.model.config.text_config
    assert len(script.prefixes) > 3
    assert script.prefixes[-1] + engine.info.canvas_length <= text.max_position_embeddings
    assert "unclosed" in filled.candidates[0].faults


def test_a_faulty_fill_is_tried_again_within_the_budget_and_then_marked(
    engine: DiffusionEngine,
) -> None:
    pieces = (Fixed("The heart "), Gap(2), Fixed(" is normal."))
    script = Scripted(engine, " heart" * engine.info.canvas_length)
    filled = fill(scripted(engine, script), *pieces, steps=9, candidates=1)
    assert len(script.prefixes) == 2
    assert filled.steps <= 9
    assert filled.candidates[0].faults == (), "the word may not come back where it stood"
    assert filled.candidates[-1].faults == ("stutter",)
    script.prefixes.clear()
    marked = fill(engine, *pieces, steps=1, candidates=1)
    assert len(script.prefixes) == 1, "no budget is left for a second attempt"
    assert marked.candidates[0].faults == ("stutter",)


def test_a_warm_fill_begins_with_some_of_the_words_that_stand_there(loaded: Checkpoint) -> None:
    engine = DiffusionEngine(loaded)
    codec = engine.codec
    seen: list[list[int]] = []

    def note(module: object, args: object, kwargs: dict[str, Any]) -> None:
        seen.extend(kwargs["decoder_input_ids"].tolist())

    hook = loaded.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    pieces = (Fixed("The heart "), Gap(hint="is normal in size"), Fixed("."), Gap())
    for seed in range(12):
        fill(engine, *pieces, steps=1, candidates=1, warm=True, seed=seed)
    hook.remove()
    start = len(codec.encode("The heart"))
    expected = [*codec.encode(" is normal in size"), codec.filler]
    for place, token in enumerate(expected, start):
        stood = sum(canvas[place] == token for canvas in seen)
        assert 0 < stood < len(seen), "a few of each word, never all: 0.3 on average"


def test_without_filler_lengths_are_tried_side_by_side(loaded: Checkpoint) -> None:
    engine = DiffusionEngine(loaded, elastic="ranking")
    lengths: list[list[int]] = []
    pieces = (Fixed("The heart "), Gap(), Fixed(" is normal."))
    pinned = engine.codec.encode(" is normal.")

    def note(module: object, args: object, kwargs: dict[str, Any]) -> None:
        rows = kwargs["decoder_input_ids"].tolist()
        lengths.append([row.index(pinned[0]) for row in rows])

    hook = loaded.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    filled = fill(engine, *pieces, steps=2, candidates=3)
    hook.remove()
    assert len(set(lengths[0])) == len(lengths[0]) > 20
    assert len(lengths[1]) == 3, "the surest lengths go on"
    assert filled.forwards == filled.steps + 1, "their fills are judged by how they come back"
    assert set(lengths[1]) <= set(lengths[0])
    assert len(filled.candidates) <= 3
    assert filled.steps == 2
    assert engine.codec.filler not in {
        token
        for candidate in filled.candidates
        for token in engine.codec.encode(candidate.fills[0])
    }
