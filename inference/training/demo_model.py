"""The demo checkpoint's architecture and tokenizer: DiffusionGemma's format, a small size.

Everything that a released checkpoint folder has is here too (configuration, processor files, chat
template, special tokens), so that no code can tell the two apart but by the numbers in the files.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from transformers import (
        DiffusionGemmaConfig,
        DiffusionGemmaForBlockDiffusion,
        Gemma4ImageProcessorPil,
        GemmaTokenizer,
    )

CANVAS_LENGTH: Final = 128
VOCABULARY: Final = 3072
"""Reports need about a thousand tokens, the others stay unused, as thousands of Gemma's do.

Uniform noise is then mostly tokens that no report holds, as it is with a vocabulary of 262,144,
and a denoiser can tell what is noise.
"""

SOFT_TOKENS_SIDE: Final = 8
"""The vision tower sees 16 x 16 patches and pools 2 x 2 of them into each of 8 x 8 soft tokens."""

_HEAD: Final = ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<unused0>", "<unused1>")
_HEAD_UNUSED: Final = sum(token.startswith("<unused") for token in _HEAD)
_CONTROL: Final = ("<|turn>", "<turn|>", "<|image>", "<|image|>", "<image|>")
FILLER: Final = "<unused0>"
"""Spent at the end of a gap that is longer than its text; declared in the tokenizer's files."""

_FIRST_SHARE: Final = 0.2
"""What a sublayer of a fresh model adds to the residual stream, of that stream's own size."""

_CHAT_TEMPLATE: Final = """\
{{ bos_token }}
{%- for message in messages %}
    {{- '<|turn>' + message['role'] + '\\n' }}
    {%- if message['content'] is string %}
        {{- message['content'] }}
    {%- else %}
        {%- for part in message['content'] %}
            {%- if part['type'] == 'image' %}
                {{- '<|image|>\\n' }}
            {%- else %}
                {{- part['text'] }}
            {%- endif %}
        {%- endfor %}
    {%- endif %}
    {{- '<turn|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|turn>model\\n' }}
{%- endif %}
"""


def train_tokenizer(texts: Iterable[str]) -> GemmaTokenizer:
    """A byte-fallback BPE tokenizer in Gemma's format, :data:`VOCABULARY` tokens at most.

    Merges stay within words: a word carries the space before it, punctuation and line breaks
    stand alone.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers import GemmaTokenizer

    draft = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
    draft.normalizer = normalizers.Replace(" ", "\u2581")
    draft.pre_tokenizer = pre_tokenizers.Split(
        Regex("\u2581?[A-Za-z]+|\u2581?[0-9]|\u2581?[^A-Za-z0-9\u2581\\s]|\\s|\u2581"), "isolated"
    )
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[*_HEAD, *_CONTROL, *bytes_],
        initial_alphabet=["\u2581", "\n", *map(chr, range(33, 127))],
        show_progress=False,
    )
    draft.train_from_iterator(texts, trainer)
    trained = draft.to_str()
    vocabulary, merges = _model_of(trained)
    for number in range(VOCABULARY - len(vocabulary)):
        vocabulary[f"<unused{number + _HEAD_UNUSED}>"] = len(vocabulary)
    return GemmaTokenizer(
        vocab=vocabulary,
        merges=merges,
        model_max_length=8192,
        clean_up_tokenization_spaces=False,
        chat_template=_CHAT_TEMPLATE,
        extra_special_tokens={
            "boi_token": "<|image>",
            "eoi_token": "<image|>",
            "image_token": "<|image|>",
            "sot_token": "<|turn>",
            "eot_token": "<turn|>",
            "filler_token": FILLER,
        },
    )


def _model_of(tokenizer_json: str) -> tuple[dict[str, int], list[tuple[str, str]]]:
    import json

    model = json.loads(tokenizer_json)["model"]
    return model["vocab"], [(left, right) for left, right in model["merges"]]


def image_processor() -> Gemma4ImageProcessorPil:
    """Square images become 16 x 16 patches of 16 px: the most that 70 soft tokens allow."""
    from transformers import Gemma4ImageProcessorPil

    return Gemma4ImageProcessorPil(patch_size=16, pooling_kernel_size=2, max_soft_tokens=70)


def configuration(
    tokenizer: GemmaTokenizer, layers: int = 6, vision_layers: int = 4
) -> DiffusionGemmaConfig:
    """About 1.2 M parameters of vision and 5 M of text, where there are as many layers."""
    from transformers import DiffusionGemmaConfig

    def token_id(token: Any) -> int:
        return int(tokenizer.convert_tokens_to_ids(str(token)))

    return DiffusionGemmaConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 192,
            "intermediate_size": 384,
            "num_hidden_layers": layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 48,
            "global_head_dim": 48,
            "num_global_key_value_heads": 2,
            "max_position_embeddings": 4096,
            "sliding_window": 1024,
            "num_experts": 4,
            "top_k_experts": 2,
            "moe_intermediate_size": 192,
            "use_bidirectional_attention": "vision",
            "pad_token_id": tokenizer.pad_token_id,
            "eos_token_id": [tokenizer.eos_token_id, token_id("<turn|>")],
            "bos_token_id": tokenizer.bos_token_id,
        },
        vision_config={
            "model_type": "gemma4_vision",
            "hidden_size": 128,
            "intermediate_size": 512,
            "num_hidden_layers": vision_layers,
            "num_attention_heads": 4,
            "num_key_value_heads": 4,
            "head_dim": 32,
            "patch_size": 16,
            "pooling_kernel_size": 2,
            "position_embedding_size": 128,
            "max_position_embeddings": 1024,
        },
        image_token_id=token_id(tokenizer.image_token),
        boi_token_id=token_id(tokenizer.boi_token),
        eoi_token_id=token_id(tokenizer.eoi_token),
        canvas_length=CANVAS_LENGTH,
    )


def _calm(model: DiffusionGemmaForBlockDiffusion) -> None:
    """Give a model that starts from nothing weights that it can learn from.

    Gemma 4 scales attention by 1 and adds sublayers to the residual stream at unit size, which
    trained weights are made for. With the stock initial values, all ones, a fresh model looks at
    one random token each and drowns its own input.
    """
    from torch import nn

    for layer in model.model.decoder.layers:
        nn.init.constant_(layer.self_attn.q_norm.weight, layer.self_attn.head_dim**-0.5)
        for norm in (layer.post_attention_layernorm, layer.post_feedforward_layernorm):
            nn.init.constant_(norm.weight, _FIRST_SHARE)


def build(tokenizer: GemmaTokenizer, **layers: int) -> DiffusionGemmaForBlockDiffusion:
    """The untrained model, drawn from torch's global generator.

    ``layers`` are numbers of them that :func:`configuration` takes.
    """
    from transformers import DiffusionGemmaForBlockDiffusion
    from transformers.models.diffusion_gemma.generation_diffusion_gemma import (
        DiffusionGemmaGenerationConfig,
        EntropyBoundSamplerConfig,
    )

    config = configuration(tokenizer, **layers)
    model = DiffusionGemmaForBlockDiffusion(config)
    _calm(model)
    model.generation_config = DiffusionGemmaGenerationConfig(
        max_new_tokens=CANVAS_LENGTH,
        max_denoising_steps=48,
        sampler_config=EntropyBoundSamplerConfig(entropy_bound=0.1),
        t_min=0.4,
        t_max=0.8,
        stability_threshold=1,
        confidence_threshold=0.005,
        pad_token_id=config.text_config.pad_token_id,
        bos_token_id=config.text_config.bos_token_id,
        eos_token_id=config.text_config.eos_token_id,
    )
    return model
