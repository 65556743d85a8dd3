"""How well a finished fill goes with all that stands around it: whether it comes back from noise.

Some of a fill's tokens are replaced by noise and the model is asked for them, at several rates of
noise: the mean log-probability of what was there is, up to weights and constants, the bound of the
likelihood that the model was trained on. In gaps of open length the filler behind the text is asked
for too. All rates of all canvases are one decoder forward.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from inference.sampler import Decoder

RATES: Final = (1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6)
"""The shares of a fill that are noise."""


def restoration(
    decoder: Decoder,
    asked: Tensor,
    drafts: Tensor,
    *,
    vocab_size: int,
    seed: int,
) -> Tensor:
    """Log-likelihoods (B,) of what is ``asked`` (B, L) of finished canvases (B, L), up to a bound.

    In nats. Canvases that are asked in the same places meet the same noise there, which ``seed``
    decides.
    """
    count = asked.sum(dim=-1)
    length, device = drafts.shape[-1], drafts.device
    generator = torch.Generator(device).manual_seed(seed)
    rates = torch.tensor(RATES, device=device)
    order = torch.rand(len(RATES), length, generator=generator, device=device)
    noise = torch.randint(vocab_size, order.shape, generator=generator, device=device)

    # At least one token is asked for, and at a rate of one all are.
    wanted = (rates * count[:, None]).clamp(min=1).round()  # (B, K)
    place = order.masked_fill(~asked[:, None], torch.inf).argsort(dim=-1).argsort(dim=-1)
    noised = (place < wanted[..., None]) & asked[:, None]  # (B, K, L)
    whole = drafts[:, None].expand_as(noised)
    canvas = torch.where(noised, noise, whole)

    places = noised.flatten().nonzero().squeeze(-1)
    logits = decoder(canvas.flatten(0, 1), None, places)
    told = logits.gather(-1, whole[noised][:, None]).squeeze(-1) - logits.logsumexp(dim=-1)
    each = told.new_zeros(noised.shape).masked_scatter(noised, told).sum(dim=-1)  # (B, K)
    return (each / noised.sum(dim=-1).clamp(min=1)).mean(dim=-1) * count
