"""Pieces on a canvas: byte-exact pins, honest room, fills that read well at their seams."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.canvas import Layout, lay_out, read_runs, read_text, up_to_gap, with_fills
from inference.codec import Codec
from inference.engines.base import BadRequest
from inference.protocol import Fixed, Gap, Piece, Run
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


def test_without_filler_whole_lines_get_room_and_may_end(plain: Codec) -> None:
    pieces: list[Piece] = [Fixed("FINDINGS:\n"), Gap(), Fixed("\n\nIMPRESSION:\n"), Gap()]
    layout = lay_out(pieces, plain, LENGTH)
    findings = layout.slots[0]
    assert findings.stop - findings.start > 48
    assert findings.may_end
    written = [*plain.encode("Clear."), plain.eos, *plain.encode("never shown")]
    assert read_text(written, findings, plain) == "Clear."


def test_without_filler_a_phrase_is_short_and_does_not_end(plain: Codec) -> None:
    layout = lay_out([Fixed("The heart "), Gap(), Fixed(".")], plain, LENGTH)
    assert layout.free_tokens == 12
    assert not layout.slots[0].may_end


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
    slot = layout.slots[0]
    ids = codec.encode(fill)
    assert len(ids) <= slot.stop - slot.start
    assert codec.filler is not None
    return read_text(ids + [codec.filler] * (slot.stop - slot.start - len(ids)), slot, codec)


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
    (slot,) = lay_out([Gap()], codec, LENGTH).slots
    draft = [*codec.encode("Heart."), codec.end_of_turn, *codec.encode("never shown")]
    assert read_text(draft, slot, codec) == "Heart."


def test_what_a_checkpoint_thinks_aloud_is_no_report(loaded: Checkpoint) -> None:
    tokenizer = copy.deepcopy(loaded.tokenizer)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|channel>", "<channel|>"]})
    codec = Codec(tokenizer, loaded.end_ids)
    opened, closed = tokenizer.convert_tokens_to_ids(["<|channel>", "<channel|>"])
    (slot,) = lay_out([Gap()], codec, LENGTH).slots
    thought = [opened, *codec.encode("thought\nThe heart looks large.")]
    answered = [*thought, closed, *codec.encode("Heart."), codec.end_of_turn]
    assert read_text(answered, slot, codec) == "Heart."
    assert read_text(thought, slot, codec) == ""
    assert codec.thinks_on(thought)
    assert not codec.thinks_on(answered)
    assert not codec.thinks_on([*thought, closed, codec.end_of_turn])
    assert codec.thinks_on([*thought, codec.end_of_turn])
    assert not codec.thinks_on(codec.encode("Heart."))
    settled = [True] * (len(answered) - 3) + [False] * 3
    (run,) = read_runs(answered, settled, slot, codec)
    assert run == Run("Heart.", settled=False), "the marks are the answer's own"


def test_runs_tell_settled_tokens_from_others(codec: Codec) -> None:
    layout = lay_out([Gap(4), Fixed(".")], codec, LENGTH)
    ids = codec.encode("heart")[:1] + codec.encode(" size is normal")[:3]
    runs = read_runs(ids, [True, True, False, True], layout.slots[0], codec)
    assert [run.settled for run in runs] == [True, False, True]
    assert "".join(run.text for run in runs) == codec.decode(ids)


LONG = "The heart is normal in size. The lungs are clear. No pleural effusion. "


def spread(layout: Layout) -> list[tuple[int, ...]]:
    """What stands around the gaps: in the prompt, and between them on the canvas."""
    stops = [0, *(slot.stop for slot in layout.slots)]
    starts = [*(slot.start for slot in layout.slots), len(layout.tokens)]
    between = [layout.tokens[stop:start] for stop, start in zip(stops, starts, strict=True)]
    return [layout.left, *between]


def test_a_report_that_fits_stands_on_the_canvas_alone(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed(LONG), Gap(), Fixed(f" {LONG}")]
    layout = lay_out(pieces, codec, LENGTH, prompt_room=500)
    assert layout == lay_out(pieces, codec, LENGTH)
    assert (layout.left, layout.unseen) == ((), 0)


def test_what_stands_left_of_a_window_goes_into_the_prompt(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed(LONG * 20), Gap(), Fixed(f" {LONG}")]
    layout = lay_out(pieces, codec, LENGTH, prompt_room=4000)
    left, near, after = spread(layout)
    assert codec.decode([*left, *near]) == (LONG * 20).removesuffix(" ")
    assert near, "the model sees on the canvas what it goes on from"
    assert codec.decode(after) == f" {LONG}", "the end of the report is not lost"
    assert layout.unseen == 0
    assert layout.slots[0].stop - layout.slots[0].start == 20


def test_a_window_has_as_much_right_context_as_it_can_hold(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed(LONG), Gap(9), Fixed(f" {LONG * 20}")]
    layout = lay_out(pieces, codec, LENGTH, prompt_room=4000)
    left, near, after = spread(layout)
    assert len(layout.tokens) == LENGTH
    assert FREE not in after
    assert codec.end_of_turn not in layout.tokens, "the report does not end here"
    assert codec.decode([*left, *near]) == LONG.removesuffix(" ")
    assert codec.decode(after) == f" {LONG * 20}"[: len(codec.decode(after))]
    assert layout.unseen == len(f" {LONG * 20}") - len(codec.decode(after))


def test_what_the_prompt_cannot_hold_is_counted(codec: Codec) -> None:
    pieces: list[Piece] = [Fixed(LONG * 20), Gap(9), Fixed(".")]
    layout = lay_out(pieces, codec, LENGTH, prompt_room=30)
    seen = codec.decode([*layout.left, *spread(layout)[1]])
    assert len(layout.left) == 30
    assert layout.unseen == len((LONG * 20).removesuffix(" ")) - len(seen)
    assert (LONG * 20).removesuffix(" ").endswith(seen)


def test_gaps_far_apart_are_filled_one_window_after_another(codec: Codec) -> None:
    pieces: list[Piece] = [Gap(9), Fixed(f" {LONG * 9}"), Gap(9), Fixed(" Heart. "), Gap()]
    first = lay_out(pieces, codec, LENGTH, prompt_room=4000)
    assert len(first.slots) == 1
    second = lay_out(with_fills(pieces, ["Clear."]), codec, LENGTH, prompt_room=4000)
    assert len(second.slots) == 2
    assert second.slots[1].stop == LENGTH
    assert second.slots[1].open_end
    assert up_to_gap(pieces, 1) == pieces[:2]
    assert with_fills(pieces, ["Clear."])[0] == Fixed(f"Clear. {LONG * 9}")


def test_a_gap_longer_than_the_canvas_is_refused(codec: Codec) -> None:
    with pytest.raises(BadRequest, match="canvas of 128 tokens: 72 too many"):
        lay_out([Fixed(LONG), Gap(200), Fixed(".")], codec, LENGTH, prompt_room=4000)


@given(
    st.lists(
        st.one_of(
            st.builds(Gap, st.one_of(st.none(), st.integers(1, 60))),
            st.integers(0, 200).map(lambda words: Fixed(" heart" * words)),
            st.builds(Fixed, text),
        ),
        min_size=1,
        max_size=9,
    ),
    st.integers(0, 600),
)
def test_windows_hold_every_pin_in_its_place(
    codec: Codec, pieces: list[Piece], prompt_room: int
) -> None:
    """Window after window, what was pinned between the gaps stands there or is counted."""
    gaps = sum(isinstance(piece, Gap) for piece in pieces)
    if not gaps:
        return
    try:
        layout = lay_out(pieces, codec, LENGTH, prompt_room=prompt_room)
    except BadRequest:
        assert not prompt_room
        return
    assert len(layout.tokens) == LENGTH
    assert 1 <= len(layout.slots) <= gaps
    assert len(layout.left) <= prompt_room
    for slot in layout.slots:
        assert 0 <= slot.start < slot.stop <= LENGTH
        assert set(layout.tokens[slot.start : slot.stop]) == {FREE}
    whole = "".join(piece.text for piece in pieces if isinstance(piece, Fixed))
    known = [token for part in spread(layout) for token in part if token != FREE]
    spaces = sum(piece.text.endswith(" ") for piece in pieces if isinstance(piece, Fixed))
    read = codec.characters(known)
    assert len(whole) - spaces <= read + layout.unseen <= len(whole)
