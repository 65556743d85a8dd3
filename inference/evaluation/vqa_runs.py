"""One question of ``pinfill bench vqa`` put to every writer, in a worker process.

Each writer is asked three times: with the question's own image, with a black one of the same size,
and with the image of another question. A writer whose answers to the last two are as good has not
looked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.engines.base import BadRequest
from inference.evaluation.answering import answer, image_of
from inference.evaluation.pool import settle_in
from inference.evaluation.writers import Setup, engine_of
from inference.training.batches import shrunk
from inference.training.data.images import UnreadableImage, read_image
from inference.training.data.rows import Row

Image = Literal["own", "blank", "shuffled"]
IMAGES: Final[tuple[Image, ...]] = ("own", "blank", "shuffled")


@dataclass(frozen=True)
class Question:
    """``number`` is its place among all questions of the split, and the seed of its answers."""

    number: int
    row: Row
    other: Path | None
    """The image of another question, for the control; ``None`` where there is no other."""


class Said(msgspec.Struct, frozen=True):
    """An answer; ``steps`` counts denoising steps, or tokens that were written."""

    text: str
    steps: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One question: what was said to it, by :func:`answer_name`, or why it could not be asked."""

    number: int
    id: str
    said: dict[str, Said] = {}
    skipped: str = ""


def answer_name(writer: str, image: Image) -> str:
    """The name of an answer within a question's."""
    return f"{writer}/{image}"


def shuffled(rows: Sequence[Row], seed: int) -> list[Path | None]:
    """For every row the image of another, never its own; each is taken about as often as before.

    ``None`` where all rows have one image.
    """
    rng = np.random.default_rng(seed)
    drawn = [rows[place].image for place in rng.permutation(len(rows))]
    for place, row in enumerate(rows):
        if drawn[place] != row.image:
            continue
        fits = [
            other
            for other in range(len(rows))
            if drawn[other] != row.image and rows[other].image != drawn[place]
        ]
        if fits:
            other = int(rng.choice(fits))
            drawn[place], drawn[other] = drawn[other], drawn[place]
    return [None if image == row.image else image for image, row in zip(drawn, rows, strict=True)]


def measure(setup: Setup, question: Question) -> Asked:
    """Let every writer answer; a question that cannot be asked is skipped, and says why.

    Raises :class:`~inference.checkpoints.CheckpointError`.
    """
    settle_in()
    row = question.row
    said: dict[str, Said] = {}
    images: dict[Image, NDArray[np.uint8]] = {}
    try:
        if (own := image_of(row)) is not None:
            images["own"] = own
            images["blank"] = np.zeros_like(own)
            if question.other is not None:
                images["shuffled"] = shrunk(read_image(question.other))
        for writer in setup.writers:
            engine = engine_of(writer, setup.device)
            for name in IMAGES:
                if name == "own" or name in images:
                    made = answer(engine, row, images.get(name), seed=question.number)
                    said[answer_name(writer.name, name)] = Said(made.text, made.steps)
    except (BadRequest, UnreadableImage) as error:
        return Asked(number=question.number, id=row.id, skipped=str(error))
    return Asked(number=question.number, id=row.id, said=said)
