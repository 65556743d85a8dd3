"""How much less likely filler must be for a fill to get the length it wants.

A checkpoint's own figure, measured where nothing was trained and nothing is benchmarked, and kept
beside the filler token in ``tokenizer_config.json``.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.evaluation.filling import fill_case
from inference.evaluation.metrics import token_f1
from inference.evaluation.sentences import remove_sentence
from inference.protocol import Fixed, Gap
from inference.training.findings import Case
from inference.training.progress import Progress
from inference.training.report_language import write_report

BIASES: Final = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


def calibrate_filler_bias(
    checkpoint: Checkpoint,
    cases: Sequence[Case],
    images: NDArray[np.uint8],
    progress: Progress,
) -> float:
    """The bias of :data:`BIASES` (nats) with which removed sentences are filled best.

    One sentence of each case's report is taken out and filled from both sides, its length open.
    ``images`` (N, rows, columns) belong to the ``cases``.
    """
    scores = {}
    for bias in progress.track(BIASES, "calibrating filler"):
        settings = replace(checkpoint.settings, filler_bias=bias)
        engine = DiffusionEngine(replace(checkpoint, settings=settings))
        scores[bias] = fmean(
            _score(engine, case, image) for case, image in zip(cases, images, strict=True)
        )
        progress.log("filler-bias", bias=bias, token_f1=scores[bias])
    best = max(scores, key=lambda bias: scores[bias])
    progress.say(f"filler bias {best}: token-F1 {scores[best]:.3f}, without {scores[0.0]:.3f}")
    return best


def _score(engine: DiffusionEngine, case: Case, image: NDArray[np.uint8]) -> float:
    rng = random.Random(f"calibration {case.seed}")
    removed = remove_sentence(write_report(case, rng, held_out=True), rng)
    pieces = (Fixed(removed.left), Gap(), Fixed(removed.right))
    filled = fill_case(engine, case, pieces, image)
    return token_f1(filled.fills[0], removed.sentence)
