"""How well a finished fill goes with all that stands around it: whether it comes back from noise.

Some of a fill's tokens are replaced by noise and the model is asked for them, at several rates of
noise: the mean log-probability of what was there is, up to weights and constants, the bound of the
likelihood that the model was trained on. In gaps of open length the filler behind the text is asked
for too, so that fills of different lengths compare. All of it is one decoder forward.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from inference.sampler import Clamp, Decoder

RATES: Final = (1.0, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6)
"""The shares of a fill that are noise."""


def restoration(
    decoder: Decoder,
    clamp: Clamp,
    drafts: Tensor,
    *,
    vocab_size: int,
    seed: int,
) -> Tensor:
    """Log-likelihoods (B,) of finished canvases (B, L) of one clamp (1, L), in nats, up to a bound.

    All canvases meet the same noise in the same places, which ``seed`` decides.
    """
    free = clamp.free
    count = int(free.sum())
    device = drafts.device
    generator = torch.Generator(device).manual_seed(seed)
    rates = torch.tensor(RATES, device=device)[:, None]
    # At least one token is asked for, and at a rate of one all are.
    order = torch.rand(len(RATES), count, generator=generator, device=device).argsort(dim=-1)
    noised = order < (rates * count).clamp(min=1).round()  # (K, F)
    noise = torch.randint(vocab_size, noised.shape, generator=generator, device=device)

    fills = drafts[free.expand_as(drafts)].view(len(drafts), 1, count)
    tokens = torch.where(noised, noise, fills)  # (B, K, F)
    canvas = drafts[:, None].expand(-1, len(RATES), -1).clone()
    canvas[free.expand(len(drafts), len(RATES), -1)] = tokens.flatten()
    asked = torch.zeros_like(canvas, dtype=torch.bool)
    asked[free.expand_as(canvas)] = noised.expand_as(tokens).flatten()
    places = asked.flatten().nonzero().squeeze(-1)

    logits = decoder(canvas.flatten(0, 1), None, places, places)
    wanted = drafts[:, None].expand_as(canvas)[asked]
    told = logits.gather(-1, wanted[:, None]).squeeze(-1) - logits.logsumexp(dim=-1)
    each = told.new_zeros(canvas.shape).masked_scatter(asked, told).sum(dim=-1)  # (B, K)
    return (each / noised.sum(dim=-1)).mean(dim=-1) * count
