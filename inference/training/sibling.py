"""The autoregressive sibling: Gemma 4 with the weights of a DiffusionGemma.

DiffusionGemma's encoder *is* a Gemma 4: the same layers, read causally, in front of the same vision
tower. What is left out of the sibling is the self-conditioning, which only a denoiser has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from inference.training.demo_model import CANVAS_LENGTH

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import (
        DiffusionGemmaConfig,
        DiffusionGemmaForBlockDiffusion,
        Gemma4Config,
        Gemma4ForConditionalGeneration,
        GenerationConfig,
    )

_ENCODER: Final = "model.encoder."
_OF_DIFFUSION_ALONE: Final = ("model_type", "architectures")


def sibling_config(config: DiffusionGemmaConfig) -> Gemma4Config:
    """Gemma 4's configuration of the same size and shape."""
    from transformers import Gemma4Config

    text = {
        name: value
        for name, value in config.text_config.to_dict().items()
        if name not in _OF_DIFFUSION_ALONE
    }
    return Gemma4Config(
        text_config={
            **text,
            # What DiffusionGemma has by design and Gemma 4 by configuration.
            "attention_k_eq_v": True,
            "enable_moe_block": True,
            "hidden_size_per_layer_input": 0,
            "vocab_size_per_layer_input": config.text_config.vocab_size,
            "final_logit_softcapping": config.text_config.final_logit_softcapping,
        },
        vision_config=config.vision_config.to_dict(),
        audio_config=None,
        image_token_id=config.image_token_id,
        boi_token_id=config.boi_token_id,
        eoi_token_id=config.eoi_token_id,
    )


def sibling_of(model: DiffusionGemmaForBlockDiffusion) -> Gemma4ForConditionalGeneration:
    """A Gemma 4 that begins with the encoder's weights, copied."""
    from transformers import Gemma4ForConditionalGeneration

    sibling = Gemma4ForConditionalGeneration(sibling_config(model.config))
    sibling.load_state_dict(shared_weights(model))
    sibling.tie_weights()
    sibling.generation_config = greedy(model.config, 2 * CANVAS_LENGTH)
    return sibling


def shared_weights(model: DiffusionGemmaForBlockDiffusion) -> dict[str, Tensor]:
    """What of a DiffusionGemma is the sibling's too, under the names it has there."""
    weights = model.state_dict()
    return {
        f"model.{name.removeprefix(_ENCODER)}": weight
        for name, weight in weights.items()
        if name.startswith(_ENCODER)
    } | {"lm_head.weight": weights["lm_head.weight"]}


def greedy(config: DiffusionGemmaConfig, longest: int) -> GenerationConfig:
    """Settings of a sibling that writes the likeliest of at most ``longest`` tokens."""
    from transformers import GenerationConfig

    text = config.text_config
    return GenerationConfig(
        max_new_tokens=longest,
        do_sample=False,
        pad_token_id=text.pad_token_id,
        bos_token_id=text.bos_token_id,
        eos_token_id=text.eos_token_id,
    )
