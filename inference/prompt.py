"""The prompt: a study's image and context, as the tokens and tensors that the encoder takes.

One place for training and for the worker, so that the model meets at the workstation just what
it was trained on. The checkpoint's own chat template and image processor are used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from inference.templates import bounded_rendering, check_length

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase
    from transformers.image_processing_base import ImageProcessingMixin

INSTRUCTION: Final = "Write the FINDINGS and the IMPRESSION of the report."

GAP_MARK: Final = "[GAP]"
LATER_MARK: Final = "[...]"
"""Where a gap is that is asked for, and where one is that is not yet."""

_FILL: Final = (
    f"Reply with the words that are missing at {GAP_MARK} in this report, and with no more."
)


@dataclass(frozen=True)
class PatchedImage:
    """What the image processor makes of an image.

    ``pixel_values`` (1, patches, 3 * patch_size ** 2) in [0, 1], ``position_ids``
    (1, patches, 2) as (x, y), ``soft_tokens`` the number of tokens that the tower returns.
    """

    pixel_values: Tensor
    position_ids: Tensor
    soft_tokens: int


@dataclass(frozen=True)
class Prompt:
    """``input_ids`` and ``token_type_ids`` of shape (1, P); type 1 marks an image's tokens."""

    input_ids: Tensor
    token_type_ids: Tensor


def patch(pixels: NDArray[np.uint8], processor: ImageProcessingMixin) -> PatchedImage:
    """Prepare an 8-bit greyscale image (rows, columns), white is dense, for the vision tower."""
    features = processor(Image.fromarray(pixels).convert("RGB"), return_tensors="pt")
    return PatchedImage(
        features["pixel_values"],
        features["image_position_ids"],
        int(features["num_soft_tokens_per_image"][0]),
    )


def write_prompt(
    tokenizer: PreTrainedTokenizerBase,
    context: str,
    soft_tokens: int | None,
    question: str | None = None,
) -> Prompt:
    """The user's turn: the image (``None`` for a prompt without one), context, instruction.

    A ``question`` about the study takes the place of the instruction.
    """
    if question is None:
        return _tokenized(tokenizer, _render(tokenizer, context, soft_tokens, INSTRUCTION))
    stem = write_stem(tokenizer, context, soft_tokens)
    asked = torch.tensor([write_ask(tokenizer, question)])
    return Prompt(
        torch.cat([stem.input_ids, asked], dim=-1),
        torch.cat([stem.token_type_ids, torch.zeros_like(asked)], dim=-1),
    )


def write_stem(tokenizer: PreTrainedTokenizerBase, context: str, soft_tokens: int | None) -> Prompt:
    """The same up to the instruction: what everything that is asked of a study begins with."""
    rendered = _render(tokenizer, context, soft_tokens, INSTRUCTION)
    return _tokenized(tokenizer, rendered[: rendered.rindex(INSTRUCTION)])


def write_ask(tokenizer: PreTrainedTokenizerBase, instruction: str = INSTRUCTION) -> list[int]:
    """What follows the stem: the instruction, and the beginning of the model's turn."""
    asked = _plain(instruction, tokenizer).strip()
    # Not searched for as it is: a short question may stand in the template as well.
    start = _render(tokenizer, "", None, INSTRUCTION).rindex(INSTRUCTION)
    rendered = _render(tokenizer, "", None, asked)
    ids: list[int] = tokenizer.encode(rendered[start:], add_special_tokens=False)
    return ids


def fill_instruction(left: str, right: str) -> str:
    """Asks for the words between two texts, which are shown around the mark of a gap."""
    return f"{_FILL}\n\n{left}{GAP_MARK}{right}"


def _render(
    tokenizer: PreTrainedTokenizerBase, context: str, soft_tokens: int | None, instruction: str
) -> str:
    content: list[dict[str, str]] = [] if soft_tokens is None else [{"type": "image"}]
    text = f"{_plain(context, tokenizer)}\n{instruction}" if context else instruction
    content.append({"type": "text", "text": text})
    with bounded_rendering():
        rendered: str = tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
        )
    check_length(rendered, text)
    if soft_tokens is None:
        return rendered
    image_token = str(tokenizer.image_token)
    expanded = f"{tokenizer.boi_token}{image_token * soft_tokens}{tokenizer.eoi_token}"
    return rendered.replace(image_token, expanded)


def _tokenized(tokenizer: PreTrainedTokenizerBase, rendered: str) -> Prompt:
    ids = tokenizer(rendered, add_special_tokens=False, return_tensors="pt")["input_ids"]
    is_image = ids == tokenizer.convert_tokens_to_ids(str(tokenizer.image_token))
    return Prompt(ids, is_image.long())


def _plain(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The text with nothing in it that the tokenizer would take for a control token.

    A DICOM header is somebody else's text: it must not be able to end the user's turn.
    """
    for token in tokenizer.added_tokens_decoder.values():
        if token.special and token.content in text:
            text = text.replace(token.content, token.content.replace("<", "\u2039"))
    return text
