"""One job of an autoregressive engine: its gaps in order, its candidates one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor

from inference.agreement import Blame, Judge, Verdict
from inference.canvas import (
    STRETCH,
    encode_fixed,
    is_whole_lines,
    merged,
    settled_runs,
    wished_tokens,
)
from inference.codec import Codec
from inference.engines.base import BadRequest, JobCancelled
from inference.engines.prefixes import branch
from inference.engines.retrying import character_spans, look_alikes
from inference.prompt import INSTRUCTION, LATER_MARK, fill_instruction, write_ask
from inference.protocol import Candidate, Canvas, Fixed, Gap, Infill, Mode
from inference.ranking import Denoised, rank

if TYPE_CHECKING:
    from transformers import Cache, Gemma4ForConditionalGeneration, PreTrainedTokenizerBase
    from transformers.generation.logits_process import LogitsProcessorList

_LOOK_AHEAD: Final = 8
"""Pinned tokens that a gap hands over to where the model would write them by itself."""

_SURE: Final = -0.7
"""Mean log-probability of these from which on it would: one in two, each."""

_THINKABLE: Final = -4.0
"""Log-probability of the first of them from which on the others are looked at."""

_FURTHER_ATTEMPTS: Final = 2
"""How often a text is written anew from its first word to blame where none agrees."""

_SENTENCE_ENDS: Final = (".", "?", "!")


@dataclass(frozen=True, kw_only=True)
class Author:
    """What a job needs of its engine. ``warpers`` shape what is drawn from.

    ``banned`` (N,) are the tokens that no text has, ``banned_in_text`` (M,) those and the ends.
    """

    model: Gemma4ForConditionalGeneration
    tokenizer: PreTrainedTokenizerBase
    codec: Codec
    longest: int
    room: int
    warpers: LogitsProcessorList
    banned: Tensor
    banned_in_text: Tensor


class Pen:
    """Writes behind a cache, a token at a time; ``forwards`` counts what that takes.

    ``generator`` draws tokens; without one the likeliest is written.
    """

    def __init__(self, author: Author, cache: Cache, generator: torch.Generator | None) -> None:
        self._author, self._generator = author, generator
        self._cache = cache
        self._unread: list[int] = []
        self._logits = torch.empty(0)
        self.forwards = 0

    def read(self, tokens: Sequence[int]) -> None:
        """Take up tokens that stand; they cost a forward only if something comes behind them.

        Raises :class:`BadRequest` where there is no room left.
        """
        self._unread += tokens
        excess = self._cache.get_seq_length() + len(self._unread) - self._author.room
        if excess > 0:
            raise BadRequest(
                f"The report and what the study tells are {excess} tokens longer than this "
                f"checkpoint's {self._author.room}. Shorten the report."
            )

    def choose(self, *, may_end: bool, accept: Callable[[int], bool] = lambda _: True) -> int:
        """The next token of those that are to ``accept``; a control token only where it may end
        the text."""
        author = self._author
        banned = author.banned if may_end else author.banned_in_text
        logits = self._next().index_fill(0, banned, -torch.inf)
        while not accept(token := self._drawn(logits)):
            logits[token] = -torch.inf
        return token

    def _drawn(self, logits: Tensor) -> int:
        if self._generator is None:
            return int(logits.argmax())
        ids = torch.empty(1, 0, dtype=torch.long, device=logits.device)
        shaped = self._author.warpers(ids, logits[None])
        return int(torch.multinomial(shaped.softmax(-1), 1, generator=self._generator))

    def log_probability(self, token: int) -> float:
        """In nats, of a token to come next."""
        return self._next().log_softmax(-1)[token].item()

    def expects(self, tokens: Sequence[int]) -> float:
        """Mean log-probability, in nats, of ``tokens`` to come next; nothing is taken up."""
        told = [self._next()]
        if len(tokens) > 1:
            told += list(self._forward(branch(self._cache), tokens[:-1]))
        chosen = [row.log_softmax(-1)[token] for row, token in zip(told, tokens, strict=True)]
        return torch.stack(chosen).mean().item()

    def fork(self) -> Pen:
        """Another pen at the same place; nothing is copied."""
        twin = Pen(self._author, branch(self._cache), self._generator)
        twin._unread, twin._logits = list(self._unread), self._logits
        return twin

    def _next(self) -> Tensor:
        """The logits (V,) of the token to come."""
        if self._unread:
            unread, self._unread = self._unread, []
            self._logits = self._forward(self._cache, unread, keep=1)[-1]
        return self._logits

    def _forward(self, cache: Cache, tokens: Sequence[int], *, keep: int = 0) -> Tensor:
        """The logits (K, V), float32, behind each of the last ``keep`` tokens; of all where 0."""
        self.forwards += 1
        model = self._author.model
        ids = torch.tensor([tokens], device=model.device)
        logits: Tensor = model(
            input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=keep
        ).logits
        return logits[0].float()


@dataclass(frozen=True)
class _Gap:
    """What was written into one gap, and whether it came to an end by itself."""

    tokens: tuple[int, ...]
    ended: bool = True


@dataclass(frozen=True, kw_only=True)
class _Text(Denoised):
    """A candidate, gap by gap."""

    gaps: tuple[_Gap, ...]
    verdict: Verdict

    @property
    def count(self) -> int:
        """Its tokens, those of the longest gap."""
        return max(len(gap.tokens) for gap in self.gaps)


class Writing:
    """Fills the gaps of one request. ``steps`` counts the tokens written, in all candidates."""

    def __init__(
        self,
        author: Author,
        request: Infill,
        seed: int,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
        now: Callable[[], float],
    ) -> None:
        self._author, self._codec, self._request = author, author.codec, request
        self._pieces = merged(request.pieces)
        self._emit, self._cancelled, self._now = emit, cancelled, now
        self._generator = torch.Generator(author.model.device).manual_seed(seed)
        self._most = min(author.longest, request.options.max_steps or author.longest)
        self._fixed, self._drops = encode_fixed(self._pieces, self._codec)
        self._judge = Judge(self._pieces, request.context, is_answer=request.question is not None)
        self._begun: tuple[_Gap, ...] = ()  # whole gaps, and the beginning of the last of them
        self._banned: dict[tuple[int, tuple[int, ...]], frozenset[int]] = {}
        self.steps = 0
        self.forwards = 0

    def check_cancelled(self) -> None:
        """Raises :class:`~inference.engines.base.JobCancelled` if that was asked for."""
        if self._cancelled():
            raise JobCancelled(step=self.steps)

    def run(self, stem: Cache) -> tuple[Candidate, ...]:
        """Write every candidate: the first as the model is surest, the others as it is drawn."""
        written = [
            self._text_of(stem, self._generator if number else None)
            for number in range(self._request.options.candidates or 1)
        ]
        ranked = rank(written)
        budget, most = self._most, max(text.count for text in written)
        for _ in range(_FURTHER_ATTEMPTS):
            budget -= most
            if ranked[0].verdict.agrees or budget < most:
                break
            written.append(self._again(stem, written[-1]))
            ranked = rank(written)
        return tuple(Candidate(each.fills, each.faults, each.clashes) for each in ranked)

    def _text_of(self, stem: Cache, generator: torch.Generator | None) -> _Text:
        mode = self._request.options.mode or "both"
        if mode == "both" and any(isinstance(piece, Fixed) for piece in self._pieces):
            gaps = self._asked(stem, generator)
        else:
            gaps = self._continued(stem, generator, mode)
        places = [index for index, piece in enumerate(self._pieces) if isinstance(piece, Gap)]
        fills = tuple(
            self._words(index, gap.tokens) for index, gap in zip(places, gaps, strict=True)
        )
        verdict = self._judge.verdict(fills, ended=all(gap.ended for gap in gaps))
        return _Text(fills, verdict.faults, verdict.clashes, gaps=tuple(gaps), verdict=verdict)

    # -- another attempt

    def _again(self, stem: Cache, text: _Text) -> _Text:
        """Another text: the same up to the first word to blame, which may not come back there.

        Where no word is to blame, or the model may not end where it did, all of it is drawn.
        """
        places = [index for index, piece in enumerate(self._pieces) if isinstance(piece, Gap)]
        found = [self._first_blamed(text, blame) for blame in text.verdict.blamed]
        known = [place for place in found if place is not None]
        if not known:
            return self._text_of(stem, self._generator)
        gap, count = min(known)
        tokens = text.gaps[gap].tokens
        key = places[gap], tokens[:count]
        ends = self._codec.ends
        forbidden = look_alikes(tokens[count], self._codec) if count < len(tokens) else ends
        self._banned[key] = self._banned.get(key, frozenset()) | forbidden
        self._begun = (*text.gaps[:gap], _Gap(tokens[:count]))
        try:
            return self._text_of(stem, None)
        finally:
            self._begun = ()

    def _first_blamed(self, text: _Text, blame: Blame) -> tuple[int, int] | None:
        """The gap and the number of its first token to blame; None where no word is."""
        if not any(blame.words):
            return blame.gap, 0
        tokens = text.gaps[blame.gap].tokens
        kept = len(self._codec.decode(tokens)) - len(text.fills[blame.gap])  # a space
        for number, span in enumerate(character_spans(tokens, self._codec)):
            if span.start - kept < blame.banned.end and blame.banned.start < span.end - kept:
                return blame.gap, number
        return None

    # -- both sides in the prompt

    def _asked(self, stem: Cache, generator: torch.Generator | None) -> list[_Gap]:
        """Each gap asked for by itself: the prompt shows the report around it."""
        fills: list[str] = []
        gaps: list[_Gap] = list(self._begun[:-1])
        for index, piece in enumerate(self._pieces):
            if not isinstance(piece, Gap):
                continue
            if len(fills) == len(gaps):
                left, right = self._around(index, fills)
                ask = write_ask(self._author.tokenizer, fill_instruction(left, right))
                pen = Pen(self._author, branch(stem), generator)
                pen.read(ask)
                gaps.append(self._write(pen, index, fills, limit=self._most))
                self.forwards += pen.forwards
            fills.append(self._words(index, gaps[len(fills)].tokens))
        return gaps

    def _around(self, index: int, fills: Sequence[str]) -> tuple[str, str]:
        rest = iter(fills)
        left = "".join(
            piece.text if isinstance(piece, Fixed) else next(rest) for piece in self._pieces[:index]
        )
        right = "".join(
            piece.text if isinstance(piece, Fixed) else LATER_MARK
            for piece in self._pieces[index + 1 :]
        )
        # As on a canvas, the space before a gap is its first word's.
        return left.removesuffix(" "), right

    # -- from left to right

    def _continued(self, stem: Cache, generator: torch.Generator | None, mode: Mode) -> list[_Gap]:
        """The report from its beginning; what is pinned is read, what is not is written."""
        pen = Pen(self._author, branch(stem), generator)
        question = self._request.question
        ask = INSTRUCTION if question is None else question
        pen.read(write_ask(self._author.tokenizer, ask))
        fills: list[str] = []
        gaps: list[_Gap] = list(self._begun[:-1])
        for index, piece in enumerate(self._pieces):
            if isinstance(piece, Fixed):
                pen.read(self._fixed[index])
                continue
            last = index == len(self._pieces) - 1
            pinned = self._fixed.get(index + 1)
            if len(fills) < len(gaps):
                pen.read(gaps[len(fills)].tokens)
            elif mode == "forced" and pinned and piece.tokens is None:
                tokens, pen = self._until_pinned(pen, index, fills, pinned[:_LOOK_AHEAD])
                gaps.append(_Gap(tuple(tokens)))
            else:
                stop = None if last else self._sentence_or_line(index)
                gaps.append(self._write(pen, index, fills, limit=self._most, stop=stop))
            fills.append(self._words(index, gaps[len(fills)].tokens))
        self.forwards += pen.forwards
        return gaps

    def _sentence_or_line(self, index: int) -> Callable[[Sequence[int], int], bool]:
        """Where a gap of open length ends that knows nothing of what follows."""
        lines = is_whole_lines(self._pieces, index)

        def is_over(written: Sequence[int], token: int) -> bool:
            text = self._codec.decode(written)
            added = self._codec.decode([*written, token])[len(text) :]
            closed = text.rstrip().endswith(_SENTENCE_ENDS) and not lines
            return (closed and added[:1].isspace()) or (bool(text) and added[:1] == "\n")

        return is_over

    def _until_pinned(
        self, pen: Pen, index: int, fills: Sequence[str], pinned: Sequence[int]
    ) -> tuple[list[int], Pen]:
        """Write until the model would go on with the tokens ``pinned`` by itself.

        Where it never would, the gap ends where they were likeliest. It has a token at least, and
        none of another line if what is pinned goes on in this one. ``pinned`` is not empty.
        """
        began = pen.fork()
        in_line = not self._codec.decode(pinned).startswith("\n")
        near: dict[int, tuple[bool, float]] = {}
        goes_on = False

        def look(place: int) -> tuple[bool, float]:
            """How near the pinned tokens are there; all of them count where the first may be."""
            first = pen.log_probability(pinned[0])
            thinkable = first >= _THINKABLE
            near[place] = thinkable, pen.expects(pinned) if thinkable else first
            return near[place]

        def leaves_line(written: Sequence[int], token: int) -> bool:
            text = self._codec.decode(written)
            return in_line and "\n" in self._codec.decode([*written, token])[len(text) :]

        def is_over(written: Sequence[int], token: int) -> bool:
            nonlocal goes_on
            if written:
                thinkable, likely = look(len(written))
                goes_on = thinkable and token == pinned[0] and likely >= _SURE
            return goes_on or leaves_line(written, token)

        wished = wished_tokens(self._pieces, index, self._codec)
        written = self._write(
            pen,
            index,
            fills,
            limit=min(self._most, round(STRETCH * wished)),
            stop=is_over,
            begins=lambda token: not leaves_line([], token),
        )
        tokens = list(written.tokens)
        if goes_on:
            return tokens, pen
        if len(tokens) not in near:  # the model has come to its end, or the gap has
            look(len(tokens))
        best = max(near, key=lambda place: (near[place], place))
        if best == len(tokens):
            return tokens, pen
        began.forwards = pen.forwards
        began.read(tokens[:best])
        return tokens[:best], began

    # -- words

    def _write(
        self,
        pen: Pen,
        index: int,
        fills: Sequence[str],
        *,
        limit: int,
        stop: Callable[[Sequence[int], int], bool] | None = None,
        begins: Callable[[int], bool] | None = None,
    ) -> _Gap:
        """What is written into a gap before its ``limit``.

        ``stop`` is asked before each token whether the gap is over without it. ``begins`` says
        which tokens may be the first; with it there is one.
        """
        gap = self._pieces[index]
        assert isinstance(gap, Gap)
        exact = gap.tokens is not None
        tokens = list(self._begun[-1].tokens) if len(fills) == len(self._begun) - 1 else []
        pen.read(tokens)
        limit = gap.tokens if gap.tokens is not None else limit
        while len(tokens) < limit:
            self.check_cancelled()
            banned = self._banned.get((index, tuple(tokens)), frozenset())

            def accept(
                token: int,
                banned: frozenset[int] = banned,
                begins: Callable[[int], bool] | None = None if tokens else begins,
            ) -> bool:
                return token not in banned and (begins is None or begins(token))

            may_end = not exact and (bool(tokens) or begins is None)
            token = pen.choose(may_end=may_end, accept=accept)
            if token in self._codec.ends or (
                not exact and stop is not None and stop(tokens, token)
            ):
                return _Gap(tuple(tokens))
            tokens.append(token)
            pen.read([token])
            self.steps += 1
            self._show(index, fills, tokens, limit)
        return _Gap(tuple(tokens), exact)

    def _words(self, index: int, tokens: Sequence[int]) -> str:
        text = self._codec.decode(tokens)
        return text.removeprefix(" ") if self._drops[index] else text

    def _show(self, index: int, fills: Sequence[str], tokens: Sequence[int], limit: int) -> None:
        shown = [*fills, self._words(index, tokens)]
        later = sum(isinstance(piece, Gap) for piece in self._pieces) - len(shown)
        self._emit(
            Canvas(
                request_id=self._request.request_id,
                step=len(tokens),
                max_steps=limit,
                tokens=len(tokens),
                seconds=self._now(),
                gaps=(*(settled_runs(text) for text in shown), *[()] * later),
            )
        )
