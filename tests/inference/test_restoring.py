"""Finished fills are told apart by how well they come back from noise."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference.restoring import RATES, restoration
from inference.sampler import FREE

VOCABULARY = 11
PINNED = torch.tensor([[4, FREE, FREE, FREE, 5, FREE, 6]])
FREE_PLACES = PINNED[0].eq(FREE)


class Watched:
    """A decoder that says ``logits`` (L, V) of every canvas, and keeps what it was asked."""

    def __init__(self, logits: torch.Tensor) -> None:
        self.logits = logits

    def __call__(
        self, canvas: torch.Tensor, self_conditioning: torch.Tensor | None, free: torch.Tensor
    ) -> torch.Tensor:
        assert self_conditioning is None
        self.canvas, self.asked = canvas, free
        return self.logits[free % canvas.shape[1]]


def judge(decoder: Watched, fills: list[list[int]], seed: int = 0) -> list[float]:
    drafts = PINNED.repeat(len(fills), 1)
    drafts[:, FREE_PLACES] = torch.tensor(fills)
    asked = PINNED.eq(FREE).expand_as(drafts)
    told = restoration(decoder, asked, drafts, vocab_size=VOCABULARY, seed=seed)
    return [float(nats) for nats in told]


def test_what_the_model_would_write_is_judged_best() -> None:
    wanted = [1, 2, 3, 7]
    logits = torch.zeros(PINNED.shape[1], VOCABULARY)
    logits[FREE_PLACES, wanted] = 3.0
    right, nearly, wrong = judge(Watched(logits), [wanted, [1, 2, 3, 8], [2, 3, 1, 8]])
    assert right > nearly > wrong


def test_nats_are_those_of_all_free_tokens() -> None:
    """A model that knows nothing gives each token one chance in V."""
    (told,) = judge(Watched(torch.zeros(PINNED.shape[1], VOCABULARY)), [[1, 2, 3, 7]])
    assert told == pytest.approx(-4 * math.log(VOCABULARY))


def test_canvases_with_gaps_of_other_lengths_are_judged_side_by_side() -> None:
    """Each is asked for its own tokens, and told what it is told alone."""
    longer = torch.tensor([[4, FREE, FREE, FREE, FREE, FREE, 6]])
    logits = torch.randn(PINNED.shape[1], VOCABULARY, generator=torch.Generator().manual_seed(0))
    drafts = torch.tensor([[4, 1, 2, 3, 5, 7, 6], [4, 1, 2, 3, 8, 7, 6]])

    def told(pinned: torch.Tensor, drafts: torch.Tensor) -> list[float]:
        asked = pinned.eq(FREE)
        nats = restoration(Watched(logits), asked, drafts, vocab_size=VOCABULARY, seed=1)
        return [float(each) for each in nats]

    together = told(torch.cat([PINNED, longer]), drafts)
    alone = told(PINNED, drafts[:1]) + told(longer, drafts[1:])
    assert together == pytest.approx(alone)


fills = st.lists(st.lists(st.integers(0, VOCABULARY - 1), min_size=4, max_size=4), min_size=1)


@given(fills, st.integers(0, 2**31))
def test_noise_lies_where_it_is_asked_and_pins_stand(fills: list[list[int]], seed: int) -> None:
    decoder = Watched(torch.zeros(PINNED.shape[1], VOCABULARY))
    judge(decoder, fills, seed)
    canvas = decoder.canvas.view(len(fills), len(RATES), -1)
    asked = torch.zeros(canvas.numel(), dtype=torch.bool)
    asked[decoder.asked] = True
    asked = asked.view_as(canvas)
    drafts = PINNED.repeat(len(fills), 1)
    drafts[:, FREE_PLACES] = torch.tensor(fills)
    assert canvas[..., ~FREE_PLACES].eq(PINNED[0, ~FREE_PLACES]).all()
    assert not asked[..., ~FREE_PLACES].any()
    assert canvas[~asked].eq(drafts[:, None].expand_as(canvas)[~asked]).all()
    assert asked.sum(dim=-1).tolist() == [[4, 3, 3, 2, 1, 1]] * len(fills)
    for row in canvas[1:]:
        assert row[asked[0]].eq(canvas[0][asked[0]]).all(), "the same noise for all"
