"""Teach the small vision tower to name the findings, before the text side ever sees it.

A tower that starts from nothing learns thin lines and small nodules slowly from a report, and
fast from being told where they are. So each soft token is asked which findings show in its part
of the image, and a readout over all tokens is asked for every attribute. Both heads are thrown
away afterwards: the tower keeps what they taught it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from inference.training.demo_corpus import (
    ATTRIBUTES,
    RENDER_ROWS,
    REVISION,
    TOWER_ROWS,
    Images,
)
from inference.training.demo_model import SOFT_TOKENS_SIDE
from inference.training.findings import LABELS
from inference.training.progress import Progress
from inference.training.run_state import RunState, warmup_cosine

if TYPE_CHECKING:
    from transformers.models.gemma4.modeling_gemma4 import Gemma4VisionModel

_PATCH: Final = 16
_SIDE: Final = TOWER_ROWS // _PATCH
_JITTER: Final = 6
"""Pixels by which a training image is shifted at most, less than a quarter of a soft token."""


@dataclass(frozen=True)
class VisionSettings:
    steps: int = 2000
    batch: int = 48
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.05
    warm_up: int = 200
    save_every: int = 250
    seed: int = 0


class FindingHeads(nn.Module):
    """Soft tokens (B, 64, D) -> (B, 64, labels) where it shows, and (B, attributes) whether."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.RMSNorm(width, elementwise_affine=False)
        self.places = nn.Linear(width, len(LABELS))
        self.scores = nn.Linear(width, len(ATTRIBUTES))
        self.values = nn.Linear(width, len(ATTRIBUTES))

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        tokens = self.norm(tokens)
        weights = self.scores(tokens).softmax(dim=1)
        return self.places(tokens), (weights * self.values(tokens)).sum(dim=1)


def soft_tokens(tower: Gemma4VisionModel, pixels: Tensor) -> Tensor:
    """Images (B, 256, 256) uint8 -> soft tokens (B, 64, D), as the image processor's patches."""
    batch = pixels.shape[0]
    patches = pixels.float().div(255).reshape(batch, _SIDE, _PATCH, _SIDE, _PATCH)
    patches = patches.transpose(2, 3).reshape(batch, _SIDE * _SIDE, _PATCH * _PATCH)
    grid = torch.arange(_SIDE)
    positions = torch.stack(torch.meshgrid(grid, grid, indexing="xy"), dim=-1).reshape(1, -1, 2)
    tokens: Tensor = tower(
        pixel_values=patches.repeat_interleave(3, dim=-1),
        pixel_position_ids=positions.expand(batch, -1, -1),
    ).last_hidden_state
    return tokens.reshape(batch, SOFT_TOKENS_SIDE**2, -1)


def train_vision(
    tower: Gemma4VisionModel,
    images: Images,
    held_out: Images,
    settings: VisionSettings,
    folder: Path,
    progress: Progress,
) -> None:
    """Train ``tower`` in place, resuming from ``folder`` where an earlier run stopped."""
    torch.manual_seed(settings.seed)
    # The stock initial value, all ones, tells no position from another.
    nn.init.normal_(tower.patch_embedder.position_embedding_table, std=0.02)
    heads = FindingHeads(tower.config.hidden_size)
    both = nn.ModuleDict({"tower": tower, "heads": heads})
    optimizer = torch.optim.AdamW(
        both.parameters(), settings.learning_rate, (0.9, 0.98), weight_decay=settings.weight_decay
    )
    rendered = f"renderer {REVISION}, {RENDER_ROWS} rows"
    made_with = f"{len(images.seeds)} studies, {replace(settings, save_every=1)}, {rendered}"
    state = RunState(folder / "vision.pt", both, [optimizer], made_with)
    first = state.resume()
    progress.rewind(first, "vision")
    progress.say_resumed("vision tower", first, settings.steps, state.path)
    rarity = torch.tensor(8.0)
    with progress.bar("vision tower", settings.steps, first) as advance:
        for step in range(first, settings.steps):
            rng = np.random.default_rng((settings.seed, step))
            rows = rng.integers(len(images.seeds), size=settings.batch)
            batch = torch.from_numpy(_augment(images.pixels[rows], rng))
            places = torch.from_numpy(images.places[rows]).flatten(2).transpose(1, 2).float()
            truth = torch.from_numpy(images.truth[rows])
            for group in optimizer.param_groups:
                group["lr"] = settings.learning_rate * warmup_cosine(
                    step, settings.steps, settings.warm_up
                )
            with torch.autocast("cpu", torch.bfloat16):
                seen, named = heads(soft_tokens(tower, batch))
            where = nn.functional.binary_cross_entropy_with_logits(
                seen.float(), places, pos_weight=rarity
            )
            whether = nn.functional.binary_cross_entropy_with_logits(named.float(), truth)
            loss = where + whether
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(both.parameters(), 1.0)
            optimizer.step()
            advance(1, f"loss {loss.item():.3f}")
            if (step + 1) % settings.save_every == 0 or step + 1 == settings.steps:
                state.save(step + 1)
                scores = finding_scores(tower, heads, held_out)
                progress.log(
                    "vision",
                    step=step + 1,
                    where=where.item(),
                    whether=whether.item(),
                    held_out_macro_f1=float(np.mean(list(scores.values()))),
                    **scores,
                )
                mean = np.mean(list(scores.values()))
                progress.say(f"vision step {step + 1}: held-out macro-F1 {mean:.3f}")


@torch.inference_mode()
def finding_scores(
    tower: Gemma4VisionModel, heads: FindingHeads, images: Images
) -> dict[str, float]:
    """F1 of each label on ``images``, called present above a probability of one half."""
    named = []
    for start in range(0, len(images.seeds), 64):
        batch = torch.from_numpy(images.pixels[start : start + 64])
        with torch.autocast("cpu", torch.bfloat16):
            named.append(heads(soft_tokens(tower, batch))[1].float())
    called = (torch.cat(named)[:, : len(LABELS)] > 0).numpy()
    true = images.truth[:, : len(LABELS)] > 0
    hits = (called & true).sum(axis=0)
    wrong = (called != true).sum(axis=0)
    scores = 2 * hits / np.maximum(1, 2 * hits + wrong)
    return dict(zip(LABELS, map(float, scores), strict=True))


@torch.inference_mode()
def encode_images(tower: Gemma4VisionModel, images: Images, progress: Progress) -> Tensor:
    """Soft tokens of every image, (N, 64, D) float16: the tower is frozen from here on."""
    tokens = []
    starts = list(range(0, len(images.seeds), 64))
    for start in progress.track(starts, "encoding images"):
        batch = torch.from_numpy(images.pixels[start : start + 64])
        tokens.append(soft_tokens(tower, batch).half())
    return torch.cat(tokens)


def _augment(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift and re-window a batch: no flips, for sides are what a report is about."""
    moved = np.pad(pixels, ((0, 0), (_JITTER, _JITTER), (_JITTER, _JITTER)), mode="edge")
    result = np.empty_like(pixels)
    for row, (down, right) in enumerate(rng.integers(0, 2 * _JITTER + 1, size=(len(pixels), 2))):
        result[row] = moved[row, down : down + TOWER_ROWS, right : right + TOWER_ROWS]
    gain = rng.uniform(0.85, 1.15, size=(len(pixels), 1, 1))
    offset = rng.uniform(-16, 16, size=(len(pixels), 1, 1))
    return np.clip(result * gain + offset, 0, 255).astype(np.uint8)
