"""The clamped sampler: transformers' own without pins, exact with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import resources
from inference.canvas import Codec, lay_out
from inference.checkpoints import load
from inference.engines.diffusion import Checkpoint, DiffusionEngine, encode_prefix
from inference.prompt import patch, write_prompt
from inference.protocol import Gap
from inference.sampler import (
    FREE,
    Ban,
    Clamp,
    PinBrokenError,
    Settings,
    Step,
    accept,
    denoise,
    token_entropy,
)
from inference.training.display import window_to_8bit

LENGTH, VOCABULARY = 12, 9


class Drafts:
    """A streamer for ``generate`` that keeps every draft canvas."""

    def __init__(self) -> None:
        self.canvases: list[torch.Tensor] = []

    def put(self, value: torch.Tensor) -> None: ...

    def put_draft(self, value: torch.Tensor) -> None:
        self.canvases.append(value[0].clone())

    def end(self) -> None: ...


@contextmanager
def decoder_inputs(checkpoint: Checkpoint) -> Iterator[list[torch.Tensor]]:
    """Every canvas that the decoder is given meanwhile."""
    seen: list[torch.Tensor] = []

    def note(module: object, args: object, kwargs: dict[str, Any]) -> None:
        seen.append(kwargs["decoder_input_ids"][0].clone())

    hook = checkpoint.model.model.decoder.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield seen
    finally:
        hook.remove()


def canvases_of_generate(
    checkpoint: Checkpoint, image: np.ndarray, context: str, seed: int
) -> list[torch.Tensor]:
    """Input and draft of every step, in turn."""
    patched = patch(image, checkpoint.image_processor)
    prompt = write_prompt(checkpoint.tokenizer, context, patched.soft_tokens)
    drafts = Drafts()
    torch.manual_seed(seed)
    with decoder_inputs(checkpoint) as inputs:
        checkpoint.model.generate(
            input_ids=prompt.input_ids,
            pixel_values=patched.pixel_values,
            image_position_ids=patched.position_ids,
            mm_token_type_ids=prompt.token_type_ids,
            streamer=drafts,
            max_new_tokens=checkpoint.info.canvas_length,
        )
    return [canvas for pair in zip(inputs, drafts.canvases, strict=True) for canvas in pair]


def canvases_of_ours(
    checkpoint: Checkpoint, image: np.ndarray, context: str, seed: int
) -> tuple[list[torch.Tensor], int]:
    """The same of our sampler, and the most tokens that one of its steps settled."""
    engine = DiffusionEngine(checkpoint)
    codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
    layout = lay_out((Gap(),), codec, checkpoint.info.canvas_length)
    with torch.inference_mode(), decoder_inputs(checkpoint) as inputs:
        prefix = encode_prefix(checkpoint, image, context)
        steps = list(engine._denoise(prefix, layout, checkpoint.settings, seed))
    pairs = zip(inputs, (step.draft for step in steps), strict=True)
    settled = max(int(step.settled.sum()) for step in steps)
    return [canvas for pair in pairs for canvas in pair], settled


@pytest.mark.parametrize("seed", [0, 7])
def test_without_pins_every_canvas_is_that_of_generate(loaded: Checkpoint, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (120, 90), dtype=np.uint8)
    stock = canvases_of_generate(loaded, image, "Chest radiograph.", seed)
    ours, _ = canvases_of_ours(loaded, image, "Chest radiograph.", seed)
    assert len(ours) == len(stock) > 2
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(ours, stock, strict=True))


@pytest.mark.parametrize("study", [0, 1, 2, 3])
def test_it_stops_with_generate_too_on_a_trained_checkpoint(study: int) -> None:
    """The bundled checkpoint accepts many tokens at once and stops before its budget is spent."""
    checkpoint = load(resources.demo_checkpoint(), "cpu")
    dataset = pydicom.dcmread(resources.demo_studies()[study])
    image = window_to_8bit(dataset.pixel_array)
    context = "Chest radiograph, PA view. 50-year-old man."
    stock = canvases_of_generate(checkpoint, image, context, study)
    ours, settled = canvases_of_ours(checkpoint, image, context, study)
    assert len(ours) == len(stock)
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(ours, stock, strict=True))
    assert settled > len(ours) / 2, "some step settled more than one token"


def clamp_of(pinned: list[int], banned: tuple[int, ...] = ()) -> Clamp:
    tokens = torch.tensor(pinned)
    if not banned:
        return Clamp(tokens)
    return Clamp(tokens, (Ban(tokens.eq(FREE).nonzero().squeeze(-1), torch.tensor(banned)),))


def random_decoder(seed: int, scale: float) -> Any:
    generator = torch.Generator().manual_seed(seed)
    seen: list[tuple[torch.Tensor, torch.Tensor | None]] = []

    def decode(canvas: torch.Tensor, conditioning: torch.Tensor | None) -> torch.Tensor:
        seen.append((canvas.clone(), conditioning))
        return scale * torch.randn(1, canvas.shape[1], VOCABULARY, generator=generator)

    decode.seen = seen  # type: ignore[attr-defined]
    return decode


def run(decoder: Any, clamp: Clamp, settings: Settings, seed: int = 0) -> list[Step]:
    return list(
        denoise(
            decoder,
            clamp,
            settings,
            vocab_size=VOCABULARY,
            self_conditioning_dtype=torch.float32,
            generator=torch.Generator().manual_seed(seed),
        )
    )


pins = st.lists(st.integers(FREE, VOCABULARY - 1), min_size=LENGTH, max_size=LENGTH)


@given(pins, st.integers(0, 2**31), st.floats(0.01, 30), st.integers(1, 12))
def test_pinned_tokens_stand_on_every_canvas(
    pinned: list[int], seed: int, scale: float, max_steps: int
) -> None:
    clamp = clamp_of(pinned)
    decoder = random_decoder(seed, scale)
    steps = run(decoder, clamp, Settings(max_steps=max_steps), seed)
    held = torch.tensor(pinned).ne(FREE)
    kept = torch.tensor(pinned)[held]
    assert 1 <= len(steps) <= max_steps
    assert steps[-1].finished
    for canvas, _ in decoder.seen:
        assert torch.equal(canvas[0][held], kept)
    for step in steps:
        assert torch.equal(step.draft[held], kept)
        assert bool(step.settled[held].all())


def test_self_conditioning_is_one_hot_at_pins() -> None:
    pinned = [3, FREE, FREE, 5] + [FREE] * (LENGTH - 4)
    decoder = random_decoder(1, 1.0)
    run(decoder, clamp_of(pinned), Settings(max_steps=3))
    assert decoder.seen[0][1] is None
    conditioning = decoder.seen[1][1].softmax(-1)[0]
    expected = torch.nn.functional.one_hot(torch.tensor([3, 5]), VOCABULARY).float()
    assert torch.equal(conditioning[[0, 3]], expected)


def test_banned_tokens_are_never_drafted_in_inner_gaps() -> None:
    pinned = [FREE] * (LENGTH - 1) + [2]
    steps = run(random_decoder(2, 5.0), clamp_of(pinned, banned=(0, 1, 4)), Settings(max_steps=20))
    for step in steps:
        assert not set(step.draft[:-1].tolist()) & {0, 1, 4}


def test_what_is_less_likely_is_lowered_by_so_many_nats() -> None:
    clamp = Clamp(torch.tensor([FREE, FREE, 3]), (Ban(torch.tensor([1]), torch.tensor([4]), 1.5),))
    before = torch.randn(1, 3, VOCABULARY, generator=torch.Generator().manual_seed(0))
    after = clamp.logits(before)
    assert after[0, 1, 4] == before[0, 1, 4] - 1.5
    kept = torch.ones(2, VOCABULARY, dtype=torch.bool)
    kept[1, 4] = False
    assert torch.equal(after[0, :2][kept], before[0, :2][kept])


def test_without_a_ban_any_token_is_drawn() -> None:
    steps = run(random_decoder(2, 5.0), clamp_of([FREE] * LENGTH), Settings(max_steps=20))
    assert any(set(step.draft.tolist()) & {0, 1, 4} for step in steps)


class BrokenClamp(Clamp):
    """Lets go of the pin at position 0, on the canvas or in the logits."""

    breaks = ""

    def canvas(self, canvas: torch.Tensor) -> torch.Tensor:
        held = super().canvas(canvas)
        if self.breaks == "canvas":
            held[0, 0] = 0
        return held

    def logits(self, logits: torch.Tensor) -> torch.Tensor:
        held = super().logits(logits)
        if self.breaks == "logits":
            held[0, 0] = torch.nn.functional.one_hot(torch.tensor(0), VOCABULARY).float()
        return held


@pytest.mark.parametrize("part", ["canvas", "logits", "pins", ""])
def test_a_pin_that_does_not_stand_ends_the_job(part: str) -> None:
    clamp = BrokenClamp(torch.tensor([3] + [FREE] * (LENGTH - 1)))
    object.__setattr__(clamp, "breaks", part)

    def decoder(canvas: torch.Tensor, _: object) -> torch.Tensor:
        if part == "pins":
            clamp.pinned[0] = 4  # something writes where it must not
        return torch.zeros(1, LENGTH, VOCABULARY)

    if not part:
        assert len(run(decoder, clamp, Settings(max_steps=2))) == 2
        return
    with pytest.raises(PinBrokenError):
        run(decoder, clamp, Settings(max_steps=2))


def test_it_stops_when_sure_and_stable_over_free_positions_only() -> None:
    wanted = torch.arange(LENGTH) % VOCABULARY

    def sure(canvas: torch.Tensor, _: object) -> torch.Tensor:
        logits = torch.zeros(1, LENGTH, VOCABULARY)
        logits[0, range(LENGTH), wanted] = 50.0
        return logits

    steps = run(sure, clamp_of([FREE] * LENGTH), Settings(max_steps=48))
    assert len(steps) == 2
    assert torch.equal(steps[-1].draft, wanted)

    def unsure_at_the_pin(canvas: torch.Tensor, conditioning: object) -> torch.Tensor:
        logits = sure(canvas, conditioning)
        logits[0, 0] = 0.0
        return logits

    assert len(run(unsure_at_the_pin, clamp_of([5] + [FREE] * (LENGTH - 1)), Settings())) == 2
    assert len(run(unsure_at_the_pin, clamp_of([FREE] * LENGTH), Settings())) == 48


def test_many_pins_do_not_outvote_one_unsure_position() -> None:
    """Over all positions the mean entropy would be below the threshold, over the free one not."""

    def unsure_at_the_gap(canvas: torch.Tensor, _: object) -> torch.Tensor:
        logits = torch.zeros(1, LENGTH, VOCABULARY)
        logits[0, :, 1] = 7.5
        return logits

    settings = Settings(t_min=1.0, t_max=1.0, max_steps=9)
    entropy = token_entropy(unsure_at_the_gap(torch.empty(0), None))[0, 0].item()
    assert entropy / LENGTH < settings.confidence_threshold < entropy
    steps = run(unsure_at_the_gap, clamp_of([FREE] + [1] * (LENGTH - 1)), settings)
    assert len(steps) == settings.max_steps


def test_equal_seeds_give_equal_canvases_and_others_do_not() -> None:
    def drafts(seed: int) -> list[list[int]]:
        steps = run(random_decoder(0, 0.1), clamp_of([FREE] * LENGTH), Settings(max_steps=4), seed)
        return [step.settled.tolist() + step.draft.tolist() for step in steps]

    def canvases(seed: int) -> list[list[int]]:
        decoder = random_decoder(0, 0.1)
        run(decoder, clamp_of([FREE] * LENGTH), Settings(max_steps=4), seed)
        return [canvas[0].tolist() for canvas, _ in decoder.seen]

    assert drafts(1) == drafts(1)
    assert canvases(1) == canvases(1) != canvases(2)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20), st.floats(0.001, 4))
def test_acceptance_takes_the_surest_within_the_bound(entropies: list[float], bound: float) -> None:
    entropy = torch.tensor([entropies])
    taken = accept(entropy, bound)[0]
    chosen = entropy[0][taken]
    assert taken.any(), "the surest position is always accepted"
    assert chosen.sum() - chosen.max() <= bound + 1e-4
    if not taken.all():
        assert chosen.max() <= entropy[0][~taken].min()


def test_entropy_of_known_distributions() -> None:
    uniform = torch.zeros(1, 4)
    one_hot = torch.tensor([[0.0, -torch.inf, -torch.inf, -torch.inf]])
    assert token_entropy(uniform).item() == pytest.approx(np.log(4), rel=1e-6)
    assert token_entropy(one_hot).item() == 0.0
