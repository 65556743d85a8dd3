"""One fill of a fictional study, straight from an engine: what benchmark and training watch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from inference.engines.base import Engine
from inference.protocol import Filled, Infill, Mode, Options, Piece
from inference.training.findings import Case
from inference.training.report_language import prompt_context


def fill_case(
    engine: Engine,
    case: Case,
    pieces: Sequence[Piece],
    image: NDArray[np.uint8],
    *,
    name: str = "image",
    seed: int | None = None,
    mode: Mode | None = None,
) -> Filled:
    """Fill the gaps of ``pieces`` from ``image`` (rows, columns) and what the prompt tells of it.

    ``name`` tells several images of a case apart; ``seed`` is the case's own where none is given.
    ``mode`` is for an autoregressive model.
    """
    request = Infill(
        request_id="evaluation",
        pieces=tuple(pieces),
        image_id=f"{case.seed} {name}",
        context=prompt_context(case),
        options=Options(seed=case.seed if seed is None else seed, mode=mode),
    )
    return engine.infill(request, image, lambda _: None, lambda: False)
