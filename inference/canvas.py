"""Pieces (fixed text | gap) <-> tokens on a canvas.

Each fixed piece is tokenised on its own; the canvas need not be the tokenisation that the model
would have chosen, it must only decode to the same bytes, which :class:`Codec` makes sure of.

**Seams.** Gemma's tokens carry the space *before* a word. A fixed piece that ends with a space in
front of a gap would leave a lone space token on the canvas, and the gap would have to begin in the
middle of a word. So the last space before a gap is held back from the canvas, and one leading
space of the fill is dropped in return. The pinned space itself stays where the reader put it.

**The end.** A report ends with the end-of-turn token, then EOS up to the end of the canvas. Behind
a last fixed piece this tail is pinned; a last gap of open length runs over it, and the model
decides where the report ends.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile, groupby, takewhile
from typing import TYPE_CHECKING, Final

import torch

from inference.engines.base import BadRequest
from inference.protocol import Fixed, Gap, Piece, Run
from inference.sampler import FREE, Ban, Clamp

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_SPACE: Final = " "
_CHANNEL: Final = ("<|channel>", "<channel|>")
"""Between these a larger checkpoint may think aloud before it answers."""

_UNUSED: Final = re.compile(r"<unused\d+>")
"""Tokens that Gemma's vocabularies reserve and no text has."""

_META_SPACE: Final = "\u2581"
"""What the tokenizer writes for a space; typed by a reader, only bytes can tell it from one."""

_OPEN_LINE: Final = 48
_OPEN_PHRASE: Final = 20
"""Tokens wished for an open gap without a hint: one that has whole lines, one within a line.
Gaps of whole lines share what the canvas has to spare beyond that."""

_PLAIN_PHRASE: Final = 12
"""The same within a line, where the checkpoint knows no filler to spend on what is too much."""

_LINE_ENDS: Final = ("\n", "\r")


class Codec:
    """The checkpoint's tokenizer, as far as a canvas needs it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, end_ids: Sequence[int]) -> None:
        self._tokenizer = tokenizer
        self.end_of_turn = int(tokenizer.convert_tokens_to_ids("<turn|>"))
        self.eos = int(tokenizer.eos_token_id)
        self.ends = frozenset({*end_ids, self.end_of_turn, self.eos})
        filler = getattr(tokenizer, "filler_token", None)
        self.filler: int | None = (
            None if filler is None else int(tokenizer.convert_tokens_to_ids(filler))
        )
        self.special = frozenset(
            {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
            | {index for token, index in tokenizer.get_vocab().items() if _UNUSED.fullmatch(token)}
            | set(tokenizer.all_special_ids)
        )
        vocabulary = tokenizer.get_vocab()
        self._thought = tuple(vocabulary.get(name) for name in _CHANNEL)
        names = [f"<0x{byte:02X}>" for byte in _META_SPACE.encode()]
        self._meta_space = [vocabulary[name] for name in names if name in vocabulary]

    def encode(self, text: str) -> list[int]:
        """Tokens of plain text: what looks like a control token is taken as the characters it is.

        Raises :class:`BadRequest` if the tokens would not decode to the same characters.
        """
        ids: list[int] = []
        for index, part in enumerate(text.split(_META_SPACE)):
            if index:
                ids += self._meta_space
            if part:
                ids += self._tokenizer.encode(
                    part, add_special_tokens=False, split_special_tokens=True
                )
        if self._raw(ids) != text:
            raise BadRequest(
                "This checkpoint's tokenizer cannot hold the pinned text "
                f"{text[:40]!r} exactly. Unpin it or write it in other characters."
            )
        return ids

    def begins_thought(self, token: int) -> bool:
        return self._thought[0] is not None and token == self._thought[0]

    def without_thought(self, draft: Sequence[int], positions: Sequence[int]) -> Sequence[int]:
        """The positions behind a thought that the draft begins with; none while it is open."""
        if not positions or not self.begins_thought(draft[positions[0]]):
            return positions
        closed = self._thought[1]
        return list(dropwhile(lambda position: draft[position] != closed, positions))[1:]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of generated tokens, control tokens left out."""
        return self._raw([index for index in ids if index not in self.special])

    def _raw(self, ids: Sequence[int]) -> str:
        if not ids:
            return ""
        return str(
            self._tokenizer.decode(
                ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
        )


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


@dataclass(frozen=True)
class Layout:
    """One canvas: ``tokens`` (L,) with :data:`~inference.sampler.FREE` where the model writes."""

    tokens: tuple[int, ...]
    slots: tuple[GapSlot, ...]

    @property
    def free_tokens(self) -> int:
        return sum(slot.stop - slot.start for slot in self.slots)

    def clamp(self, codec: Codec, device: torch.device, filler_bias: float = 0.0) -> Clamp:
        """The clamp of this canvas; a gap of given length may not be shortened by filler.

        Filler settles first, from the end of a gap towards its beginning, and each step cools the
        choice between one more and a word: ``filler_bias`` (nats) makes up for what that takes from
        a fill's length.
        """
        bans = []
        for slot in self.slots:
            if not slot.open_end:
                allowed = set() if slot.exact else {codec.filler}
                tokens = codec.special - allowed - (codec.ends if slot.may_end else set())
                positions = torch.arange(slot.start, slot.stop, device=device)
                bans.append(Ban(positions, torch.tensor(sorted(tokens), device=device)))
                if filler_bias and codec.filler is not None and not slot.exact:
                    filler = torch.tensor([codec.filler], device=device)
                    bans.append(Ban(positions, filler, filler_bias))
        return Clamp(torch.tensor(self.tokens, device=device), tuple(bans))


def lay_out(pieces: Sequence[Piece], codec: Codec, canvas_length: int) -> Layout:
    """Lay the pieces on one canvas.

    Raises :class:`BadRequest` if there is no gap, or if the pinned text leaves no room for one.
    """
    if not any(isinstance(piece, Gap) for piece in pieces):
        raise BadRequest(
            "There is nothing to fill: every word is pinned. Unpin some, or insert a gap."
        )
    pieces = _merged(pieces)
    encoded, drops = _encode_fixed(pieces, codec)
    lengths = _gap_lengths(pieces, encoded, codec, canvas_length)

    tokens: list[int] = []
    slots: list[GapSlot] = []
    for index, piece in enumerate(pieces):
        if isinstance(piece, Fixed):
            tokens += encoded[index]
            continue
        open_end = index == len(pieces) - 1 and piece.tokens is None
        stop = canvas_length if open_end else len(tokens) + lengths[index]
        exact = piece.tokens is not None
        may_end = codec.filler is None and not exact and _is_whole_lines(pieces, index)
        slots.append(GapSlot(len(tokens), stop, drops[index], open_end, exact, may_end))
        tokens += [FREE] * (stop - len(tokens))
    if len(tokens) < canvas_length:
        tokens.append(codec.end_of_turn)
        tokens += [codec.eos] * (canvas_length - len(tokens))
    return Layout(tuple(tokens), tuple(slots))


def read_fill(layout: Layout, index: int, draft: Sequence[int], codec: Codec) -> str:
    """The text of one gap of a finished canvas."""
    return "".join(run.text for run in read_runs(layout, index, draft, None, codec))


def thinks_on(layout: Layout, draft: Sequence[int], codec: Codec) -> bool:
    """Whether a thought fills the whole of a gap, so that there is no text to be read."""
    open_slots = [slot for slot in layout.slots if slot.open_end]
    return any(
        codec.begins_thought(draft[slot.start])
        and not codec.without_thought(draft, range(slot.start, slot.stop))
        for slot in open_slots
    )


def read_runs(
    layout: Layout,
    index: int,
    draft: Sequence[int],
    settled: Sequence[bool] | None,
    codec: Codec,
) -> tuple[Run, ...]:
    """The text of one gap as runs of settled and unsettled tokens (all settled if ``None``).

    ``draft`` and ``settled`` are of length L. A fill ends with the first end token; filler and what
    a checkpoint thinks aloud have no text. While it is being denoised, tokens that do not yet make
    up a character show as U+FFFD.
    """
    slot = layout.slots[index]
    positions = range(slot.start, slot.stop)
    kept = list(takewhile(lambda position: draft[position] not in codec.ends, positions))
    if slot.open_end:
        kept = list(codec.without_thought(draft, kept))

    def is_settled(position: int) -> bool:
        return settled is None or bool(settled[position])

    runs = [
        Run(codec.decode([draft[position] for position in group]), flag)
        for flag, group in groupby(kept, key=is_settled)
    ]
    runs = [run for run in runs if run.text]
    if slot.drops_space and runs and runs[0].text.startswith(_SPACE):
        runs[0] = Run(runs[0].text[1:], runs[0].settled)
    return tuple(run for run in runs if run.text)


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without empty fixed ones, and fixed ones that touch as one."""
    merged: list[Piece] = []
    for piece in pieces:
        last = merged[-1] if merged else None
        if isinstance(piece, Fixed) and isinstance(last, Fixed):
            merged[-1] = Fixed(last.text + piece.text)
        elif isinstance(piece, Gap) or piece.text:
            merged.append(piece)
    return merged


def _encode_fixed(
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


def _gap_lengths(
    pieces: Sequence[Piece], encoded: dict[int, list[int]], codec: Codec, canvas_length: int
) -> dict[int, int]:
    """Tokens given to each gap: those asked for, and what is left shared among the open ones."""
    given: dict[int, int] = {}
    wished: dict[int, int] = {}
    for index, piece in enumerate(pieces):
        if isinstance(piece, Gap):
            if piece.tokens is None:
                wished[index] = _wish(pieces, index, codec)
            else:
                given[index] = piece.tokens
    fixed = sum(len(ids) for ids in encoded.values())
    taken = fixed + sum(given.values())
    ends_itself = (len(pieces) - 1) in wished
    room = canvas_length - taken - (0 if ends_itself else 1)
    if room < len(wished):
        _refuse(fixed, sum(given.values()), len(wished), len(wished) - room, canvas_length)
    if (total := sum(wished.values())) <= room:
        return given | wished | _spare(pieces, wished, room - total)
    shares = {index: max(1, wish * room // total) for index, wish in wished.items()}
    while sum(shares.values()) > room:
        shares[max(shares, key=lambda index: shares[index])] -= 1
    return given | shares


def _spare(pieces: Sequence[Piece], wished: dict[int, int], spare: int) -> dict[int, int]:
    """The lengths of the gaps of whole lines that no text stood in, with the spare room."""
    lines = [
        index
        for index, piece in enumerate(pieces)
        if index in wished and _is_whole_lines(pieces, index) and piece == Gap()
    ]
    return {index: wished[index] + spare // len(lines) for index in lines}


def _is_whole_lines(pieces: Sequence[Piece], index: int) -> bool:
    before = pieces[index - 1] if index else None
    after = pieces[index + 1] if index + 1 < len(pieces) else None
    starts_line = not isinstance(before, Fixed) or before.text.endswith(_LINE_ENDS)
    ends_line = not isinstance(after, Fixed) or after.text.startswith(_LINE_ENDS)
    return starts_line and ends_line


def _wish(pieces: Sequence[Piece], index: int, codec: Codec) -> int:
    """How many tokens an open gap would like to have."""
    gap = pieces[index]
    assert isinstance(gap, Gap)
    hint = len(codec.encode(gap.hint)) if gap.hint.strip() else 0
    if hint:
        return hint if codec.filler is None else hint + max(6, hint // 2)
    if _is_whole_lines(pieces, index):
        return _OPEN_LINE
    return _PLAIN_PHRASE if codec.filler is None else _OPEN_PHRASE


def _refuse(fixed: int, asked: int, open_gaps: int, excess: int, canvas_length: int) -> None:
    gaps = []
    if asked:
        gaps.append(f"gaps of {asked} tokens")
    if open_gaps:
        gaps.append(f"{open_gaps} open gap{'s' if open_gaps > 1 else ''}")
    raise BadRequest(
        f"The pinned text ({fixed} tokens) and {' and '.join(gaps)} do not fit this checkpoint's "
        f"canvas of {canvas_length} tokens: {excess} too many. Shorten the text around the gaps, "
        "or ask for shorter gaps."
    )
