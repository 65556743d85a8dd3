"""Pieces on a canvas: byte-exact pins, honest room, fills that read well at their seams."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference.canvas import Codec, lay_out, read_fill, read_runs, thinks_on
from inference.engines.base import BadRequest
from inference.protocol import Fixed, Gap, Piece
from inference.sampler import FREE

if TYPE_CHECKING:
    from inference.engines.diffusion import Checkpoint

LENGTH = 128

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(text)
def test_any_text_decodes_to_the_same_characters(codec: Codec, written: str) -> None:
    ids = codec.encode(written)
    assert codec.decode(ids) == written
    assert not set(ids) & codec.special


@pytest.mark.parametrize(
    "written", ["<eos>", "<turn|>", "<|image|>", "a\u2581b", " ", "\r\n", "\x00", "e\u0301", "👩‍⚕️"]
)
def test_control_tokens_and_odd_characters_are_plain_text(codec: Codec, written: str) -> None:
    assert codec.decode(codec.encode(written)) == written


def pinned_bytes(tokens: tuple[int, ...], codec: Codec) -> str:
    return codec.decode([token for token in tokens if token != FREE])


@given(st.lists(text, min_size=1, max_size=4), st.integers(1, 6))
def test_pins_lie_on_the_canvas_in_order(codec: Codec, texts: list[str], size: int) -> None:
    pieces: list[Piece] = []
    for written in texts:
        pieces += [Fixed(written), Gap(size)]
    pieces.append(Fixed("end"))
    layout = lay_out(pieces, codec, 512)
    expected = "".join(written.removesuffix(" ") for written in texts) + "end"
    assert len(layout.tokens) == 512
    assert pinned_bytes(layout.tokens, codec) == expected
    assert [slot.stop - slot.start for slot in layout.slots] == [size] * len(texts)


def test_the_tail_is_pinned_behind_a_last_fixed_piece(codec: Codec) -> None:
    layout = lay_out([Gap(4), Fixed("Heart.")], codec, LENGTH)
    tail = layout.tokens[layout.tokens.index(codec.end_of_turn) :]
    assert set(tail[1:]) == {codec.eos}
    assert not layout.slots[0].open_end


def test_a_last_open_gap_runs_to_the_end(codec: Codec) -> None:
    layout = lay_out([Fixed("Heart"), Gap()], codec, LENGTH)
    assert layout.slots[0].open_end
    assert layout.slots[0].stop == LENGTH
    assert lay_out([Gap()], codec, LENGTH).tokens == (FREE,) * LENGTH


def test_open_gaps_share_what_is_left(codec: Codec) -> None:
    fixed = Fixed("heart size is normal. " * 8)
    layout = lay_out([Gap(), fixed, Gap(), fixed, Gap(), Fixed(".")], codec, 96)
    sizes = [slot.stop - slot.start for slot in layout.slots]
    assert min(sizes) >= 1
    assert len(layout.tokens) == 96


def sizes(pieces: Sequence[Piece], codec: Codec, length: int = LENGTH) -> list[int]:
    return [slot.stop - slot.start for slot in lay_out(pieces, codec, length).slots]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_gaps_of_whole_lines_share_the_canvas(codec: Codec, end: str) -> None:
    headings: list[Piece] = [
        Fixed(f"FINDINGS:{end}"),
        Gap(),
        Fixed(f"{end}{end}IMPRESSION:{end}"),
        Gap(),
    ]
    findings, impression = sizes(headings, codec)
    assert findings > 48
    assert impression > 48
    (whole,) = sizes([Gap(), Fixed(end)], codec)
    assert whole >= LENGTH - 4
    within, _ = sizes([Fixed("The heart "), Gap(), Fixed(f".{end}"), Gap()], codec)
    assert within == 20


def test_filler_is_made_less_likely_in_gaps_of_open_length_alone(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed("The "), Gap(), Fixed(" is "), Gap(3), Fixed(".\n"), Gap()]
    layout = lay_out(pieces, codec, LENGTH)
    device = torch.device("cpu")
    (lowered,) = [ban for ban in layout.clamp(codec, device, 2.0).bans if ban.by == 2.0]
    slot = layout.slots[0]
    assert lowered.positions.tolist() == list(range(slot.start, slot.stop))
    assert lowered.tokens.tolist() == [codec.filler]
    assert all(ban.by == math.inf for ban in layout.clamp(codec, device).bans)


@pytest.fixture
def plain(loaded: Checkpoint) -> Codec:
    """The codec of a checkpoint without filler, as the released ones are."""
    codec = Codec(loaded.tokenizer, loaded.end_ids)
    codec.filler = None
    return codec


def test_without_filler_whole_lines_get_room_and_may_end(plain: Codec) -> None:
    pieces: list[Piece] = [Fixed("FINDINGS:\n"), Gap(), Fixed("\n\nIMPRESSION:\n"), Gap()]
    layout = lay_out(pieces, plain, LENGTH)
    findings = layout.slots[0]
    assert findings.stop - findings.start > 48
    (ban,) = layout.clamp(plain, torch.device("cpu")).bans
    assert not set(ban.tokens.tolist()) & plain.ends
    draft = [plain.eos if token == FREE else token for token in layout.tokens]
    text = plain.encode("Clear.")
    draft[findings.start : findings.start + len(text)] = text
    assert read_fill(layout, 0, draft, plain) == "Clear."


def test_without_filler_a_phrase_is_short_and_does_not_end(plain: Codec) -> None:
    layout = lay_out([Fixed("The heart "), Gap(), Fixed(".")], plain, LENGTH)
    assert layout.free_tokens == 12
    (ban,) = layout.clamp(plain, torch.device("cpu")).bans
    assert plain.ends <= set(ban.tokens.tolist())


def test_empty_and_touching_pieces_are_one_text(codec: Codec) -> None:
    parted: list[Piece] = [Fixed("The "), Fixed("heart "), Fixed(""), Gap(6), Fixed("")]
    assert lay_out(parted, codec, LENGTH) == lay_out([Fixed("The heart "), Gap(6)], codec, LENGTH)
    assert lay_out([Fixed(""), Gap(), Fixed("")], codec, LENGTH).slots[0].open_end


@given(st.integers(0, 200), st.integers(0, 200))
def test_what_does_not_fit_is_refused_with_the_numbers(codec: Codec, words: int, gap: int) -> None:
    pieces: list[Piece] = [Fixed(" heart" * words), Gap(gap) if gap else Gap(), Fixed(".")]
    needed = len(codec.encode(" heart" * words)) + len(codec.encode(".")) + max(gap, 1) + 1
    if needed <= LENGTH:
        assert len(lay_out(pieces, codec, LENGTH).tokens) == LENGTH
        return
    with pytest.raises(BadRequest, match=f"canvas of {LENGTH} tokens: {needed - LENGTH} too many"):
        lay_out(pieces, codec, LENGTH)


def test_no_gap_is_refused(codec: Codec) -> None:
    with pytest.raises(BadRequest, match="nothing to fill"):
        lay_out([Fixed("all pinned")], codec, LENGTH)


def filled(codec: Codec, pieces: list[Piece], fill: str) -> str:
    layout = lay_out(pieces, codec, LENGTH)
    draft = list(layout.tokens)
    slot = layout.slots[0]
    ids = codec.encode(fill)
    assert len(ids) <= slot.stop - slot.start
    assert codec.filler is not None
    ids += [codec.filler] * (slot.stop - slot.start - len(ids))
    draft[slot.start : slot.stop] = ids
    return read_fill(layout, 0, draft, codec)


def test_one_space_at_a_seam(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed("The heart "), Gap(6), Fixed(".")]
    assert filled(codec, pieces, " is large") == "is large"
    assert filled(codec, pieces, "is large") == "is large"
    assert filled(codec, [Fixed("The heart"), Gap(6)], " is large") == " is large"
    assert filled(codec, [Fixed("HEART:\n"), Gap(6)], " Normal") == "Normal"
    assert filled(codec, [Gap(6), Fixed(".")], " Normal") == "Normal"


def test_an_empty_fill_is_legal(codec: Codec) -> None:
    assert filled(codec, [Fixed("a "), Gap(6), Fixed(".")], "") == ""


def test_a_fill_ends_with_the_turn(codec: Codec) -> None:
    layout = lay_out([Gap()], codec, LENGTH)
    draft = [*codec.encode("Heart."), codec.end_of_turn, *codec.encode("never shown")]
    draft += [codec.eos] * (LENGTH - len(draft))
    assert read_fill(layout, 0, draft, codec) == "Heart."


def test_what_a_checkpoint_thinks_aloud_is_no_report(loaded: Checkpoint) -> None:
    tokenizer = copy.deepcopy(loaded.tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|channel>", "<channel|>"]})
    codec = Codec(tokenizer, loaded.end_ids)
    opened, closed = tokenizer.convert_tokens_to_ids(["<|channel>", "<channel|>"])
    layout = lay_out([Gap()], codec, LENGTH)
    thought = [opened, *codec.encode("thought\nThe heart looks large.")]

    def shown(draft: list[int]) -> str:
        return read_fill(layout, 0, draft + [codec.eos] * (LENGTH - len(draft)), codec)

    assert shown([*thought, closed, *codec.encode("Heart."), codec.end_of_turn]) == "Heart."
    assert shown(thought) == ""
    assert thinks_on(layout, thought + [codec.eos] * (LENGTH - len(thought)), codec)
    answered = [*thought, closed, codec.end_of_turn]
    assert not thinks_on(layout, answered + [codec.eos] * (LENGTH - len(answered)), codec)


def test_runs_tell_settled_tokens_from_others(codec: Codec) -> None:
    layout = lay_out([Gap(4), Fixed(".")], codec, LENGTH)
    ids = codec.encode("heart")[:1] + codec.encode(" size is normal")[:3]
    draft = ids + list(layout.tokens[4:])
    settled = [True, True, False, True] + [True] * (LENGTH - 4)
    runs = read_runs(layout, 0, draft, settled, codec)
    assert [run.settled for run in runs] == [True, False, True]
    assert "".join(run.text for run in runs) == codec.decode(ids)


def banned(codec: Codec, pieces: list[Piece]) -> dict[int, set[int]]:
    """Canvas positions -> the tokens that may not be drawn there."""
    clamp = lay_out(pieces, codec, LENGTH).clamp(codec, torch.device("cpu"))
    return {
        int(position): set(ban.tokens.tolist()) for ban in clamp.bans for position in ban.positions
    }


def test_inner_gaps_may_not_end_the_report(codec: Codec) -> None:
    bans = banned(codec, [Fixed(""), Gap(), Fixed("."), Gap()])
    assert codec.end_of_turn in bans[0]
    assert codec.filler not in bans[0]
    assert LENGTH - 1 not in bans, "the open end may end where it likes"


def test_a_gap_of_given_length_is_of_that_length(codec: Codec) -> None:
    assert codec.filler in banned(codec, [Gap(3), Fixed(".")])[2]
    assert (
        codec.filler in banned(codec, [Fixed("Heart"), Gap(3)])[1 + len(codec.encode("Heart")) - 1]
    )


def test_two_gaps_without_a_pin_ban_all_the_same(codec: Codec) -> None:
    assert codec.end_of_turn in banned(codec, [Gap(4), Gap()])[0]
