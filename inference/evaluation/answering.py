"""Answers to questions about an image, from either kind of model: what training is watched by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from inference.prompt import INSTRUCTION
from inference.protocol import Gap, Infill, Options, image_digest
from inference.training.batches import shrunk
from inference.training.data.images import read_image

if TYPE_CHECKING:
    from inference.engines.base import Engine
    from inference.training.data.rows import Row

_PUNCTUATION: Final = re.compile(r"[^\w\s]")


@dataclass(frozen=True)
class Answer:
    """``steps`` counts denoising steps, or tokens that were written."""

    text: str
    steps: int


def plain(text: str) -> str:
    """What of an answer counts: its words, in lower case."""
    return " ".join(_PUNCTUATION.sub(" ", text.lower()).split())


def is_right(text: str, row: Row) -> bool:
    """Whether an answer is, word for word, one that the data accepts."""
    return plain(text) in {plain(accepted) for accepted in (row.answer, *row.alternatives)}


def image_of(row: Row) -> NDArray[np.uint8] | None:
    """The image (rows, columns) of a row, as the window would hand it over.

    Raises :class:`~inference.training.data.rows.DataError`.
    """
    return None if row.image is None else shrunk(read_image(row.image))


def answer(engine: Engine, row: Row, image: NDArray[np.uint8] | None, seed: int) -> Answer:
    """What the model says to the question of a row, the likeliest words first; without a question
    its report. ``image`` (rows, columns) is shown beside it. A denoiser's canvas is where it ends:
    one that is not trained yet would write on and on.
    """
    name = None
    if image is not None:
        name = image_digest(image.tobytes(), image.shape[1], image.shape[0])
    request = Infill(
        request_id="evaluation",
        pieces=(Gap(),),
        image_id=name,
        context=row.context,
        options=Options(seed=seed, candidates=1),
        question=INSTRUCTION if row.question is None else row.question,
    )
    filled = engine.infill(request, image, lambda _: None, lambda: False)
    return Answer(filled.fills[0], filled.steps)
