"""A further attempt begins with the draft, but for what is to blame, which may not come back."""

from __future__ import annotations

import pytest

from inference.agreement import Blame, judge
from inference.canvas import Layout, lay_out
from inference.codec import Codec
from inference.engines.retrying import bans_of, character_spans, look_alikes, start_again
from inference.protocol import Fixed, Gap
from inference.sampler import FREE
from radiology.language.spans import Span

PIECES = (Fixed("FINDINGS:\nLarge right effusion.\n\nIMPRESSION:\n"), Gap(24), Fixed(" End."))


def draft_of(layout: Layout, fill: str, codec: Codec) -> list[int]:
    (slot,) = layout.slots
    draft = list(layout.tokens)
    tokens = codec.encode(fill)
    assert codec.filler is not None
    rest = [codec.filler] * (slot.stop - slot.start - len(tokens))
    draft[slot.start : slot.stop] = tokens + rest
    return draft


@pytest.mark.parametrize("space", ["", " "])
def test_what_is_to_blame_is_noise_from_its_sentence_on(codec: Codec, space: str) -> None:
    layout = lay_out(PIECES, codec, 96)
    (slot,) = layout.slots
    fill = "Normal heart. Large left effusion."
    draft = draft_of(layout, space + fill, codec)
    blamed = judge(PIECES, [fill]).blamed
    start = start_again(layout, draft, blamed, codec)
    kept = codec.decode([token for token in start[slot.start : slot.stop] if token != FREE])
    assert kept.strip() == "Normal heart."
    assert start[slot.stop :] == draft[slot.stop :]
    assert start[slot.stop - 1] == FREE, "other words may be longer"
    places = {place for place, _ in bans_of(layout, draft, blamed, codec)}
    assert {codec.decode([draft[place]]).strip() for place in places} <= {"left", "Large"}
    assert all(start[place] == FREE for place in places)


def test_a_gap_that_has_to_be_filled_may_not_begin_with_its_end(codec: Codec) -> None:
    layout = lay_out(PIECES, codec, 96)
    (slot,) = layout.slots
    draft = draft_of(layout, "", codec)
    empty = [Blame(0, Span(0, 0), Span(0, 0))]
    banned = bans_of(layout, draft, empty, codec)
    assert {place for place, _ in banned} == {slot.start}
    assert {token for _, token in banned} == {*codec.ends, codec.filler}
    assert start_again(layout, draft, empty, codec)[slot.start : slot.stop] == [FREE] * 24


def test_a_word_is_banned_however_it_is_written(codec: Codec) -> None:
    (token,) = codec.encode(" left")
    told = {codec.decode([each]).strip().lower() for each in look_alikes(token, codec)}
    assert told == {"left"}
    assert len(look_alikes(token, codec)) > 1
    (stop,) = codec.encode(".")
    assert look_alikes(stop, codec) == {stop}


@pytest.mark.parametrize("text", ["Large left effusion.", " 12 mm", "é ☃ x", ""])
def test_tokens_lie_one_behind_the_other_in_their_text(codec: Codec, text: str) -> None:
    tokens = codec.encode(text)
    spans = character_spans(tokens, codec)
    assert len(spans) == len(tokens)
    assert [span.start for span in spans[1:]] == [span.end for span in spans[:-1]]
    assert not spans or (spans[0].start, spans[-1].end) == (0, len(codec.decode(tokens)))
