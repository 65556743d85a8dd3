"""Random weights of a preset's architecture, built once and in the dtype that they are used in."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import resources
from inference import memory, random_weights
from inference.checkpoints import CheckpointError
from inference.engines.diffusion import DiffusionEngine
from inference.memory import GIB
from inference.protocol import Fixed, Gap, Infill, Options
from inference.random_weights import (
    assemble_random,
    configuration,
    on_meta,
    padded_tokenizer,
    random_checkpoint,
    shallower,
)
from inference.training import demo_model

NARROW = {
    "hidden_size": 64,
    "intermediate_size": 48,
    "head_dim": 16,
    "global_head_dim": 32,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_global_key_value_heads": 1,
    "num_experts": 8,
    "moe_intermediate_size": 16,
    "vocab_size": 4096,
}
NARROW_VISION = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 16,
}


def narrow_26b(layers: int) -> tuple[Any, Any]:
    """The large preset's configuration with everything that costs memory made small."""
    tokenizer = padded_tokenizer(resources.demo_checkpoint(), NARROW["vocab_size"])
    config = configuration(
        tokenizer, random_weights._TEXT_26B | NARROW, random_weights._VISION_26B | NARROW_VISION, 64
    )
    return shallower(config, layers), tokenizer


def test_the_large_preset_has_the_published_size() -> None:
    tokenizer = padded_tokenizer(resources.demo_checkpoint(), 262_144)
    assert len(tokenizer) == 262_144
    config = configuration(
        tokenizer, random_weights._TEXT_26B, random_weights._VISION_26B, canvas_length=256
    )
    model = on_meta(config)
    assert 25.5e9 < model.num_parameters() < 26.5e9
    assert {parameter.device.type for parameter in model.parameters()} == {"meta"}


@pytest.mark.parametrize("layers", [1, 2])
def test_a_narrow_one_is_built_and_fills(layers: int) -> None:
    config, tokenizer = narrow_26b(layers)
    checkpoint = assemble_random(config, tokenizer, demo_model.image_processor(), "cpu", "narrow")
    model = checkpoint.model
    assert config.text_config.layer_types[-1] == "full_attention"
    assert len(model.model.decoder.layers) == layers
    assert model.model.decoder.layers[0].experts.gate_up_proj is (
        model.model.encoder.language_model.layers[0].experts.gate_up_proj
    )
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        assert tensor.device.type == "cpu", name
        assert tensor.isfinite().all(), name
    pieces = (Fixed("The heart is"), Gap(4), Fixed(" No effusion."))
    request = Infill("random", pieces, options=Options(seed=1, candidates=1, max_steps=3))
    filled = DiffusionEngine(checkpoint).infill(request, None, lambda _: None, lambda: False)
    assert filled.steps == 3


def test_its_buffers_are_those_of_a_model_that_was_made_the_usual_way() -> None:
    from transformers import DiffusionGemmaForBlockDiffusion

    config, tokenizer = narrow_26b(2)
    checkpoint = assemble_random(config, tokenizer, demo_model.image_processor(), "cpu", "narrow")
    usual = dict(DiffusionGemmaForBlockDiffusion(config).named_buffers())
    ours = dict(checkpoint.model.named_buffers())
    assert ours.keys() == usual.keys()
    for name, buffer in usual.items():
        assert torch.equal(ours[name], buffer), name


def test_it_is_bfloat16_where_float32_would_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, tokenizer = narrow_26b(1)
    monkeypatch.setattr(memory, "free_memory", lambda device: 64 * 2**20)
    checkpoint = assemble_random(config, tokenizer, demo_model.image_processor(), "cpu", "narrow")
    assert checkpoint.info.dtype == "bfloat16"
    assert checkpoint.model.lm_head.weight.dtype == torch.bfloat16
    assert torch.get_default_dtype() == torch.float32


def test_what_does_not_fit_is_refused_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda device: 16 * GIB)
    monkeypatch.delattr(random_weights, "materialise")
    with pytest.raises(CheckpointError, match=r"25\.8 billion parameters.*--layers N"):
        random_checkpoint("26b-a4b", "cpu")


@pytest.mark.parametrize("layers", [0, 7])
def test_layers_that_are_not_there(layers: int) -> None:
    with pytest.raises(CheckpointError, match="Choose 1 to 6"):
        random_checkpoint("demo-size", "cpu", layers)


def test_an_unknown_preset() -> None:
    with pytest.raises(CheckpointError, match="demo-size, 26b-a4b"):
        random_checkpoint("7b", "cpu")
