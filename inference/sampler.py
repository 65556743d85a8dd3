"""The clamped sampler: denoise one canvas while the pinned tokens stand.

DiffusionGemma's corruption is uniform: a canvas starts as random tokens, and each step replaces
the tokens that the model is sure of, drawing all others anew. The stock loop of transformers
(``generation_diffusion_gemma.py``) is followed to the letter, with three additions for pins:

* **canvas clamp** (arXiv 2607.01436, Figure A1): the pinned tokens are put back on the incoming
  canvas and on both outgoing ones;
* **logit clamp**: pinned rows of the processed logits become minus infinity but for the pinned
  token. Self-conditioning is then one-hot there, and pins neither spend entropy budget nor ever
  lose against the model's own opinion;
* **stopping over free positions**: stability and confidence are asked of the positions that the
  model may write, and of no others.

Without pins all three are no-ops: the canvases are those of ``generate``, token for token.

Shapes: L is the canvas length, V the vocabulary size. One canvas at a time, so that what the
model calls the batch is always 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import BoolTensor, LongTensor, Tensor

FREE = -1
"""Marks a position of the clamp that the model may write."""

Decoder = Callable[[Tensor, Tensor | None], Tensor]
"""(canvas (1, L), self-conditioning logits (1, L, V) or None) -> logits (1, L, V), float32."""


class PinBrokenError(AssertionError):
    """A pinned token did not stand. Never repaired in silence: the fill is not to be trusted."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The sampler's settings, under the names that checkpoints give them.

    ``entropy_bound`` and ``confidence_threshold`` are in nats; ``t_max`` and ``t_min`` are the
    temperatures of the first and of the last step. ``filler_bias``, in nats too, is Pinfill's own:
    by so much filler is made less likely in gaps of open length.
    """

    max_steps: int = 48
    entropy_bound: float = 0.1
    t_min: float = 0.4
    t_max: float = 0.8
    stability_threshold: int = 1
    confidence_threshold: float = 0.005
    filler_bias: float = 0.0

    def with_overrides(self, max_steps: int | None, entropy_bound: float | None) -> Settings:
        return replace(
            self,
            max_steps=self.max_steps if max_steps is None else max_steps,
            entropy_bound=self.entropy_bound if entropy_bound is None else entropy_bound,
        )


@dataclass(frozen=True)
class Ban:
    """At ``positions`` (N,) of the canvas the ``tokens`` (K,) are less likely, by ``by`` nats.

    Infinitely many: they may not be drawn.
    """

    positions: Tensor
    tokens: Tensor
    by: float = math.inf


@dataclass(frozen=True)
class Clamp:
    """What the canvas must hold.

    ``pinned`` (L,) has the pinned token's id, or :data:`FREE`. ``bans`` keep tokens out of free
    positions: a report does not end in a gap with pinned text to its right.
    """

    pinned: Tensor
    bans: tuple[Ban, ...] = ()

    @property
    def free(self) -> BoolTensor:
        return self.pinned.eq(FREE)  # type: ignore[return-value]

    def canvas(self, canvas: Tensor) -> Tensor:
        """The canvas with the pinned tokens put back, shape kept."""
        return torch.where(self.free, canvas, self.pinned)

    def logits(self, logits: Tensor) -> Tensor:
        """The logits (1, L, V) with pinned rows one-hot and banned tokens lowered."""
        rows = (~self.free).nonzero().squeeze(-1)
        if not rows.numel() and not self.bans:
            return logits
        logits = logits.clone()
        logits[:, rows] = -torch.inf
        logits[:, rows, self.pinned[rows]] = 0.0
        for ban in self.bans:
            logits[:, ban.positions[:, None], ban.tokens] -= ban.by
        return logits


def check_pins(canvas: Tensor, pinned: Tensor) -> None:
    """Raises :class:`PinBrokenError` unless ``canvas`` (1, L) holds what is ``pinned`` (L,)."""
    held = pinned.ne(FREE)
    if not torch.equal(canvas[0, held], pinned[held]):
        raise PinBrokenError("a pinned token did not stand on the canvas")


@dataclass(frozen=True)
class Step:
    """The canvas after one step: ``draft`` (L,) is the argmax canvas, the one that is shown.

    ``settled`` (L,) marks pinned tokens and those that the step accepted. ``number`` counts
    from 1. ``finished`` says that the stopping rule holds or the budget is spent.
    """

    number: int
    draft: LongTensor
    settled: BoolTensor
    finished: bool


def token_entropy(logits: Tensor) -> Tensor:
    """Entropy in nats of each position's distribution, (..., V) -> (...)."""
    log_p = logits - logits.logsumexp(dim=-1, keepdim=True)
    return -(log_p.clamp(min=torch.finfo(log_p.dtype).min) * log_p.softmax(dim=-1)).sum(dim=-1)


def accept(entropy: Tensor, bound: float) -> Tensor:
    """The positions that may be drawn at once: (B, L) entropies -> (B, L) booleans.

    Takes the surest k positions for which the sum of entropies less the largest one, an upper
    bound of their mutual information, stays within ``bound`` (arXiv 2505.24857).
    """
    ascending, order = entropy.sort(dim=-1)
    chosen = ascending.cumsum(dim=-1) - ascending <= bound
    return torch.zeros_like(chosen).scatter(-1, order, chosen)


def denoise(
    decoder: Decoder,
    clamp: Clamp,
    settings: Settings,
    *,
    vocab_size: int,
    self_conditioning_dtype: torch.dtype,
    generator: torch.Generator,
) -> Iterator[Step]:
    """Denoise one canvas, yielding after every step; the last step yielded holds the result.

    Closing the iterator between steps cancels the job, and nothing is left behind.

    Raises :class:`PinBrokenError` if a pin does not stand on any canvas decoded or drafted.
    """
    length = clamp.pinned.shape[0]
    device = clamp.pinned.device
    free = clamp.free
    pinned = clamp.pinned.clone()  # what is checked is not what the clamp works with

    def noise() -> Tensor:
        return torch.randint(vocab_size, (1, length), generator=generator, device=device)

    canvas = clamp.canvas(noise())
    self_conditioning: Tensor | None = None
    history: list[Tensor] = []

    for number in range(1, settings.max_steps + 1):
        # 1. One decoder forward over the clamped canvas.
        check_pins(canvas, pinned)
        logits = decoder(canvas, self_conditioning)

        # 2. Cool from t_max to t_min, then clamp the logits. The remaining steps are counted in
        #    float32, as transformers does, so that equal seeds give equal canvases.
        remaining = torch.tensor(settings.max_steps - number + 1, dtype=torch.int32, device=device)
        spread = settings.t_max - settings.t_min
        temperature = settings.t_min + spread * (remaining / settings.max_steps)
        logits = clamp.logits(logits / temperature)

        # 3. Draw a token everywhere; the argmax is the draft.
        probabilities = logits.softmax(dim=-1, dtype=torch.float32)
        drawn = torch.multinomial(probabilities[0], 1, generator=generator).squeeze(-1)[None]
        draft = logits.argmax(dim=-1)
        check_pins(draft, pinned)

        # 4. Keep what is sure, draw the rest anew.
        entropy = token_entropy(logits)
        accepted = accept(entropy, settings.entropy_bound)
        canvas = clamp.canvas(torch.where(accepted, drawn, noise()))

        # 5. Stop when the draft stands still and is sure, over the positions that are free.
        finished = _is_stable(history, draft, settings.stability_threshold) and bool(
            not free.any() or entropy[0][free].mean() < settings.confidence_threshold
        )
        finished = finished or number == settings.max_steps
        yield Step(number, draft[0], accepted[0] | ~free, finished)  # type: ignore[arg-type]
        if finished:
            return

        # 6. The clamped logits condition the next step.
        self_conditioning = logits.to(self_conditioning_dtype)


def _is_stable(history: list[Tensor], draft: Tensor, threshold: int) -> bool:
    """Whether the last ``threshold`` drafts equal this one; this one joins the history."""
    recent = history[-threshold:] if threshold else []
    stable = len(recent) == threshold and all(torch.equal(past, draft) for past in recent)
    history.append(draft)
    return stable
