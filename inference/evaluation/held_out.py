"""Held-out fictional studies, one a seed: what the benchmarks are asked on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.training.findings import Case, sample_case
from inference.training.report_language import write_report

_ROWS: Final = 1024
"""Rows of a rendered study; a workstation halves them before the model sees the image."""


@dataclass(frozen=True)
class Study:
    """``image`` (rows, columns) is as a workstation hands it to the model; ``rng`` goes on."""

    case: Case
    image: NDArray[np.uint8]
    report: str
    rng: random.Random


def held_out(seed: int) -> Study:
    """Render one study and write its report. Equal seeds give equal studies."""
    from inference.training.demo_corpus import display_image

    case = sample_case(seed)
    image = display_image(case, _ROWS).reshape(_ROWS // 2, 2, _ROWS // 2, 2).mean(axis=(1, 3))
    rng = random.Random(f"bench {seed}")
    report = write_report(case, rng, held_out=True)
    return Study(case, np.rint(image).astype(np.uint8), report, rng)
