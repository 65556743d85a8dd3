"""One job of a diffusion engine: windows, candidates, further canvases, second attempts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from inference.agreement import Judge, Verdict
from inference.canvas import (
    STRETCH,
    GapSlot,
    Layout,
    lay_out,
    merged,
    read_runs,
    read_text,
    settled_runs,
    up_to_gap,
    with_fills,
)
from inference.clamping import Ban, clamp_layouts
from inference.codec import Codec
from inference.engines.base import BadRequest, JobCancelled
from inference.engines.decoder import DecoderFactory
from inference.engines.prefixes import Key, Prefixes
from inference.engines.retrying import bans_of, start_again
from inference.protocol import Candidate, Canvas, Gap, Infill, Piece
from inference.ranking import Denoised, rank
from inference.restoring import RATES, restoration
from inference.sampler import FREE, Settings, Step, denoise

if TYPE_CHECKING:
    from transformers import Cache

CANDIDATES: Final = 5
"""Canvases denoised side by side where nobody asks for another number."""

_LENGTHS: Final = 28
"""So many lengths of a gap are tried at most, where no filler finds it."""

_RENOISED: Final = 0.7
"""The share of the words in a gap that a warm job replaces by noise to begin with."""

_OTHER_NOISE: Final = 0x5EED
"""Makes of a job's seed another one: a canvas is not judged by the noise that it came from."""

_ATTEMPTS: Final = 3
"""How often canvases are denoised of which none agrees with what is pinned and with itself."""


_AGAIN: Final = 3
"""Canvases of a further attempt at least."""


@dataclass(frozen=True, kw_only=True)
class Denoiser:
    """What a job needs of its engine."""

    codec: Codec
    canvas_length: int
    vocab_size: int
    prompt_room: int
    device: torch.device
    dtype: torch.dtype
    decoder: DecoderFactory
    prefixes: Prefixes


@dataclass(frozen=True)
class _Written:
    """What stands already when a canvas is shown: whole fills, and the beginning of the next."""

    fills: tuple[str, ...] = ()
    beginning: tuple[int, ...] = ()
    slot: GapSlot | None = None


@dataclass(frozen=True, kw_only=True)
class _Row(Denoised):
    """A finished canvas of a batch."""

    layout: Layout
    draft: tuple[int, ...]
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class _Attempt:
    """Canvases to be denoised side by side, and what they begin with, if not with noise alone.

    After the first step ``keep`` of them go on, all where it is ``None``. ``bans`` are those of
    each canvas.
    """

    layouts: Sequence[Layout]
    start: Tensor | None = None
    keep: int | None = None
    bans: Sequence[frozenset[Ban]] = ()


class Filling:
    """Fills the gaps of one request. ``steps`` counts what that took."""

    def __init__(
        self,
        denoiser: Denoiser,
        request: Infill,
        settings: Settings,
        seed: int,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self._denoiser, self._codec = denoiser, denoiser.codec
        self._request = request
        self._settings = settings
        self._generator = torch.Generator(denoiser.device).manual_seed(seed)
        self._emit, self._cancelled, self._now = emit, cancelled, now
        self._gaps = sum(isinstance(piece, Gap) for piece in request.pieces)
        self.steps = 0
        self.unseen = 0

    def check_cancelled(self) -> None:
        """Raises :class:`~inference.engines.base.JobCancelled` if that was asked for."""
        if self._cancelled():
            raise JobCancelled(step=self.steps)

    def run(self, key: Key, prefix: Cache) -> tuple[Candidate, ...]:
        """Fill every gap: all at once, or window by window where the report is longer."""
        pieces = merged(self._request.pieces)
        whole = self._judge_of(pieces)
        fills: tuple[str, ...] = ()
        while True:
            ranked = self._fill_window(key, prefix, pieces, fills)
            best = ranked[0]
            if len(best.fills) == self._gaps:
                return tuple(Candidate(each.fills, each.faults, each.clashes) for each in ranked)
            fills += best.fills
            if len(fills) == self._gaps:
                told = whole.verdict(fills, ended="unclosed" not in best.faults)
                return (Candidate(fills, told.faults, told.clashes),)
            pieces = with_fills(pieces, best.fills)

    def _judge_of(self, pieces: Sequence[Piece]) -> Judge:
        request = self._request
        return Judge(pieces, request.context, is_answer=request.question is not None)

    def _fill_window(
        self, key: Key, prefix: Cache, pieces: Sequence[Piece], fills: tuple[str, ...]
    ) -> Sequence[Denoised]:
        """Fill the first gaps of ``pieces``, as many as one canvas holds; the best first."""
        room = self._denoiser.prompt_room - prefix.get_seq_length()
        layouts, keep = self._layouts(pieces, room)
        self.unseen = max(self.unseen, *(layout.unseen for layout in layouts))
        judge = self._judge_of(pieces)
        self.check_cancelled()
        longer = self._denoiser.prefixes.continued(key, prefix, layouts[0].left)
        rows = self._attempts(longer, layouts, keep, judge, pieces, fills)
        ranked = rank(self._judged(longer, rows))
        best = ranked[0]
        last = best.layout.slots[-1]
        if self._goes_on(best.layout, best.draft):
            if self._request.question is None:
                return [self._write_on(longer, best, judge, fills)]
            # An answer is short: what goes on beyond a canvas is none, and breaks off there.
            self._refuse_thought(best.draft[last.start :])
            return [_denoised(best.fills, judge.verdict(best.fills, ended=False))]
        if last.open_end:
            self._refuse_thought(best.draft[last.start :])
        return ranked

    def _attempts(
        self,
        prefix: Cache,
        layouts: Sequence[Layout],
        keep: int,
        judge: Judge,
        pieces: Sequence[Piece],
        fills: tuple[str, ...],
    ) -> list[_Row]:
        """Finished canvases. Where none agrees they are denoised again, while the budget lasts.

        Then the words to blame are noise again, and may not come back where they stood.
        """
        start = None
        if self._request.options.warm:
            start = self._start(layouts, up_to_gap(pieces, len(layouts[0].slots)))
        attempt = _Attempt(layouts=layouts, start=start, keep=keep)
        settings = self._settings
        budget = settings.max_steps
        rows: list[_Row] = []
        for _ in range(_ATTEMPTS):
            asked = replace(settings, max_steps=budget)
            step = self._denoise(prefix, attempt, asked, _Written(fills))
            last = list(self._read(attempt.layouts, step, judge))
            rows += last
            budget -= step.number
            if budget < step.number or any(row.verdict.agrees for row in last):
                break
            attempt = self._again(last, rows)
            # What is to be accepted at once has to be surer now.
            bound = min(settings.entropy_bound, settings.gap_entropy_bound)
            settings = replace(settings, gap_entropy_bound=bound)
        return rows

    def _again(self, last: Sequence[_Row], rows: Sequence[_Row]) -> _Attempt:
        """The next attempt, from the canvases of the ``last`` one; ``rows`` are those of all."""
        bans: dict[Layout, frozenset[Ban]] = {}
        for row in rows:
            told = bans_of(row.layout, row.draft, row.verdict.blamed, self._codec)
            bans[row.layout] = bans.get(row.layout, frozenset()) | told
        last = [last[number % len(last)] for number in range(max(_AGAIN, len(last)))]
        start = [
            start_again(row.layout, row.draft, row.verdict.blamed, self._codec) for row in last
        ]
        return _Attempt(
            layouts=[row.layout for row in last],
            start=torch.tensor(start, device=self._denoiser.device),
            bans=[bans[row.layout] for row in last],
        )

    def _goes_on(self, layout: Layout, draft: Sequence[int]) -> bool:
        """Whether the model wants to write on where its canvas is full."""
        return layout.slots[-1].open_end and not self._codec.ends & set(draft)

    def _judged(self, prefix: Cache, rows: list[_Row]) -> list[_Row]:
        """The rows, with how well the gaps come back from noise whose lengths may differ."""
        unique = list(dict.fromkeys((row.layout, row.draft) for row in rows))
        if not unique[0][0].elastic_tokens or len(unique) == 1:
            return rows
        denoiser = self._denoiser
        decoder = denoiser.decoder(prefix)
        # No more positions at once than the candidates of a job may have free.
        most = sum(RATES) * max(layout.elastic_tokens for layout, _ in unique)
        together = max(1, int(CANDIDATES * denoiser.canvas_length / most))
        nats: list[float] = []
        for first in range(0, len(unique), together):
            self.check_cancelled()
            layouts, drafts = zip(*unique[first : first + together], strict=True)
            nats += restoration(
                decoder,
                torch.tensor([layout.elastic for layout in layouts], device=denoiser.device),
                torch.tensor(drafts, device=denoiser.device),
                vocab_size=denoiser.vocab_size,
                seed=self._generator.initial_seed() ^ _OTHER_NOISE,
            ).tolist()
        told = dict(zip(unique, nats, strict=True))
        return [replace(row, restoration=told[row.layout, row.draft]) for row in rows]

    def _write_on(self, prefix: Cache, row: _Row, judge: Judge, fills: tuple[str, ...]) -> Denoised:
        """Go on over further canvases, as the model does by itself, until it ends the report."""
        length = self._denoiser.canvas_length
        slot = row.layout.slots[-1]
        whole = Layout((FREE,) * length, (GapSlot(0, length, False, True, False),))
        draft, written = row.draft, row.draft[slot.start :]
        ended = False
        while not ended and prefix.get_seq_length() + length <= self._denoiser.prompt_room:
            prefix = self._denoiser.prefixes.extended(prefix, draft)
            before = _Written((*fills, *row.fills[:-1]), written, slot)
            step = self._denoise(prefix, _Attempt(layouts=[whole]), self._settings, before)
            draft = tuple(step.drafts[0].tolist())
            written += draft
            ended = bool(self._codec.ends & set(draft))
        self._refuse_thought(written)
        texts = (*row.fills[:-1], read_text(written, slot, self._codec))
        return _denoised(texts, judge.verdict(texts, ended=ended))

    def _refuse_thought(self, written: Sequence[int]) -> None:
        """Raises :class:`BadRequest` for a draft that holds nothing but a thought."""
        if self._codec.thinks_on(written):
            raise BadRequest(
                "The model thought its answer over until there was no room left to write it. Ask "
                "again, or pin a heading to begin with."
            )

    def _layouts(self, pieces: Sequence[Piece], room: int) -> tuple[list[Layout], int]:
        """The canvases to be denoised side by side, and how many of them beyond the first step."""

        def laid_out(stretch: float = 1.0, begin: int | None = None) -> Layout:
            length = self._denoiser.canvas_length
            return lay_out(
                pieces, self._codec, length, prompt_room=room, stretch=stretch, begin=begin
            )

        usual = laid_out()
        many = usual.free_tokens <= self._denoiser.canvas_length // 2
        count = self._request.options.candidates or (CANDIDATES if many else 1)
        tokens = usual.elastic_tokens
        if self._codec.filler is not None or not tokens:
            return [usual] * count, count
        # One prefix serves them all: windows begin where that of the longest gap does.
        longest = round(tokens * STRETCH)
        begin = laid_out(longest / tokens).begin
        # No more free positions than the candidates of a job may have.
        most = 2 * CANDIDATES * self._denoiser.canvas_length // longest
        lengths = np.linspace(1, longest, min(longest, _LENGTHS, most)).round()
        tried = dict.fromkeys(laid_out(length / tokens, begin) for length in lengths)
        whole = [
            each for each in tried if len(each.slots) == len(usual.slots) and each.begin == begin
        ] or [usual]
        return [whole[number % len(whole)] for number in range(max(count, len(whole)))], count

    def _denoise(
        self, prefix: Cache, attempt: _Attempt, settings: Settings, before: _Written
    ) -> Step:
        """Denoise one batch of canvases, showing the surest of them, and return its last step."""
        self.check_cancelled()
        step: Step | None = None
        shown: int | None = None
        for step in self._steps(prefix, attempt, settings):
            self.steps += 1
            if shown is None:
                shown = int(step.doubt.argmin())
            layout = attempt.layouts[shown]
            self._emit(self._frame(shown, layout, step, settings.max_steps, before))
            if not step.is_last:
                self.check_cancelled()
        assert step is not None, "a sampler makes at least one step"
        return step

    def _steps(self, prefix: Cache, attempt: _Attempt, settings: Settings) -> Iterator[Step]:
        denoiser = self._denoiser
        clamp = clamp_layouts(
            attempt.layouts,
            self._codec,
            denoiser.vocab_size,
            denoiser.device,
            filler_bias=settings.filler_bias,
            bans=attempt.bans,
        )
        return denoise(
            denoiser.decoder(prefix),
            clamp,
            settings,
            vocab_size=denoiser.vocab_size,
            self_conditioning_dtype=denoiser.dtype,
            generator=self._generator,
            start=attempt.start,
            keep=attempt.keep,
        )

    def _start(self, layouts: Sequence[Layout], pieces: Sequence[Piece]) -> Tensor:
        """The canvases (B, L) that hold some of the gaps' hints, and of the filler behind them.

        A canvas without noise would be taken for a finished one, whatever is pinned beside it.
        """
        hints = [piece.hint for piece in pieces if isinstance(piece, Gap)]
        filler = FREE if self._codec.filler is None else self._codec.filler
        rows = []
        for layout in layouts:
            row = [FREE] * len(layout.tokens)
            for slot, hint in zip(layout.slots, hints, strict=True):
                if not hint:
                    continue
                space = " " if slot.drops_space and slot.start else ""
                tokens = self._codec.encode(space + hint)[: slot.stop - slot.start]
                rest = slot.stop - slot.start - len(tokens)
                if slot.open_end:
                    ending = [self._codec.end_of_turn] + [self._codec.eos] * rest
                    row[slot.start : slot.stop] = (tokens + ending)[: slot.stop - slot.start]
                else:
                    row[slot.start : slot.stop] = tokens + [FREE if slot.exact else filler] * rest
            rows.append(row)
        start = torch.tensor(rows, device=self._denoiser.device)
        noised = torch.rand(start.shape, generator=self._generator, device=start.device) < _RENOISED
        return start.masked_fill(noised, FREE)

    def _read(self, layouts: Sequence[Layout], step: Step, judge: Judge) -> Iterator[_Row]:
        for number, layout in enumerate(layouts):
            if step.dropped[number]:
                continue
            draft = tuple(step.drafts[number].tolist())
            fills = tuple(
                read_text(draft[slot.start : slot.stop], slot, self._codec) for slot in layout.slots
            )
            verdict = judge.verdict(fills, goes_on=self._goes_on(layout, draft))
            yield _Row(
                fills,
                verdict.faults,
                verdict.clashes,
                tokens=self._said(layout, draft),
                layout=layout,
                draft=draft,
                verdict=verdict,
            )

    def _said(self, layout: Layout, draft: Sequence[int]) -> int:
        """How many tokens stand in the elastic gaps, and one more for the end of each."""
        written = compress(draft, layout.elastic)
        ends = sum(slot.elastic for slot in layout.slots)
        return ends + sum(token != self._codec.filler for token in written)

    def _frame(self, row: int, layout: Layout, step: Step, budget: int, before: _Written) -> Canvas:
        """What the reader sees of one canvas of a batch."""
        draft, settled = step.drafts[row].tolist(), step.settled[row].tolist()
        gaps = [settled_runs(fill) for fill in before.fills]
        for slot in layout.slots:
            written = [*before.beginning, *draft[slot.start : slot.stop]]
            marks = [True] * len(before.beginning) + settled[slot.start : slot.stop]
            gaps.append(read_runs(written, marks, before.slot or slot, self._codec))
        gaps += [()] * (self._gaps - len(gaps))
        return Canvas(
            request_id=self._request.request_id,
            step=step.number,
            max_steps=budget,
            tokens=layout.free_tokens,
            seconds=self._now(),
            gaps=tuple(gaps),
        )


def _denoised(fills: tuple[str, ...], verdict: Verdict) -> Denoised:
    return Denoised(fills, verdict.faults, verdict.clashes)
