"""What a further attempt begins with: a finished canvas whose words to blame are noise again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, takewhile

from inference.agreement import Blame
from inference.canvas import GapSlot, Layout, read_text
from inference.clamping import Ban
from inference.codec import Codec
from inference.sampler import FREE
from radiology.language.sentences import find_sentences
from radiology.language.spans import Span


def start_again(
    layout: Layout, draft: Sequence[int], blamed: Sequence[Blame], codec: Codec
) -> list[int]:
    """The ``draft`` (L,) with :data:`~inference.sampler.FREE` where it is to be written anew.

    In each gap that is from the sentence of the first word to blame to its end: other words may
    take more or less room.
    """
    row = list(draft)
    for blame in blamed:
        slot = layout.slots[blame.gap]
        text = read_text(draft[slot.start : slot.stop], slot, codec)
        begun = [each for each in find_sentences(text) if each.start <= blame.words.start]
        start = begun[-1].start if begun else 0
        places = _places(slot, draft, Span(start, len(text)), codec)
        first = places[0] if places else slot.start
        row[first : slot.stop] = [FREE] * (slot.stop - first)
    return row


def bans_of(
    layout: Layout, draft: Sequence[int], blamed: Sequence[Blame], codec: Codec
) -> frozenset[Ban]:
    """The tokens of a ``draft`` (L,) that may not stand where they did, however they are written.

    A gap in which nothing stood may not begin with filler or with its end.
    """
    bans: set[Ban] = set()
    for blame in blamed:
        slot = layout.slots[blame.gap]
        for place in _places(slot, draft, blame.banned, codec):
            bans.update((place, token) for token in look_alikes(draft[place], codec))
        if not any(blame.words):
            bans.update((slot.start, token) for token in codec.ends)
            if codec.filler is not None:
                bans.add((slot.start, codec.filler))
    return frozenset(bans)


def look_alikes(token: int, codec: Codec) -> frozenset[int]:
    """The tokens that write the same word, in capitals or not, with a space before it or not."""
    word = codec.decode([token]).strip()
    if not word.isascii() or not word.isalnum():
        return frozenset({token})
    spelt = [
        space + case for case in (word, word.lower(), word.capitalize()) for space in ("", " ")
    ]
    encoded = [codec.encode(text) for text in spelt]
    return frozenset({token, *(ids[0] for ids in encoded if len(ids) == 1)})


def character_spans(tokens: Sequence[int], codec: Codec) -> list[Span]:
    """The characters that each of ``tokens`` brings into their text."""
    lengths = [len(codec.decode(tokens[:count])) for count in range(len(tokens) + 1)]
    return [Span(*each) for each in pairwise(lengths)]


def _places(slot: GapSlot, draft: Sequence[int], words: Span, codec: Codec) -> list[int]:
    """The positions on the canvas whose tokens write ``words`` of a gap's fill."""
    written = draft[slot.start : slot.stop]
    kept = codec.answer(written)
    ended = list(takewhile(lambda token: token not in codec.ends, written))
    first = slot.start + len(ended) - len(kept)  # behind what was thought aloud
    spans = character_spans(kept, codec)
    dropped = int(slot.drops_space and codec.decode(kept).startswith(" "))
    return [
        first + number
        for number, span in enumerate(spans)
        if span.start - dropped < words.end and words.start < span.end - dropped
    ]
