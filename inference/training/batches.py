"""Examples to train an adapter on, as the tensors that a model takes.

Everything random in an example comes from the run's seed, the epoch and the example's own number,
so that it is the same on one device and on many, and after a run went on where it was stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from inference.prompt import Prompt, patch, write_ask, write_stem
from inference.training.data.images import read_image
from inference.training.data.rows import Row

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from transformers.image_processing_base import ImageProcessingMixin


_LONGEST_SIDE: Final = 512
"""Pixels. The window shrinks what is larger before it hands it over."""


@dataclass(frozen=True)
class Asked:
    """One example before it is noised: tokens of the prompt, and of what is to be written.

    ``types`` marks the soft tokens of an image with 1. The first ``stem`` tokens of the prompt are
    the study's, the rest asks for its report or is a question. ``number`` tells examples apart for
    what is drawn at random.
    """

    prompt: list[int]
    types: list[int]
    answer: list[int]
    stem: int
    is_report: bool
    number: int
    image: NDArray[np.uint8] | None


@dataclass(frozen=True)
class Batch:
    """Prompts (B, P), padded on the left; ``seen`` (B, P) marks what is no padding.

    ``pixel_values`` and ``position_ids`` are those of the examples that have an image, in order.
    """

    examples: tuple[Asked, ...]
    prompt: Prompt
    seen: Tensor
    pixel_values: Tensor | None
    position_ids: Tensor | None


def ask(
    tokenizer: PreTrainedTokenizerBase,
    *,
    question: str | None,
    context: str,
    answer: str,
    image: NDArray[np.uint8] | None,
    soft_tokens: int | None,
    number: int,
) -> Asked:
    """The tokens of one example; without a question the report is asked for."""
    stem = write_stem(tokenizer, context, soft_tokens)
    rest = write_ask(tokenizer) if question is None else write_ask(tokenizer, question)
    ids = [*stem.input_ids[0].tolist(), *rest]
    types = [*stem.token_type_ids[0].tolist(), *[0] * len(rest)]
    written: list[int] = tokenizer.encode(
        answer, add_special_tokens=False, split_special_tokens=True
    )
    stem_length = len(ids) - len(rest)
    return Asked(ids, types, written, stem_length, question is None, number, image)


def asked_of(checkpoint: Any, row: Row, number: int) -> Asked:
    """One row, with its image. Raises :class:`~inference.training.data.rows.DataError`."""
    image = None if row.image is None else shrunk(read_image(row.image))
    soft = None if image is None else patch(image, checkpoint.image_processor).soft_tokens
    return ask(
        checkpoint.tokenizer,
        question=row.question,
        context=row.context,
        answer=row.answer,
        image=image,
        soft_tokens=soft,
        number=number,
    )


def shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image (rows, columns) as the window hands it over: no side longer than 512 pixels."""
    rows, columns = image.shape
    if max(rows, columns) <= _LONGEST_SIDE:
        return image
    share = _LONGEST_SIDE / max(rows, columns)
    size = (max(1, round(columns * share)), max(1, round(rows * share)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def stack(
    examples: Sequence[Asked],
    processor: ImageProcessingMixin,
    pad: int,
    device: torch.device,
) -> Batch:
    """Put examples side by side, padded with ``pad`` on the left."""
    longest = max(len(example.prompt) for example in examples)
    ids = torch.full((len(examples), longest), pad)
    types = torch.zeros_like(ids)
    for row, example in enumerate(examples):
        ids[row, longest - len(example.prompt) :] = torch.tensor(example.prompt)
        types[row, longest - len(example.prompt) :] = torch.tensor(example.types)
    seen = torch.ones_like(ids)
    for row, example in enumerate(examples):
        seen[row, : longest - len(example.prompt)] = 0
    images = [example.image for example in examples if example.image is not None]
    pixel_values = position_ids = None
    if images:
        features = processor(
            [Image.fromarray(image).convert("RGB") for image in images], return_tensors="pt"
        )
        pixel_values = features["pixel_values"].to(device)
        position_ids = features["image_position_ids"].to(device)
    prompt = Prompt(ids.to(device), types.to(device))
    return Batch(tuple(examples), prompt, seen.to(device), pixel_values, position_ids)
