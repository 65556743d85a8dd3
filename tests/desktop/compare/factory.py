"""Recordings as a worker might have left them."""

from __future__ import annotations

import msgspec

from desktop.compare.recording import Recording
from inference.protocol import Candidate, Canvas, Filled, Gap, ModelInfo, Piece, Run
from tests.desktop.fake_worker import MODEL

SIBLING = msgspec.structs.replace(
    MODEL, name="fake-autoregressive", paradigm="autoregressive", checkpoint="/checkpoints/sibling"
)


def canvas(step: int, seconds: float, *gaps: str, settled: bool = False) -> Canvas:
    runs = tuple((Run(text, settled),) if text else () for text in gaps)
    return Canvas("1", step, 48, 96, seconds, runs)


def filled(*fills: str, seconds: float = 1.0, tokens: int = 96, forwards: int = 10) -> Filled:
    return Filled(
        request_id="1",
        candidates=(Candidate(fills),),
        steps=9,
        forwards=forwards,
        tokens=tokens,
        seconds=seconds,
        prefix_seconds=0.0,
        prefix_encodings=0,
        seed=7,
        checkpoint="/checkpoints/fake",
        device="cpu",
    )


def recording(
    *canvases: Canvas,
    fills: tuple[str, ...] = ("No effusion.",),
    pieces: tuple[Piece, ...] = (Gap(),),
    seconds: float = 1.0,
    model: ModelInfo = MODEL,
) -> Recording:
    return Recording(model, pieces, canvases, filled(*fills, seconds=seconds))
