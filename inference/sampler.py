"""The clamped sampler: denoise canvases side by side while the pinned tokens stand.

DiffusionGemma's corruption is uniform: a canvas starts as random tokens, and each step replaces
the tokens that the model is sure of, drawing all others anew. The stock loop of transformers
(``generation_diffusion_gemma.py``) is followed to the letter, with four additions for pins:

* **canvas clamp** (arXiv 2607.01436, Figure A1): the pinned tokens are put back on the incoming
  canvas and on both outgoing ones;
* **logit clamp**: pinned rows of the processed logits are minus infinity but for the pinned
  token. Self-conditioning is then one-hot there, and pins neither spend entropy budget nor ever
  lose against the model's own opinion;
* **stopping over free positions**: stability and confidence are asked of the positions that the
  model may write, and of no others;
* **stopping among pins**: where at least half of the canvas is pinned, more may be accepted at
  once, and a canvas is done when everything is.

Without pins all four are no-ops: the canvases are those of ``generate``, token for token, where
tokens are drawn from the random numbers as ``torch.multinomial`` does. That takes a random number
for every token of the vocabulary at every position, on a CPU a fifth of the time of a step; two for
every position are enough.

Only the free positions are asked of the decoder and go through softmax, entropy and drawing: of
the others everything is known. Several canvases, the candidates of one job, are denoised as one
batch; one that is finished leaves it, so that nobody pays for it any longer. All of it stays on the
device; one small copy a step tells the host what it has to know.

Shapes: B canvases in the batch, L positions on each, V tokens in the vocabulary, F free positions
in all of the batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FREE = -1
"""Marks a position of the clamp that the model may write."""

_BLOCK: Final = 64
"""Tokens of the vocabulary that are looked through at once."""

_IMPOSSIBLE: Final = -1e4
"""A finite logit whose probability is 0: minus infinity times 0 would be no number."""

_BELOW_ONE: Final = 1 - 1e-6
"""So that rounding never leads past the last token."""


class Decoder(Protocol):
    """One forward of the model over the canvases."""

    def __call__(self, canvas: Tensor, self_conditioning: Tensor | None, free: Tensor) -> Tensor:
        """The logits (F, V), float32, at the places ``free`` (F,) of the canvases (B, L).

        Places count through the batch, row * L + position. ``self_conditioning`` (F, V) are the
        logits of the step before at the same places; everywhere else the step before was sure of
        the token that stands there. There is none in the first step.
        """
        ...


class PinBrokenError(AssertionError):
    """A pinned token did not stand. Never repaired in silence: the fill is not to be trusted."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The sampler's settings, under the names that checkpoints give them.

    ``entropy_bound`` and ``confidence_threshold`` are in nats; ``gap_entropy_bound`` is the bound
    on canvases of which at least half is pinned, where the words around a gap tell more of it.
    ``t_max`` and ``t_min`` are the temperatures of the first and of the last step. ``filler_bias``,
    in nats too, is Pinfill's own, as ``gap_entropy_bound`` is: by so much filler is made less
    likely in gaps of open length.
    """

    max_steps: int = 48
    entropy_bound: float = 0.1
    gap_entropy_bound: float = 0.3
    t_min: float = 0.4
    t_max: float = 0.8
    stability_threshold: int = 1
    confidence_threshold: float = 0.005
    filler_bias: float = 0.0

    def with_overrides(
        self, max_steps: int | None, entropy_bound: float | None, heat: float | None = None
    ) -> Settings:
        """The same with what is not ``None`` instead; ``heat`` multiplies both temperatures."""
        heat = 1.0 if heat is None else heat
        return replace(
            self,
            t_min=self.t_min * heat,
            t_max=self.t_max * heat,
            max_steps=self.max_steps if max_steps is None else max_steps,
            entropy_bound=self.entropy_bound if entropy_bound is None else entropy_bound,
            gap_entropy_bound=self.gap_entropy_bound if entropy_bound is None else entropy_bound,
        )


@dataclass(frozen=True)
class Clamp:
    """What the canvases must hold.

    ``pinned`` (B, L) has the pinned token's id, or :data:`FREE`. ``bias`` (K, V), in nats, is
    added to the cooled logits of free positions; minus infinity forbids a token. ``rule`` (B, L)
    names the row of ``bias`` that holds at a position. ``banned`` (N, 3) are tokens that may not
    stand at one position of one canvas: its row, the position, the token. ``doubted`` (B, L) marks
    the free positions that a canvas is judged by after its first step; ``None`` stands for all.
    """

    pinned: Tensor
    bias: Tensor | None = None
    rule: Tensor | None = None
    banned: Tensor | None = None
    doubted: Tensor | None = None

    @property
    def free(self) -> Tensor:
        """(B, L) booleans."""
        return self.pinned.eq(FREE)

    def canvas(self, canvas: Tensor) -> Tensor:
        """The canvases with the pinned tokens put back, shape kept."""
        return torch.where(self.free, canvas, self.pinned)

    def rows(self, kept: Sequence[int]) -> Clamp:
        """The clamp of some of the canvases."""
        index = torch.tensor(kept, device=self.pinned.device)
        rule = None if self.rule is None else self.rule[index]
        banned = None if self.banned is None else _renumbered(self.banned, index)
        # Who goes on has been judged.
        return replace(self, pinned=self.pinned[index], rule=rule, banned=banned, doubted=None)


def _renumbered(banned: Tensor, kept: Tensor) -> Tensor:
    """What is banned (N, 3) in the rows ``kept`` (K,), by their new numbers."""
    among = banned[:, :1].eq(kept)  # (N, K)
    number = among.int().argmax(dim=-1, keepdim=True)
    return torch.cat([number, banned[:, 1:]], dim=-1)[among.any(dim=-1)]


@dataclass(frozen=True)
class Step:
    """All canvases after one step, on the host; rows that were finished before stay what they are.

    ``drafts`` (B, L) are the argmax canvases, the ones that are shown. ``settled`` (B, L) marks
    pinned tokens and those that the last step accepted. ``number`` counts from 1. ``finished`` (B,)
    says whose stopping rule holds or whose budget is spent, ``dropped`` (B,) who was not kept after
    the first step. ``doubt`` (B,), in nats, is the mean entropy that the doubted positions had
    then, 0 where there is but one canvas. ``rows`` counts the canvases that the decoder denoised in
    this step.
    """

    number: int
    drafts: NDArray[np.int64]
    settled: NDArray[np.bool_]
    finished: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    doubt: NDArray[np.float64]
    rows: int

    @property
    def is_last(self) -> bool:
        return bool((self.finished | self.dropped).all())


def token_entropy(logits: Tensor, probabilities: Tensor, surest: Tensor | None = None) -> Tensor:
    """Entropy in nats of each position's distribution, (..., V) twice -> (...).

    Logits have to be finite. Counted from the largest one, so that a sure position's entropy does
    not drown in rounding, and without a logarithm for every token. ``surest`` (...) are the tokens
    that have it, where they are known.
    """
    token = (surest_tokens(logits) if surest is None else surest)[..., None]
    below = logits - logits.gather(-1, token)
    sure = probabilities.gather(-1, token).squeeze(-1)
    return -(sure.log() + torch.linalg.vecdot(probabilities, below))


def _in_blocks(values: Tensor) -> Tensor:
    """(..., V) -> (..., K, V / K): what is looked for is first looked for among K blocks.

    A processor reduces whole blocks many numbers at a time, but finds a place one by one.
    """
    blocks = values.shape[-1] // _BLOCK if values.shape[-1] % _BLOCK == 0 else 1
    return values.unflatten(-1, (blocks, -1))


def _block(blocks: Tensor, number: Tensor) -> Tensor:
    """One block of each row: (..., K, N) and (..., 1) -> (..., N)."""
    index = number[..., None].expand(*number.shape, blocks.shape[-1])
    return blocks.gather(-2, index).squeeze(-2)


def surest_tokens(logits: Tensor) -> Tensor:
    """The token of the largest logit of each position, the first of equals: (..., V) -> (...)."""
    blocks = _in_blocks(logits)
    number = blocks.amax(dim=-1).argmax(dim=-1, keepdim=True)
    inside = _block(blocks, number).argmax(dim=-1)
    return number.squeeze(-1) * blocks.shape[-1] + inside


class Draw(Protocol):
    """How tokens (F,) are drawn from probabilities (F, V)."""

    def __call__(self, probabilities: Tensor, generator: torch.Generator) -> Tensor: ...


def draw_tokens(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    """One token a row, by inversion of the distribution function: (F, V) -> (F,).

    First a block is drawn, then a token of it. What has no probability is not drawn.
    """
    blocks = _in_blocks(probabilities)
    shape = (2, len(blocks), 1)
    at = torch.rand(shape, generator=generator, device=blocks.device) * _BELOW_ONE
    number = _reached(blocks.sum(dim=-1), at[0])
    inside = _reached(_block(blocks, number), at[1])
    return (number * blocks.shape[-1] + inside).squeeze(-1)


def _reached(weights: Tensor, at: Tensor) -> Tensor:
    """The first place by which a part ``at`` (F, 1) of the weights (F, N) is exceeded: (F, 1)."""
    sums = weights.cumsum(dim=-1)
    place = torch.searchsorted(sums, at * sums[:, -1:], right=True)
    return place.clamp_(max=weights.shape[-1] - 1)  # where the weights are no numbers


def accept(entropy: Tensor, bound: Tensor) -> Tensor:
    """The positions that may be drawn at once: (B, L) entropies, (B,) bounds -> (B, L) booleans.

    Takes the surest k positions for which the sum of entropies less the largest one, an upper
    bound of their mutual information, stays within ``bound`` (arXiv 2505.24857).
    """
    ascending, order = entropy.sort(dim=-1)
    chosen = ascending.cumsum(dim=-1) - ascending <= bound[:, None]
    return torch.zeros_like(chosen).scatter(-1, order, chosen)


def denoise(
    decoder: Decoder,
    clamp: Clamp,
    settings: Settings,
    *,
    vocab_size: int,
    self_conditioning_dtype: torch.dtype,
    generator: torch.Generator,
    start: Tensor | None = None,
    keep: int | None = None,
    draw: Draw = draw_tokens,
) -> Iterator[Step]:
    """Denoise the canvases, yielding after every step; the last step yielded holds the result.

    ``start`` (B, L) holds tokens to begin with, or :data:`FREE` where noise is wanted. After the
    first step only the ``keep`` canvases go on whose doubted positions the model is surest of on
    average, the first of equals. Closing the iterator between steps cancels the job, and nothing is
    left behind.

    Raises :class:`PinBrokenError` if a pin does not stand on any canvas decoded or drafted.
    """
    batch, length = clamp.pinned.shape
    untouched = clamp.pinned.clone()  # what is checked is not what the clamp works with
    record = _Record(batch, length)
    denoised = list(range(batch))  # the rows of the batch, by their number in the job
    if clamp.bias is not None:
        clamp = replace(clamp, bias=clamp.bias.clamp(min=_IMPOSSIBLE))
    free = _FreePositions(clamp, settings)

    def noise() -> Tensor:
        shape = (len(denoised), length)
        return torch.randint(vocab_size, shape, generator=generator, device=untouched.device)

    canvas = noise()
    if start is not None:
        canvas = torch.where(start.eq(FREE), canvas, start)
    canvas = clamp.canvas(canvas)
    self_conditioning: Tensor | None = None
    history: list[Tensor] = []

    for number, temperature in enumerate(_temperatures(settings), start=1):
        # 1. One decoder forward over the clamped canvases.
        logits = decoder(canvas, self_conditioning, free.places)

        # 2. Cool from t_max to t_min, then clamp the logits.
        cooled = free.clamped(logits, temperature)

        # 3. Draw a token at every free position; the argmax is the draft.
        probabilities = cooled.softmax(dim=-1, dtype=torch.float32)
        drawn = draw(probabilities, generator)
        surest = surest_tokens(cooled)
        draft = free.put(surest)
        stood = (canvas.eq(untouched) & draft.eq(untouched) | untouched.eq(FREE)).all(dim=-1)

        # 4. Keep what is sure and what is pinned, draw the rest anew.
        entropy = free.spread(token_entropy(cooled, probabilities, surest))
        accepted = accept(entropy, free.bound)
        settled = accepted | free.pinned
        canvas = torch.where(settled, free.put(drawn), noise())

        # 5. Stop where the draft stands still and is sure, over the positions that are free; among
        #    pins, also where the bound lets all of the gaps be drawn at once.
        finished = settled.all(dim=-1) & free.in_context
        if len(history) == settings.stability_threshold:
            still = entropy.sum(dim=-1) < free.sure_below
            for past in history:
                still &= past.eq(draft).all(dim=-1)
            finished |= still
        history.append(draft)
        del history[: max(0, len(history) - settings.stability_threshold)]
        if number == settings.max_steps:
            finished = torch.ones_like(finished)

        # 6. The one copy to the host, and a second where a batch is judged, once.
        record.note(denoised, draft, settled, stood, finished)
        if number == 1 and batch > 1:
            record.judge(free.doubt(entropy), keep)
        step = record.step(number, rows=len(denoised))
        yield step
        over = (step.finished | step.dropped)[denoised]
        if over.all():
            return

        # 7. The clamped logits condition the next step; who is finished leaves.
        self_conditioning = cooled.to(self_conditioning_dtype)
        if over.any():
            kept = [row for row, ended in enumerate(over.tolist()) if not ended]
            denoised = [denoised[row] for row in kept]
            canvas, untouched = canvas[kept], untouched[kept]
            self_conditioning = self_conditioning[free.of_rows(kept)]
            history = [past[kept] for past in history]
            clamp = clamp.rows(kept)
            free = _FreePositions(clamp, settings)


def _temperatures(settings: Settings) -> list[float]:
    """Those of all steps, from ``t_max`` down to ``t_min``.

    The remaining steps are counted in float32, as transformers does, so that equal seeds give equal
    canvases.
    """
    remaining = torch.arange(settings.max_steps, 0, -1, dtype=torch.int32)
    spread = settings.t_max - settings.t_min
    cooling: list[float] = (settings.t_min + spread * (remaining / settings.max_steps)).tolist()
    return cooling


class _FreePositions:
    """The positions that the model may write, gathered from a batch of canvases and put back.

    ``places`` (F,) count through the batch, ``pinned`` (B, L) are all others. What a step asks of
    each canvas (B,) is made once: whether at least half of it is pinned, the ``bound`` of what it
    may accept at once, and what its entropies have to sum up to less than, both in nats.
    """

    def __init__(self, clamp: Clamp, settings: Settings) -> None:
        self._clamp = clamp
        self._mask = clamp.free
        self.pinned = ~self._mask
        self.places = self._mask.flatten().nonzero().squeeze(-1)
        count = self._mask.sum(dim=-1)
        self.in_context = 2 * count <= self._mask.shape[-1]
        self.bound = torch.where(
            self.in_context, settings.gap_entropy_bound, settings.entropy_bound
        )
        self.sure_below = settings.confidence_threshold * count
        rules = None if clamp.rule is None else clamp.rule.flatten()[self.places]
        if rules is not None and len(rules) and bool(rules.eq(rules[0]).all()):
            rules = rules[:1]  # one rule for all is a row that is added to every other
        self._rules = rules
        self._banned = self._banned_tokens()

    def _banned_tokens(self) -> tuple[Tensor, Tensor] | None:
        """Which of the free positions (N,) may not hold which tokens (N,)."""
        if self._clamp.banned is None:
            return None
        place = self._clamp.banned[:, 0] * self._mask.shape[-1] + self._clamp.banned[:, 1]
        free = self._mask.flatten()
        number, meant = free.cumsum(dim=0) - 1, free[place]
        return number[place][meant], self._clamp.banned[:, 2][meant]

    def clamped(self, logits: Tensor, temperature: float) -> Tensor:
        """The logits (F, V), cooled and biased."""
        rows = logits / temperature
        if self._clamp.bias is not None and self._rules is not None:
            rows += self._clamp.bias[self._rules]
        if self._banned is not None:
            rows[self._banned] = _IMPOSSIBLE
        return rows

    def put(self, tokens: Tensor) -> Tensor:
        """Tokens (F,) among the pinned ones: (B, L)."""
        return self._clamp.pinned.flatten().scatter(0, self.places, tokens).view_as(self._mask)

    def spread(self, values: Tensor) -> Tensor:
        """Values (F,) at their places, 0 where pinned: (B, L)."""
        spread = values.new_zeros(self._mask.numel())
        return spread.scatter(0, self.places, values).view_as(self._mask)

    def doubt(self, entropy: Tensor) -> Tensor:
        """The mean entropy (B,) of each canvas's doubted positions, from all of them (B, L)."""
        doubted = self._mask if self._clamp.doubted is None else self._clamp.doubted
        return (entropy * doubted).sum(dim=-1) / doubted.sum(dim=-1).clamp(min=1)

    def of_rows(self, kept: Sequence[int]) -> Tensor:
        """Which of the free positions belong to some of the canvases: (F,) booleans."""
        rows = self.places // self._mask.shape[-1]
        return torch.isin(rows, torch.tensor(kept, device=rows.device))


class _Record:
    """What the host knows of every canvas of the job, finished or not."""

    def __init__(self, batch: int, length: int) -> None:
        self._length = length
        # A row a canvas: its draft, what is settled of that, whether all pins stood, finished.
        self._told = np.zeros((batch, 2 * length + 2), dtype=np.int64)
        self._doubt = np.zeros(batch)
        self._dropped = np.zeros(batch, dtype=np.bool_)

    def note(
        self, rows: Sequence[int], draft: Tensor, settled: Tensor, stood: Tensor, finished: Tensor
    ) -> None:
        """Take over what a step made of ``rows``.

        Raises :class:`PinBrokenError` if a pin did not stand.
        """
        # One tensor is one copy.
        told = torch.cat([draft, settled, stood[:, None], finished[:, None]], dim=-1).cpu().numpy()
        if not all(told[:, -2].tolist()):
            raise PinBrokenError("a pinned token did not stand on the canvas")
        self._told[rows] = told

    def judge(self, doubt: Tensor, keep: int | None) -> None:
        """Take over the doubt (B,), in nats, and drop all but the ``keep`` surest canvases."""
        self._doubt = doubt.double().cpu().numpy()
        if keep is not None:
            self._dropped[self._doubt.argsort(kind="stable")[keep:]] = True

    def step(self, number: int, rows: int) -> Step:
        told = self._told.copy()
        return Step(
            number,
            told[:, : self._length],
            told[:, self._length : -2].astype(np.bool_),
            told[:, -1].astype(np.bool_),
            self._dropped,
            self._doubt,
            rows,
        )
