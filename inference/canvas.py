"""Pieces (fixed text | gap) -> tokens on a canvas, and the texts of its gaps back.

Each fixed piece is tokenised on its own; the canvas need not be the tokenisation that the model
would have chosen, it must only decode to the same bytes, which :class:`~inference.codec.Codec`
makes sure of.

**Seams.** Gemma's tokens carry the space *before* a word. A fixed piece that ends with a space in
front of a gap would leave a lone space token on the canvas, and the gap would have to begin in the
middle of a word. So the last space before a gap is held back from the canvas, and one leading
space of the fill is dropped in return. The pinned space itself stays where the reader put it.

**The end.** A report ends with the end-of-turn token, then EOS up to the end of the canvas. Behind
a last fixed piece this tail is pinned; a last gap of open length runs over it, and the model
decides where the report ends.

**Long reports.** Where the pieces are longer than the canvas, it holds a window of them: the first
gaps, as much as fits of the text to their right and some of that to their left. What is left of
the window goes into the prompt, which the model has read before it denoises.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, takewhile
from operator import itemgetter
from typing import Final

from inference.codec import Codec
from inference.engines.base import BadRequest, check_has_gap
from inference.protocol import Fixed, Gap, Piece, Run
from inference.sampler import FREE

_SPACE: Final = " "

_OPEN_LINE: Final = 48
_OPEN_PHRASE: Final = 20
"""Tokens wished for an open gap without a hint: one that has whole lines, one within a line.
Gaps of whole lines share what the canvas has to spare beyond that."""

_PLAIN_PHRASE: Final = 12
"""The same within a line, where the checkpoint knows no filler to spend on what is too much."""

STRETCH: Final = 7 / 3
"""The longest that an open gap may become without a filler, as a multiple of what is wished."""

_LEAST: Final = 16
"""An open gap that would have fewer tokens than these sends text into the prompt to make room."""

_NEAR_LEFT: Final = 8
"""One part in so many of a window is kept for the text left of its gaps."""

_LINE_ENDS: Final = ("\n", "\r")


@dataclass(frozen=True)
class GapSlot:
    """Where a gap lies on the canvas: positions ``start`` to ``stop``, exclusive.

    ``drops_space`` says that a leading space of the fill is left out: one stands before the gap
    already, or a line begins there. ``open_end`` says that the gap runs to the end of the canvas,
    so that an end-of-turn token ends the fill. ``exact`` says that its length was given.
    ``may_end`` says that an end token may end the fill although text follows: the only way to
    leave a gap of whole lines half empty where the checkpoint knows no filler.
    """

    start: int
    stop: int
    drops_space: bool
    open_end: bool
    exact: bool
    may_end: bool = False

    @property
    def elastic(self) -> bool:
        """Whether its length is to be found, and nothing but text or filler may stand in it."""
        return not (self.exact or self.open_end or self.may_end)


@dataclass(frozen=True)
class Layout:
    """One canvas: ``tokens`` (L,) with :data:`~inference.sampler.FREE` where the model writes.

    ``slots`` are the gaps on it, the first ones of the pieces. ``left`` are the tokens that stand
    before the canvas, in the prompt. ``unseen`` counts the characters of fixed text that are
    neither there nor here, ``begin`` the tokens of the pieces that come before the canvas.
    """

    tokens: tuple[int, ...]
    slots: tuple[GapSlot, ...]
    left: tuple[int, ...] = ()
    unseen: int = 0
    begin: int = 0

    @property
    def free_tokens(self) -> int:
        return sum(slot.stop - slot.start for slot in self.slots)

    @property
    def elastic_tokens(self) -> int:
        return sum(self.elastic)

    @property
    def elastic(self) -> list[bool]:
        """Which tokens (L,) lie in gaps whose length is to be found."""
        return self.within([slot for slot in self.slots if slot.elastic])

    def within(self, slots: Sequence[GapSlot]) -> list[bool]:
        """Which tokens (L,) lie in some of the gaps."""
        marks = [False] * len(self.tokens)
        for slot in slots:
            marks[slot.start : slot.stop] = [True] * (slot.stop - slot.start)
        return marks


def lay_out(
    pieces: Sequence[Piece],
    codec: Codec,
    canvas_length: int,
    *,
    prompt_room: int = 0,
    stretch: float = 1.0,
    begin: int | None = None,
) -> Layout:
    """Lay the pieces on one canvas, or as many of their gaps as a window of them can hold.

    ``prompt_room`` is how many tokens the prompt can take of what is left of the window.
    ``stretch`` makes gaps of open length, but for a last one, longer or shorter than usual;
    ``begin`` lets a window begin where another one does, so that both read the same prompt.

    Raises :class:`BadRequest` if there is no gap, or if there is no room for the first one.
    """
    check_has_gap(pieces)
    pieces = merged(pieces)
    encoded, drops = encode_fixed(pieces, codec)
    wishes = _Wishes(pieces, encoded, codec, stretch)
    whole = not begin and (not prompt_room or wishes.fit(canvas_length))
    lengths = wishes.share(canvas_length) if whole else wishes.capped(canvas_length // 2)

    row: list[int] = []
    slots: list[GapSlot] = []
    for index, piece in enumerate(pieces):
        if isinstance(piece, Fixed):
            row += encoded[index]
            continue
        exact = piece.tokens is not None
        open_end = index == len(pieces) - 1 and not exact
        may_end = codec.filler is None and not exact and is_whole_lines(pieces, index)
        stop = len(row) + lengths[index]
        slots.append(GapSlot(len(row), stop, drops[index], open_end, exact, may_end))
        row += [FREE] * lengths[index]
    if not slots[-1].open_end:
        row.append(codec.end_of_turn)
    if whole:
        return _finished(row, slots, codec, canvas_length)
    return _window(row, slots, codec, canvas_length, prompt_room, begin)


def _finished(row: list[int], slots: Sequence[GapSlot], codec: Codec, canvas_length: int) -> Layout:
    """The canvas of a row that ends on it: its tail is pinned, or the last gap's."""
    spare = canvas_length - len(row)
    if slots[-1].open_end:
        ending = replace(slots[-1], stop=canvas_length)
        return Layout((*row, *[FREE] * spare), (*slots[:-1], ending))
    return Layout((*row, *[codec.eos] * spare), tuple(slots))


def _window(
    row: list[int],
    slots: list[GapSlot],
    codec: Codec,
    canvas_length: int,
    prompt_room: int,
    begin: int | None,
) -> Layout:
    """The window of ``row`` around the first of its gaps, as many as fit with some context."""
    first = slots[0]
    if (excess := first.stop - first.start - canvas_length) > 0:
        raise BadRequest(
            f"The gap of {first.stop - first.start} tokens does not fit this checkpoint's canvas "
            f"of {canvas_length} tokens: {excess} too many. Ask for a shorter gap."
        )
    taken = [first]
    for slot in slots[1:]:
        if slot.stop - first.start > canvas_length * 3 // 4:
            break
        taken.append(slot)
    beyond = slots[len(taken)].start if len(taken) < len(slots) else len(row)

    # As much as possible of the text to the right, for only the canvas can hold that.
    core = taken[-1].stop - first.start
    room = canvas_length - core
    near = min(first.start, canvas_length // _NEAR_LEFT, room)
    right = min(beyond - taken[-1].stop, room - near)
    start = first.start - min(first.start, room - right)
    if begin is not None and start < begin <= first.start:
        start = begin
        right = min(beyond - taken[-1].stop, start + canvas_length - taken[-1].stop)
    stop = taken[-1].stop + right
    left = row[max(0, start - prompt_room) : start]
    unread = row[: start - len(left)] + row[stop:]
    moved = [replace(slot, start=slot.start - start, stop=slot.stop - start) for slot in taken]
    if stop == len(row):
        canvas = _finished(row[start:], moved, codec, canvas_length)
    else:
        # The next gap is not this window's, but something has to stand there.
        rest = canvas_length - (stop - start)
        canvas = Layout((*row[start:stop], *[FREE] * rest), tuple(moved))
    unseen = codec.characters([token for token in unread if token != FREE])
    return replace(canvas, left=tuple(left), unseen=unseen, begin=start)


def read_text(written: Sequence[int], slot: GapSlot, codec: Codec) -> str:
    """The text of what was written into a gap.

    It ends with the first end token; filler and what a checkpoint thinks aloud have no text.
    """
    return _without_space(codec.decode(codec.answer(written)), slot)


def read_runs(
    written: Sequence[int], settled: Sequence[bool], slot: GapSlot, codec: Codec
) -> tuple[Run, ...]:
    """The same as runs of settled and unsettled tokens, while it is being written.

    Tokens that do not yet make up a character show as U+FFFD.
    """
    kept = codec.answer(written)
    # What is left of an answer when a thought and the ending are cut off stands in one piece.
    first = len(list(takewhile(lambda token: token not in codec.ends, written))) - len(kept)
    pairs = zip(kept, settled[first:], strict=False)
    runs = [
        Run(codec.decode([token for token, _ in group]), flag)
        for flag, group in groupby(pairs, key=itemgetter(1))
    ]
    runs = [run for run in runs if run.text]
    if runs:
        runs[0] = Run(_without_space(runs[0].text, slot), runs[0].settled)
    return tuple(run for run in runs if run.text)


def settled_runs(text: str) -> tuple[Run, ...]:
    """Text that no later step changes."""
    return (Run(text, settled=True),) if text else ()


def _without_space(text: str, slot: GapSlot) -> str:
    return text.removeprefix(_SPACE) if slot.drops_space else text


def merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without empty fixed ones, and fixed ones that touch as one."""
    result: list[Piece] = []
    for piece in pieces:
        last = result[-1] if result else None
        if isinstance(piece, Fixed) and isinstance(last, Fixed):
            result[-1] = Fixed(last.text + piece.text)
        elif isinstance(piece, Gap) or piece.text:
            result.append(piece)
    return result


def with_fills(pieces: Sequence[Piece], fills: Sequence[str]) -> list[Piece]:
    """The pieces with the first gaps filled for good."""
    rest = iter(fills)
    return merged(
        [
            piece if isinstance(piece, Fixed) or (fill := next(rest, None)) is None else Fixed(fill)
            for piece in pieces
        ]
    )


def up_to_gap(pieces: Sequence[Piece], count: int) -> list[Piece]:
    """The pieces before the gap that follows the first ``count``."""
    gaps = [index for index, piece in enumerate(pieces) if isinstance(piece, Gap)]
    return list(pieces[: gaps[count]]) if count < len(gaps) else list(pieces)


def encode_fixed(
    pieces: Sequence[Piece], codec: Codec
) -> tuple[dict[int, list[int]], dict[int, bool]]:
    """Tokens of each fixed piece, and for each gap whether a fill's leading space is dropped."""
    encoded: dict[int, list[int]] = {}
    drops: dict[int, bool] = {}
    for index, piece in enumerate(pieces):
        if isinstance(piece, Gap):
            before = pieces[index - 1] if index else None
            drops[index] = index == 0 or (
                isinstance(before, Fixed) and before.text.endswith((_SPACE, *_LINE_ENDS))
            )
        else:
            before_gap = index + 1 < len(pieces) and isinstance(pieces[index + 1], Gap)
            encoded[index] = codec.encode(
                piece.text.removesuffix(_SPACE) if before_gap else piece.text
            )
    return encoded, drops


class _Wishes:
    """How many tokens each gap is given: those asked for, and what is left for the open ones."""

    def __init__(
        self, pieces: Sequence[Piece], encoded: dict[int, list[int]], codec: Codec, stretch: float
    ) -> None:
        self._pieces = pieces
        self._given: dict[int, int] = {}
        self._wished: dict[int, int] = {}
        for index, piece in enumerate(pieces):
            if isinstance(piece, Gap):
                if piece.tokens is None:
                    wish = wished_tokens(pieces, index, codec)
                    if index < len(pieces) - 1:
                        wish = max(1, round(stretch * wish))
                    self._wished[index] = wish
                else:
                    self._given[index] = piece.tokens
        self._fixed = sum(len(ids) for ids in encoded.values())
        self._ends_itself = (len(pieces) - 1) in self._wished

    def _room(self, canvas_length: int) -> int:
        """Tokens left for the open gaps."""
        taken = self._fixed + sum(self._given.values())
        return canvas_length - taken - (0 if self._ends_itself else 1)

    def fit(self, canvas_length: int) -> bool:
        """Whether one canvas holds all of the text, and each open gap a length worth having."""
        least = sum(min(wish, _LEAST) for wish in self._wished.values())
        return least <= self._room(canvas_length)

    def share(self, canvas_length: int) -> dict[int, int]:
        """Lengths that fit one canvas. Raises :class:`BadRequest` if there are none."""
        room = self._room(canvas_length)
        if room < len(self._wished):
            self._refuse(canvas_length, len(self._wished) - room)
        if (total := sum(self._wished.values())) <= room:
            return self._given | self._wished | self._spare(room - total)
        shares = {index: max(1, wish * room // total) for index, wish in self._wished.items()}
        while sum(shares.values()) > room:
            shares[max(shares, key=lambda index: shares[index])] -= 1
        return self._given | shares

    def capped(self, most: int) -> dict[int, int]:
        """Lengths for a window: as wished, but ``most`` tokens for a gap of open length."""
        return self._given | {index: min(most, wish) for index, wish in self._wished.items()}

    def _spare(self, spare: int) -> dict[int, int]:
        """The lengths of the gaps of whole lines that no text stood in, with the spare room."""
        lines = [
            index
            for index in self._wished
            if is_whole_lines(self._pieces, index) and self._pieces[index] == Gap()
        ]
        return {index: self._wished[index] + spare // len(lines) for index in lines}

    def _refuse(self, canvas_length: int, excess: int) -> None:
        gaps = []
        if self._given:
            gaps.append(f"gaps of {sum(self._given.values())} tokens")
        if count := len(self._wished):
            gaps.append(f"{count} open gap{'s' if count > 1 else ''}")
        raise BadRequest(
            f"The pinned text ({self._fixed} tokens) and {' and '.join(gaps)} do not fit this "
            f"checkpoint's canvas of {canvas_length} tokens: {excess} too many. Shorten the text "
            "around the gaps, or ask for shorter gaps."
        )


def is_whole_lines(pieces: Sequence[Piece], index: int) -> bool:
    before = pieces[index - 1] if index else None
    after = pieces[index + 1] if index + 1 < len(pieces) else None
    starts_line = not isinstance(before, Fixed) or before.text.endswith(_LINE_ENDS)
    ends_line = not isinstance(after, Fixed) or after.text.startswith(_LINE_ENDS)
    return starts_line and ends_line


def wished_tokens(pieces: Sequence[Piece], index: int, codec: Codec) -> int:
    """How many tokens an open gap would like to have."""
    gap = pieces[index]
    assert isinstance(gap, Gap)
    hint = len(codec.encode(gap.hint)) if gap.hint.strip() else 0
    if hint:
        return hint if codec.filler is None else hint + max(6, hint // 2)
    if is_whole_lines(pieces, index):
        return _OPEN_LINE
    return _PLAIN_PHRASE if codec.filler is None else _OPEN_PHRASE
