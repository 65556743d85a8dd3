"""Checkpoints with random weights, in memory alone: speed can be measured where no weights are.

A step takes as long with random weights as with trained ones. The presets:

``demo-size``
    the architecture of the bundled checkpoint (:mod:`inference.training.demo_model`);
``26b-a4b``
    ``google/diffusiongemma-26B-A4B-it``, 25.8 billion parameters. Its sizes are those of
    ``convert_diffusion_gemma_weights.py`` in the transformers repository, the script that the
    released checkpoint was made with. The tokenizer is the demo's, its vocabulary filled up with
    unused tokens to the 262,144 of the real one: as many logits, other words.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inference import memory
from inference.checkpoints import CheckpointError, assemble

if TYPE_CHECKING:
    import torch
    from transformers import (
        DiffusionGemmaConfig,
        DiffusionGemmaForBlockDiffusion,
        Gemma4ImageProcessorPil,
        PreTrainedModel,
        PreTrainedTokenizerBase,
    )

    from inference.engines.autoregressive import Checkpoint as AutoregressiveCheckpoint
    from inference.engines.diffusion import Checkpoint

PRESETS: Final = ("demo-size", "26b-a4b")

_VOCABULARY_26B: Final = 262_144
_TEXT_26B: Final = {
    "vocab_size": _VOCABULARY_26B,
    "hidden_size": 2816,
    "intermediate_size": 2112,
    "num_hidden_layers": 30,
    "num_attention_heads": 16,
    "num_key_value_heads": 8,
    "num_global_key_value_heads": 2,
    "head_dim": 256,
    "global_head_dim": 512,
    "num_experts": 128,
    "top_k_experts": 8,
    "moe_intermediate_size": 704,
    "sliding_window": 1024,
    "max_position_embeddings": 262_144,
    "use_bidirectional_attention": "vision",
}
_VISION_26B: Final = {
    "model_type": "gemma4_vision",
    "hidden_size": 1152,
    "intermediate_size": 4304,
    "num_hidden_layers": 27,
    "num_attention_heads": 16,
    "num_key_value_heads": 16,
    "head_dim": 72,
    "pooling_kernel_size": 3,
    "standardize": True,
}
_SOFT_TOKENS_26B: Final = 280
_CANVAS_26B: Final = 256


def random_checkpoint(preset: str, device: str, layers: int | None = None) -> Checkpoint:
    """The preset's architecture on ``device``; ``layers`` makes its text side shallower.

    Raises :class:`~inference.checkpoints.CheckpointError` where it does not fit.
    """
    from inference.training import demo_model
    from resources import demo_checkpoint

    if preset == "demo-size":
        tokenizer = _load_tokenizer(demo_checkpoint())
        config = demo_model.configuration(tokenizer)
        if layers is not None:
            config = shallower(config, layers)
        return assemble_random(config, tokenizer, demo_model.image_processor(), device, preset)
    if preset != "26b-a4b":
        raise CheckpointError(f"There is no preset {preset!r}. Choose one of {', '.join(PRESETS)}.")
    from transformers import Gemma4ImageProcessorPil

    tokenizer = padded_tokenizer(demo_checkpoint(), _VOCABULARY_26B)
    processor = Gemma4ImageProcessorPil(
        patch_size=16, pooling_kernel_size=3, max_soft_tokens=_SOFT_TOKENS_26B
    )
    config = configuration(tokenizer, _TEXT_26B, _VISION_26B, _CANVAS_26B)
    if layers is not None:
        config = shallower(config, layers)
    return assemble_random(config, tokenizer, processor, device, preset)


def configuration(
    tokenizer: PreTrainedTokenizerBase,
    text: dict[str, Any],
    vision: dict[str, Any],
    canvas_length: int,
) -> DiffusionGemmaConfig:
    """Sizes, and the special tokens of ``tokenizer``."""
    from transformers import DiffusionGemmaConfig

    def token_id(token: Any) -> int:
        return int(tokenizer.convert_tokens_to_ids(str(token)))

    special = {
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": [tokenizer.eos_token_id, token_id("<turn|>")],
    }
    return DiffusionGemmaConfig(
        text_config=text | special,
        vision_config=vision,
        image_token_id=token_id(tokenizer.image_token),
        boi_token_id=token_id(tokenizer.boi_token),
        eoi_token_id=token_id(tokenizer.eoi_token),
        canvas_length=canvas_length,
    )


def shallower(config: DiffusionGemmaConfig, layers: int) -> DiffusionGemmaConfig:
    """The same with its last ``layers`` text layers alone, so that kinds of attention stay mixed.

    Raises :class:`~inference.checkpoints.CheckpointError` for a number that it does not have.
    """
    from transformers import DiffusionGemmaConfig

    content = config.to_dict()
    text = content["text_config"]
    if not 1 <= layers <= text["num_hidden_layers"]:
        raise CheckpointError(
            f"There are no {layers} layers to keep. Choose 1 to {text['num_hidden_layers']}."
        )
    full = config.text_config.per_layer_config[text["num_hidden_layers"] - 1]
    text.pop("per_layer_config", None)
    text |= {
        "num_hidden_layers": layers,
        "layer_types": text["layer_types"][-layers:],
        "global_head_dim": full.head_dim,
        "num_global_key_value_heads": full.num_key_value_heads,
    }
    return DiffusionGemmaConfig.from_dict(content)


def assemble_random(
    config: DiffusionGemmaConfig,
    tokenizer: PreTrainedTokenizerBase,
    processor: Gemma4ImageProcessorPil,
    device: str,
    name: str,
) -> Checkpoint:
    """A checkpoint as :func:`~inference.checkpoints.load` returns one, without a folder.

    Raises :class:`~inference.checkpoints.CheckpointError` where it does not fit ``device``.
    """
    import torch
    from transformers.models.diffusion_gemma.generation_diffusion_gemma import (
        DiffusionGemmaGenerationConfig,
        EntropyBoundSamplerConfig,
    )

    from inference.engines.filling import CANDIDATES
    from inference.engines.prefixes import PREFIXES_KEPT

    model = on_meta(config)
    count = model.num_parameters()
    free, cpu_free = memory.free_memory(device), memory.free_memory("cpu")

    def need(dtype: str) -> memory.Need:
        width = memory.WIDTH[dtype]
        return memory.need(
            config,
            count * width,
            width,
            prefixes=PREFIXES_KEPT,
            positions=CANDIDATES * config.canvas_length,
        )

    dtype = "bfloat16"
    if device == "cpu" and memory.comfortable(need("float32"), free):
        dtype = "float32"
    reason = memory.refusal(
        f"{name} ({count / 1e9:.1f} billion parameters)",
        device,
        need(dtype),
        free,
        cpu_need=need("bfloat16"),
        cpu_free=cpu_free,
    )
    if reason:
        raise CheckpointError(f"{reason} With --layers N a shallower one can be measured.")
    model = on_meta(config, getattr(torch, dtype))
    materialise(model, device)
    model.eval()
    model.generation_config = DiffusionGemmaGenerationConfig(
        max_new_tokens=config.canvas_length,
        sampler_config=EntropyBoundSamplerConfig(entropy_bound=0.1),
        pad_token_id=config.text_config.pad_token_id,
        bos_token_id=config.text_config.bos_token_id,
        eos_token_id=config.text_config.eos_token_id,
    )
    return assemble(model, tokenizer, processor, Path(f"{name} (random weights)"), device)


def random_sibling(checkpoint: Checkpoint) -> AutoregressiveCheckpoint:
    """The autoregressive sibling of a random checkpoint, on the same storage.

    Its weights are drawn anew, for both.
    """
    import torch
    from transformers import Gemma4ForConditionalGeneration

    from inference.checkpoints import assemble_autoregressive
    from inference.training.sibling import greedy, shared_weights, sibling_config

    model = checkpoint.model
    with torch.device("meta"), _default_dtype(model.dtype):
        sibling = Gemma4ForConditionalGeneration(sibling_config(model.config))
    sibling.load_state_dict(shared_weights(model), assign=True)
    sibling.tie_weights()
    draw_weights(sibling, model.device)
    sibling.eval()
    sibling.generation_config = greedy(model.config, checkpoint.info.canvas_length)
    return assemble_autoregressive(
        sibling,
        checkpoint.tokenizer,
        checkpoint.image_processor,
        Path(f"{checkpoint.info.name}, sibling"),
        str(model.device),
    )


def on_meta(
    config: DiffusionGemmaConfig, dtype: torch.dtype | None = None
) -> DiffusionGemmaForBlockDiffusion:
    """The model without storage: shapes alone, encoder and decoder sharing their weights."""
    import torch
    from transformers import DiffusionGemmaForBlockDiffusion

    with torch.device("meta"), _default_dtype(dtype or torch.get_default_dtype()):
        model = DiffusionGemmaForBlockDiffusion(config)
    model.tie_weights()
    return model


@contextmanager
def _default_dtype(dtype: torch.dtype) -> Iterator[None]:
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def materialise(model: DiffusionGemmaForBlockDiffusion, device: str) -> None:
    """Give a model on the meta device storage on ``device``, and the usual random weights.

    Straight there in the dtype it was built in, and once for what encoder and decoder share;
    ``Module.to_empty`` would allocate that twice.
    """
    import torch
    from torch import nn

    made: dict[int, nn.Parameter] = {}
    for module in model.modules():
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in made:
                empty = torch.empty_like(parameter, device=device)
                made[id(parameter)] = nn.Parameter(empty, requires_grad=False)
            module.register_parameter(name, made[id(parameter)])
    draw_weights(model, device)


def draw_weights(model: PreTrainedModel, device: str | torch.device) -> None:
    """Random weights where the parameters lie, and buffers on ``device``."""
    import torch

    for module in model.modules():
        for name, buffer in module.named_buffers(recurse=False):
            setattr(module, name, torch.ones_like(buffer, device=device))
        module._is_hf_initialized = False  # what was initialised was the shape alone
    model.initialize_weights()


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)


def padded_tokenizer(folder: Path, vocabulary: int) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint folder with unused tokens added up to ``vocabulary``."""
    with tempfile.TemporaryDirectory() as directory:
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
            shutil.copy(folder / name, directory)
        path = Path(directory) / "tokenizer.json"
        content = json.loads(path.read_text(encoding="utf-8"))
        tokens = content["model"]["vocab"]
        for number in range(len(tokens), vocabulary):
            tokens[f"<unused{number}>"] = number
        path.write_text(json.dumps(content), encoding="utf-8")
        return _load_tokenizer(Path(directory))
