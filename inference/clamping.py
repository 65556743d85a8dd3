"""What the canvases of a job must hold, as the tensors that the sampler works with."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from inference.canvas import Layout
from inference.codec import Codec
from inference.sampler import Clamp

Ban = tuple[int, int]
"""A position of a canvas, and a token that may not stand there."""

Rule = tuple[bool, bool]
"""Whether filler and whether end tokens may stand in a gap that ends before its report does."""


def clamp_layouts(
    layouts: Sequence[Layout],
    codec: Codec,
    vocab_size: int,
    device: torch.device,
    *,
    filler_bias: float = 0.0,
    bans: Sequence[Collection[Ban]] = (),
) -> Clamp:
    """The clamp of canvases that are denoised side by side.

    No control token may be drawn in a gap with text to its right, but for filler where the gap's
    length is open, and end tokens where only they can end it.

    Filler settles first, from the end of a gap towards its beginning, and each step cools the
    choice between one more and a word: ``filler_bias`` (nats) makes up for what that takes from
    a fill's length. ``bans`` are those of each canvas; where there are none, nothing is banned.
    """
    rules: dict[Rule, int] = {}
    rows = []
    for layout in layouts:
        row = [0] * len(layout.tokens)
        for slot in layout.slots:
            if not slot.open_end:
                rule = (codec.filler is not None and not slot.exact, slot.may_end)
                number = rules.setdefault(rule, len(rules) + 1)
                row[slot.start : slot.stop] = [number] * (slot.stop - slot.start)
        rows.append(row)
    bias = torch.zeros(len(rules) + 1, vocab_size, device=device)
    for (filler, ends), number in rules.items():
        banned = codec.special - (codec.ends if ends else set())
        bias[number, sorted(banned)] = -torch.inf
        if filler:
            bias[number, codec.filler] = -filler_bias
    return Clamp(
        torch.tensor([layout.tokens for layout in layouts], device=device),
        bias if rules else None,
        torch.tensor(rows, device=device) if rules else None,
        _banned(bans, device),
        torch.tensor([_doubted(layout) for layout in layouts], device=device),
    )


def _banned(bans: Sequence[Collection[Ban]], device: torch.device) -> Tensor | None:
    told = [(row, *ban) for row, of_row in enumerate(bans) for ban in sorted(of_row)]
    return torch.tensor(told, device=device) if told else None


def _doubted(layout: Layout) -> list[bool]:
    """The gaps whose length is to be found; all of them where there is none."""
    return layout.elastic if any(layout.elastic) else layout.within(layout.slots)
