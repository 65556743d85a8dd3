"""The decoder asked for some positions says what the model's own forward says of them."""

from __future__ import annotations

import pytest
import torch

from inference.engines.decoder import decoder_behind
from inference.engines.diffusion import Checkpoint
from inference.engines.prefixes import encode_prefix, extend, shared_by


@pytest.mark.parametrize("rows", [1, 3])
def test_it_agrees_with_the_model_s_own_forward(loaded: Checkpoint, rows: int) -> None:
    """Where pinned, the model's own is conditioned by logits that are one-hot."""
    model = loaded.model
    length = loaded.info.canvas_length
    vocabulary = model.config.text_config.vocab_size
    generator = torch.Generator().manual_seed(rows)
    canvas = torch.randint(vocabulary, (rows, length), generator=generator)
    free = torch.randperm(rows * length, generator=generator)[:40].sort().values
    logits = torch.randn(len(free), vocabulary, generator=generator)
    whole = torch.full((rows * length, vocabulary), -torch.inf)
    whole[torch.arange(rows * length), canvas.flatten()] = 0.0
    whole[free] = logits

    with torch.inference_mode():
        prefix = encode_prefix(loaded, None, "Chest radiograph.")
        decode = decoder_behind(model, prefix)
        for conditioning, ours in ((None, None), (whole.view(rows, length, -1), logits)):
            stock = model(
                past_key_values=shared_by(prefix, rows),
                decoder_input_ids=canvas,
                self_conditioning_logits=conditioning,
            ).logits.flatten(0, 1)[free]
            torch.testing.assert_close(decode(canvas, ours, free), stock)
        again = decode(canvas, None, free)
        torch.testing.assert_close(again, decode(canvas, None, free), rtol=0, atol=0)


def test_conditioning_ends_with_the_forward(loaded: Checkpoint) -> None:
    """Others who use the model afterwards, such as a trainer, find it as it was."""
    hooks = loaded.model.model.decoder.self_conditioning._forward_pre_hooks
    places = torch.arange(loaded.info.canvas_length)
    vocabulary = loaded.model.config.text_config.vocab_size
    with torch.inference_mode():
        decode = decoder_behind(loaded.model, encode_prefix(loaded, None, ""))
        decode(places[None], torch.zeros(len(places), vocabulary), places)
    assert not hooks


def test_text_behind_a_prefix_is_as_if_it_had_been_in_the_prompt(loaded: Checkpoint) -> None:
    """What is encoded later, behind what is kept, changes nothing of the first."""
    from inference.engines.prefixes import branch, encode
    from inference.prompt import Prompt, write_prompt

    model = loaded.model
    prompt = write_prompt(loaded.tokenizer, "Chest radiograph.", None)
    words = torch.tensor(
        [loaded.tokenizer.encode("Heart size is normal.", add_special_tokens=False)]
    )
    whole = Prompt(
        torch.cat([prompt.input_ids, words], dim=1),
        torch.cat([prompt.token_type_ids, torch.zeros_like(words)], dim=1),
    )
    canvas = torch.randint(20, (1, loaded.info.canvas_length))
    places = torch.arange(loaded.info.canvas_length)
    with torch.inference_mode():
        first = encode(model, prompt)
        length = first.get_seq_length()
        longer = extend(model, branch(first), words)
        assert first.get_seq_length() == length
        together = decoder_behind(model, encode(model, whole))(canvas, None, places)
        apart = decoder_behind(model, longer)(canvas, None, places)
        torch.testing.assert_close(apart, together)
