"""Which tokens may be drawn where."""

from __future__ import annotations

import math

import torch

from inference.canvas import Layout, lay_out
from inference.clamping import clamp_layouts
from inference.codec import Codec
from inference.protocol import Fixed, Gap, Piece
from inference.sampler import Clamp

LENGTH = 128
VOCABULARY = 4096


def clamp(codec: Codec, *layouts: Layout, filler_bias: float = 0.0) -> Clamp:
    return clamp_layouts(
        layouts,
        codec,
        VOCABULARY,
        torch.device("cpu"),
        filler_bias=filler_bias,
    )


def banned(codec: Codec, pieces: list[Piece]) -> dict[int, set[int]]:
    """Canvas positions -> the tokens that may not be drawn there."""
    made = clamp(codec, lay_out(pieces, codec, LENGTH))
    assert made.bias is not None
    assert made.rule is not None
    never = [set(row.eq(-math.inf).nonzero().squeeze(-1).tolist()) for row in made.bias]
    return {
        position: never[rule] for position, rule in enumerate(made.rule[0].tolist()) if never[rule]
    }


def test_inner_gaps_may_not_end_the_report(codec: Codec) -> None:
    bans = banned(codec, [Fixed(""), Gap(), Fixed("."), Gap()])
    assert codec.end_of_turn in bans[0]
    assert codec.filler not in bans[0]
    assert LENGTH - 1 not in bans, "the open end may end where it likes"


def test_a_gap_of_given_length_is_of_that_length(codec: Codec) -> None:
    assert codec.filler in banned(codec, [Gap(3), Fixed(".")])[2]


def test_where_lengths_are_ranked_no_filler_is_drawn(codec: Codec, plain: Codec) -> None:
    bans = banned(plain, [Fixed("The "), Gap(), Fixed(".")])
    assert all(codec.filler in tokens for tokens in bans.values())


def test_without_filler_a_gap_of_whole_lines_may_end(plain: Codec) -> None:
    pieces: list[Piece] = [Fixed("FINDINGS:\n"), Gap(), Fixed("\n\nIMPRESSION:\n"), Gap()]
    bans = banned(plain, pieces)
    start = lay_out(pieces, plain, LENGTH).slots[0].start
    assert not bans[start] & plain.ends
    inner = banned(plain, [Fixed("The heart "), Gap(), Fixed(".")])
    assert all(plain.ends <= tokens for tokens in inner.values())


def test_filler_is_made_less_likely_in_gaps_of_open_length_alone(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed("The "), Gap(), Fixed(" is "), Gap(3), Fixed(".\n"), Gap()]
    layout = lay_out(pieces, codec, LENGTH)
    made = clamp(codec, layout, filler_bias=2.0)
    assert made.bias is not None
    assert made.rule is not None
    lowered = made.bias[made.rule[0]].eq(-2.0).nonzero().tolist()
    slot = layout.slots[0]
    assert lowered == [[position, codec.filler] for position in range(slot.start, slot.stop)]


def test_a_draft_is_not_clamped_at_all(codec: Codec) -> None:
    made = clamp(codec, lay_out([Gap()], codec, LENGTH))
    assert made.bias is None
    assert bool(made.free.all())


def test_each_canvas_has_its_own_pins(codec: Codec) -> None:
    shorter = lay_out([Fixed("The "), Gap(3), Fixed(" heart.")], codec, LENGTH)
    longer = lay_out([Fixed("The "), Gap(5), Fixed(" heart.")], codec, LENGTH)
    made = clamp(codec, shorter, longer)
    assert made.free.sum(dim=-1).tolist() == [3, 5]
    assert made.pinned.tolist() == [list(shorter.tokens), list(longer.tokens)]


def test_bans_are_told_by_canvas_place_and_token(codec: Codec) -> None:
    layout = lay_out([Gap(4), Fixed(".")], codec, LENGTH)
    device = torch.device("cpu")
    made = clamp_layouts(
        [layout, layout], codec, VOCABULARY, device, bans=[{(1, 7), (0, 9)}, {(2, 7)}]
    )
    assert made.banned is not None
    assert made.banned.tolist() == [[0, 0, 9], [0, 1, 7], [1, 2, 7]]
    assert clamp(codec, layout).banned is None
