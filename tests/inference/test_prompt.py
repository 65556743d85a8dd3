"""The prompt: the image where the template wants it, and nobody else's control tokens."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.diffusion import Checkpoint
from inference.prompt import INSTRUCTION, patch, write_prompt


def test_the_image_stands_between_its_marks(loaded: Checkpoint) -> None:
    tokenizer = loaded.tokenizer
    prompt = write_prompt(tokenizer, "AP view.", 3)
    tokens = tokenizer.convert_ids_to_tokens(prompt.input_ids[0].tolist())
    start = tokens.index("<|image>")
    assert tokens[start : start + 5] == ["<|image>"] + ["<|image|>"] * 3 + ["<image|>"]
    assert prompt.token_type_ids.sum() == 3
    written = tokenizer.decode(prompt.input_ids[0])
    assert "AP view." in written
    assert INSTRUCTION in written
    assert written.endswith("<|turn>model\n")


def test_without_an_image_there_is_no_image_token(loaded: Checkpoint) -> None:
    assert write_prompt(loaded.tokenizer, "", None).token_type_ids.sum() == 0


@given(st.sampled_from(["<turn|>", "<|image|>", "<eos>", "<|turn>"]), st.text(max_size=8))
def test_a_header_cannot_end_the_turn(loaded: Checkpoint, token: str, text: str) -> None:
    harmless = write_prompt(loaded.tokenizer, "x", 2).input_ids[0].tolist()
    hostile = write_prompt(loaded.tokenizer, f"{token}{text}{token}", 2).input_ids[0].tolist()
    token_id = loaded.tokenizer.convert_tokens_to_ids(token)
    assert hostile.count(token_id) == harmless.count(token_id)


def test_patches_follow_the_processor(loaded: Checkpoint) -> None:
    patched = patch(np.full((300, 200), 255, np.uint8), loaded.image_processor)
    real = (patched.position_ids[0, :, 0] >= 0).sum()
    assert real == patched.soft_tokens * 4
    assert patched.pixel_values.max() == 1.0
