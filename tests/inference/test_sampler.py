"""The clamped sampler: transformers' own without pins, exact with them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pydicom
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, entropy

import resources
from inference import sampler
from inference.canvas import lay_out
from inference.checkpoints import load
from inference.clamping import clamp_layouts
from inference.codec import Codec
from inference.engines.decoder import decoder_behind
from inference.engines.diffusion import Checkpoint
from inference.engines.prefixes import encode_prefix
from inference.prompt import patch, write_prompt
from inference.protocol import Gap
from inference.sampler import (
    FREE,
    Clamp,
    PinBrokenError,
    Settings,
    Step,
    accept,
    denoise,
    draw_tokens,
    surest_tokens,
    token_entropy,
)
from inference.training.display import window_to_8bit

LENGTH, VOCABULARY = 12, 9

UNSURE = torch.where(torch.arange(VOCABULARY) == 1, 7.5, 0.0).expand(1, LENGTH, VOCABULARY)
"""Logits (1, L, V) of a decoder that is nearly sure of token 1 everywhere."""


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


def stock_draw(probabilities: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """As ``generate`` draws."""
    return torch.multinomial(probabilities, 1, generator=generator).squeeze(-1)


def canvases_of_ours(
    checkpoint: Checkpoint, image: np.ndarray, context: str, seed: int
) -> tuple[list[torch.Tensor], int]:
    """The same of our sampler, and the most tokens that one of its steps settled."""
    codec = Codec(checkpoint.tokenizer, checkpoint.end_ids)
    layout = lay_out((Gap(),), codec, checkpoint.info.canvas_length)
    vocabulary = checkpoint.model.config.text_config.vocab_size
    with torch.inference_mode(), decoder_inputs(checkpoint) as inputs:
        prefix = encode_prefix(checkpoint, image, context)
        steps = list(
            denoise(
                decoder_behind(checkpoint.model, prefix),
                clamp_layouts([layout], codec, vocabulary, torch.device("cpu")),
                checkpoint.settings,
                vocab_size=vocabulary,
                self_conditioning_dtype=torch.float32,
                generator=torch.Generator().manual_seed(seed),
                draw=stock_draw,
            )
        )
    pairs = zip(inputs, (torch.tensor(step.drafts[0]) for step in steps), strict=True)
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


def clamp_of(*pinned: list[int], banned: tuple[int, ...] = ()) -> Clamp:
    """One canvas a list; the banned tokens may stand at no free position."""
    tokens = torch.tensor(pinned)
    if not banned:
        return Clamp(tokens)
    bias = torch.zeros(2, VOCABULARY)
    bias[1, list(banned)] = -torch.inf
    return Clamp(tokens, bias, torch.ones_like(tokens))


def random_decoder(seed: int, scale: float) -> Any:
    generator = torch.Generator().manual_seed(seed)
    seen: list[tuple[torch.Tensor, torch.Tensor | None]] = []

    def decode(canvas: torch.Tensor, conditioning: torch.Tensor | None) -> torch.Tensor:
        seen.append((canvas.clone(), None if conditioning is None else conditioning.clone()))
        return scale * torch.randn(*canvas.shape, VOCABULARY, generator=generator)

    decode.seen = seen  # type: ignore[attr-defined]
    return decode


def asked_of(decoder: Any) -> Any:
    """A decoder of whole canvases, (B, L) -> (B, L, V), as the sampler wants it."""

    def decode(
        canvas: torch.Tensor, conditioning: torch.Tensor | None, free: torch.Tensor
    ) -> torch.Tensor:
        logits: torch.Tensor = decoder(canvas, conditioning)
        return logits.flatten(0, 1)[free]

    return decode


def run(
    decoder: Any, clamp: Clamp, settings: Settings, seed: int = 0, *, keep: int | None = None
) -> list[Step]:
    return list(
        denoise(
            asked_of(decoder),
            clamp,
            settings,
            vocab_size=VOCABULARY,
            self_conditioning_dtype=torch.float32,
            generator=torch.Generator().manual_seed(seed),
            keep=keep,
        )
    )


pins = st.lists(st.integers(FREE, VOCABULARY - 1), min_size=LENGTH, max_size=LENGTH)


@given(
    st.lists(pins, min_size=1, max_size=4),
    st.integers(0, 2**31),
    st.floats(0.01, 30),
    st.integers(1, 12),
)
def test_pinned_tokens_stand_on_every_canvas(
    pinned: list[list[int]], seed: int, scale: float, max_steps: int
) -> None:
    decoder = random_decoder(seed, scale)
    steps = run(decoder, clamp_of(*pinned), Settings(max_steps=max_steps), seed)
    rows = [torch.tensor(row) for row in pinned]
    assert 1 <= len(steps) <= max_steps
    assert steps[-1].is_last
    left = list(range(len(rows)))
    for step, (canvases, _) in zip(steps, decoder.seen, strict=True):
        assert len(canvases) == step.rows == len(left)
        for canvas, number in zip(canvases, left, strict=True):
            held = rows[number].ne(FREE)
            assert torch.equal(canvas[held], rows[number][held])
        for number, row in enumerate(rows):
            held = row.ne(FREE)
            assert step.drafts[number][held].tolist() == row[held].tolist()
            assert bool(step.settled[number][held].all())
        left = [number for number in left if not step.finished[number]]


def test_banned_tokens_are_never_drafted_in_inner_gaps() -> None:
    pinned = [FREE] * (LENGTH - 1) + [2]
    steps = run(random_decoder(2, 5.0), clamp_of(pinned, banned=(0, 1, 4)), Settings(max_steps=20))
    for step in steps:
        assert not set(step.drafts[0, :-1].tolist()) & {0, 1, 4}


@given(
    st.lists(pins, min_size=1, max_size=4),
    st.sets(st.tuples(st.integers(0, 3), st.integers(0, LENGTH - 1), st.integers(0, 4))),
    st.integers(0, 2**31),
)
def test_what_is_banned_at_one_place_does_not_stand_there(
    pinned: list[list[int]], bans: set[tuple[int, int, int]], seed: int
) -> None:
    """On any of the canvases, while others leave the batch; pins stand all the same."""
    of_rows = sorted(ban for ban in bans if ban[0] < len(pinned))
    clamp = replace(
        clamp_of(*pinned), banned=torch.tensor(of_rows, dtype=torch.long).reshape(-1, 3)
    )
    for step in run(random_decoder(seed, 5.0), clamp, Settings(max_steps=6), seed):
        for row, place, token in of_rows:
            stands = step.drafts[row, place] == token
            assert not stands or pinned[row][place] == token


def test_what_is_less_likely_is_lowered_by_so_many_nats() -> None:
    """Against a token that is as likely, 1.5 nats are odds of 1 to e ** 1.5."""
    bias = torch.zeros(2, VOCABULARY)
    bias[1, 4] = -1.5
    clamp = Clamp(torch.tensor([[FREE, FREE, 3]]), bias, torch.tensor([[0, 1, 0]]))
    seen: list[torch.Tensor] = []

    def decoder(canvas: torch.Tensor, conditioning: torch.Tensor | None) -> torch.Tensor:
        if conditioning is not None:
            seen.append(conditioning.clone())
        return torch.zeros(1, 3, VOCABULARY)

    run(decoder, clamp, Settings(max_steps=2))
    (conditioning,) = seen
    assert torch.equal(conditioning[0], torch.zeros(VOCABULARY))
    assert conditioning[1].tolist() == [0, 0, 0, 0, -1.5, 0, 0, 0, 0]


def test_without_a_ban_any_token_is_drawn() -> None:
    steps = run(random_decoder(2, 5.0), clamp_of([FREE] * LENGTH), Settings(max_steps=20))
    assert any(set(step.drafts[0].tolist()) & {0, 1, 4} for step in steps)


class BrokenClamp(Clamp):
    """Lets go of the pin at position 0 of the canvas."""

    def canvas(self, canvas: torch.Tensor) -> torch.Tensor:
        held = super().canvas(canvas)
        held[0, 0] = 0
        return held


@pytest.mark.parametrize("part", ["canvas", "pins", "draft", ""])
def test_a_pin_that_does_not_stand_ends_the_job(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = BrokenClamp if part == "canvas" else Clamp
    clamp = kind(torch.tensor([[3] + [FREE] * (LENGTH - 1)]))
    if part == "draft":
        put = sampler._FreePositions.put

        def slips(free: Any, tokens: torch.Tensor) -> torch.Tensor:
            return put(free, tokens).roll(1)

        monkeypatch.setattr(sampler._FreePositions, "put", slips)

    def decoder(canvas: torch.Tensor, _: object) -> torch.Tensor:
        if part == "pins":
            clamp.pinned[0, 0] = 4  # something writes where it must not
        logits = torch.zeros(1, LENGTH, VOCABULARY)
        logits[..., 1] = 30.0
        return logits

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
    assert steps[-1].drafts[0].tolist() == wanted.tolist()

    def unsure_at_the_pin(canvas: torch.Tensor, conditioning: object) -> torch.Tensor:
        logits = sure(canvas, conditioning)
        logits[0, 0] = 0.0
        return logits

    assert len(run(unsure_at_the_pin, clamp_of([5] + [FREE] * (LENGTH - 1)), Settings())) == 2
    assert len(run(unsure_at_the_pin, clamp_of([FREE] * LENGTH), Settings())) == 48


@pytest.mark.parametrize("threshold", [0, 1, 2, 3, 5])
def test_so_many_drafts_have_to_be_alike(threshold: int) -> None:
    logits = torch.zeros(1, LENGTH, VOCABULARY)
    logits[..., 0] = 50.0
    settings = Settings(max_steps=9, stability_threshold=threshold)
    assert len(run(lambda *_: logits, clamp_of([FREE] * LENGTH), settings)) == threshold + 1


def test_many_pins_do_not_outvote_unsure_positions() -> None:
    """Over all positions the mean entropy would be below the threshold, over the free ones not."""
    settings = Settings(t_min=1.0, t_max=1.0, max_steps=9, gap_entropy_bound=0.01)
    doubt = entropy(UNSURE[0, 0].softmax(-1))
    settings = replace(settings, confidence_threshold=3 * doubt / LENGTH)
    assert 2 * doubt / LENGTH < settings.confidence_threshold < doubt
    steps = run(lambda *_: UNSURE, clamp_of([FREE, FREE] + [1] * (LENGTH - 2)), settings)
    assert len(steps) == settings.max_steps


def test_a_single_free_position_is_drawn_at_once() -> None:
    """However unsure the model is: no other position is there for the token to contradict."""
    settings = Settings(max_steps=9, gap_entropy_bound=0.01)
    assert len(run(lambda *_: UNSURE, clamp_of([FREE] + [1] * (LENGTH - 1)), settings)) == 1


def test_a_gap_that_may_be_drawn_at_once_is_done_and_a_draft_is_not() -> None:
    doubt = entropy(UNSURE[0, 0].softmax(-1))
    gap = clamp_of([FREE, FREE] + [1] * (LENGTH - 2))

    def steps_of(clamp: Clamp, bound: float) -> int:
        settings = Settings(t_min=1.0, t_max=1.0, max_steps=9).with_overrides(None, bound)
        return len(run(lambda *_: UNSURE, clamp, settings))

    assert steps_of(gap, 1.1 * doubt) == 1
    assert steps_of(gap, 0.9 * doubt) == 9, "one is accepted, but not both"
    mostly_free = clamp_of([1] * (LENGTH // 2 - 1) + [FREE] * (LENGTH - LENGTH // 2 + 1))
    for clamp in (mostly_free, clamp_of([FREE] * LENGTH)):
        assert steps_of(clamp, 2 * LENGTH * doubt) == 9, "as `generate` does"


def test_canvases_of_one_clamp_begin_each_with_its_own_noise() -> None:
    decoder = random_decoder(0, 1.0)
    clamp = clamp_of(*[[FREE] * (LENGTH - 1) + [7]] * 3)
    steps = run(decoder, clamp, Settings(max_steps=3).with_overrides(None, 0.0))
    assert [step.rows for step in steps] == [3, 3, 3]
    assert len({tuple(row) for row in decoder.seen[0][0].tolist()}) == 3


def test_of_many_canvases_the_surest_are_kept_after_the_first_step() -> None:
    """Of canvases that differ in what the model is unsure of, those with the least doubt go on."""
    sharpness = {5: 0.5, 6: 3.0, 7: 1.0, 8: 2.0}

    def decode(canvas: torch.Tensor, _: object) -> torch.Tensor:
        logits = torch.randn(*canvas.shape, VOCABULARY, generator=torch.Generator().manual_seed(1))
        return logits * torch.tensor([[[sharpness[int(row[0])]]] for row in canvas])

    clamp = clamp_of(*([first] + [FREE] * (LENGTH - 1) for first in sharpness))
    settings = Settings(max_steps=3).with_overrides(None, 0.0)
    steps = run(decode, clamp, settings, keep=2)
    assert [step.rows for step in steps] == [4, 2, 2]
    assert [step.dropped.tolist() for step in steps] == [[True, False, True, False]] * 3
    assert steps[0].doubt.argsort().tolist() == [1, 3, 2, 0]
    assert steps[0].drafts[[0, 2]].tolist() == steps[-1].drafts[[0, 2]].tolist()
    assert [step.is_last for step in steps] == [False, False, True]


def test_a_canvas_is_judged_by_the_positions_that_are_doubted() -> None:
    """The first canvas is unsure of its first half, the second of its last."""
    half = LENGTH // 2
    logits = torch.zeros(2, LENGTH, VOCABULARY)
    logits[0, half:, 0] = logits[1, :half, 0] = 20.0
    clamp = clamp_of(*[[FREE] * LENGTH] * 2)
    for places, kept in ((slice(0, half), 1), (slice(half, LENGTH), 0)):
        doubted = torch.zeros(2, LENGTH, dtype=torch.bool)
        doubted[:, places] = True
        judged = replace(clamp, doubted=doubted)
        (step,) = run(lambda *_: logits, judged, Settings(max_steps=1), keep=1)
        assert step.dropped.tolist() == [kept != 0, kept != 1]
        assert step.doubt[kept] < 1e-3 < 1 < step.doubt[1 - kept]


def test_keeping_more_than_there_are_drops_none() -> None:
    clamp = clamp_of(*[[FREE] * LENGTH] * 2)
    (*_, last) = run(random_decoder(0, 0.1), clamp, Settings(max_steps=2), keep=5)
    assert not last.dropped.any()


def test_equal_seeds_give_equal_canvases_and_others_do_not() -> None:
    def drafts(seed: int) -> list[list[int]]:
        steps = run(random_decoder(0, 0.1), clamp_of([FREE] * LENGTH), Settings(max_steps=4), seed)
        return [step.settled[0].tolist() + step.drafts[0].tolist() for step in steps]

    def canvases(seed: int) -> list[list[int]]:
        decoder = random_decoder(0, 0.1)
        run(decoder, clamp_of([FREE] * LENGTH), Settings(max_steps=4), seed)
        return [canvas[0].tolist() for canvas, _ in decoder.seen]

    assert drafts(1) == drafts(1)
    assert canvases(1) == canvases(1) != canvases(2)


@given(st.lists(st.floats(0, 5), min_size=1, max_size=20), st.floats(0.001, 4))
def test_acceptance_takes_the_surest_within_the_bound(entropies: list[float], bound: float) -> None:
    doubts = torch.tensor([entropies])
    taken = accept(doubts, torch.tensor([bound]))[0]
    chosen = doubts[0][taken]
    assert taken.any(), "the surest position is always accepted"
    assert chosen.sum() - chosen.max() <= bound + 1e-4
    if not taken.all():
        assert chosen.max() <= doubts[0][~taken].min()


def test_entropy_of_known_distributions() -> None:
    logits = torch.tensor([[7.0] * 4, [3.0, 2.0, -1e4, 0.5], [9.0, *[-1e4] * 3]])
    even, drawn, certain = token_entropy(logits, logits.softmax(-1)).tolist()
    assert even == pytest.approx(np.log(4), rel=1e-6)
    assert drawn == pytest.approx(entropy(logits[1].softmax(-1)), rel=1e-5)
    assert certain == 0.0


def test_a_sure_position_s_entropy_does_not_drown_in_rounding() -> None:
    logits = torch.tensor([[75.0, 58.0, 40.0]])
    exact = entropy(logits[0].double().softmax(-1))
    assert 0 < exact < 1e-5
    assert token_entropy(logits, logits.softmax(-1)).item() == pytest.approx(exact, rel=0.2)


def sure_after(steps: dict[int, int], wanted: torch.Tensor) -> Any:
    """A decoder that is sure of ``wanted`` on canvases with n as their first pin after n steps."""
    count = 0

    def decode(canvas: torch.Tensor, _: object) -> torch.Tensor:
        nonlocal count
        count += 1
        logits = torch.zeros(*canvas.shape, VOCABULARY)
        for row, first in enumerate(canvas[:, 0].tolist()):
            if count > steps[first]:
                logits[row].scatter_(-1, wanted[:, None], 50.0)
        return logits

    return decode


def test_who_is_finished_leaves_the_batch_and_stays_as_it_was() -> None:
    wanted = torch.arange(LENGTH) % VOCABULARY
    half = LENGTH // 2
    clamp = clamp_of(*([first] * half + [FREE] * (LENGTH - half) for first in (5, 7, 6)))
    steps = run(sure_after({5: 3, 6: 1, 7: 5}, wanted), clamp, Settings(max_steps=20))
    assert [step.rows for step in steps] == [3, 3, 2, 2, 1, 1]
    ended = [
        next(step.number for step in steps if step.finished[row])
        for row in range(len(clamp.pinned))
    ]
    assert ended == [4, 6, 2]
    for row, first in enumerate((5, 7, 6)):
        assert steps[-1].drafts[row].tolist() == [first] * half + wanted[half:].tolist()
        at_its_end = steps[ended[row] - 1]
        assert at_its_end.settled[row].tolist() == steps[-1].settled[row].tolist()


def test_a_canvas_may_begin_with_text() -> None:
    start = torch.tensor([[1, 2, FREE, FREE]])
    decoder = random_decoder(0, 1.0)
    generator = torch.Generator().manual_seed(0)
    clamp = clamp_of([FREE, FREE, FREE, 7])
    steps = denoise(
        asked_of(decoder),
        clamp,
        Settings(max_steps=1),
        vocab_size=VOCABULARY,
        self_conditioning_dtype=torch.float32,
        generator=generator,
        start=start,
    )
    assert next(steps).is_last
    first = decoder.seen[0][0][0].tolist()
    assert first[:2] == [1, 2]
    assert first[3] == 7


@pytest.mark.parametrize("vocabulary", [6, 192], ids=["one block", "three blocks"])
def test_tokens_are_drawn_as_often_as_they_are_likely(vocabulary: int) -> None:
    likely = torch.zeros(vocabulary)
    likely[[1, vocabulary // 2, vocabulary - 2]] = torch.tensor([0.5, 0.2, 0.3])
    draws = draw_tokens(likely.expand(20_000, -1), torch.Generator().manual_seed(0))
    counts = torch.bincount(draws, minlength=vocabulary)
    assert counts[likely == 0].sum() == 0
    assert chisquare(counts[likely > 0], 20_000 * likely[likely > 0]).pvalue > 0.001


vocabularies = st.integers(2, 3000) | st.integers(1, 48).map(lambda blocks: 64 * blocks)


@given(st.integers(0, 2**31), vocabularies)
def test_the_surest_token_is_the_first_of_the_largest(seed: int, vocabulary: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randint(4, (5, vocabulary), generator=generator).float()
    logits[:, torch.randint(vocabulary, (2,), generator=generator)] = -torch.inf
    assert torch.equal(surest_tokens(logits), logits.argmax(dim=-1))


@given(st.integers(0, 2**31), vocabularies)
def test_what_is_forbidden_is_not_drawn(seed: int, vocabulary: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = 9 * torch.randn(64, vocabulary, generator=generator)
    logits[:, -1] = -torch.inf
    logits[:, torch.randint(vocabulary - 1, (vocabulary // 3,), generator=generator)] = -torch.inf
    allowed = logits.isfinite().any(dim=-1)
    probabilities = logits[allowed].softmax(dim=-1)
    drawn = draw_tokens(probabilities, generator)
    assert bool((probabilities.gather(-1, drawn[:, None]) > 0).all())


def test_the_end_of_the_distribution_is_not_overstepped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The largest random number, over a sum that rounds up to one."""
    monkeypatch.setattr(torch, "rand", lambda *_, **__: torch.full((2, 1, 1), 1.0))
    probabilities = torch.tensor([[0.25, 0.75, 0.0]])
    assert draw_tokens(probabilities, torch.Generator()).tolist() == [1]


def test_heat_multiplies_both_temperatures_and_nothing_else() -> None:
    plain = Settings(max_steps=9, t_min=0.4, t_max=0.8)
    assert plain.with_overrides(None, None) == plain
    hot = plain.with_overrides(None, None, 1.5)
    assert (hot.t_min, hot.t_max) == (pytest.approx(0.6), pytest.approx(1.2))
    assert replace(hot, t_min=plain.t_min, t_max=plain.t_max) == plain
