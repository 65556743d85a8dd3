"""How much memory a checkpoint will take, told before a tensor of it is read.

Sizes are in bytes. Everything but :func:`free_memory` is arithmetic on a configuration and on the
headers of safetensors files, so that a refusal comes at once and with numbers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from transformers import DiffusionGemmaConfig, Gemma4Config

    Config: TypeAlias = DiffusionGemmaConfig | Gemma4Config

GIB: Final = 2**30
WIDTH: Final = {"bfloat16": 2, "float32": 4}
"""Bytes of one weight."""

_FLOATS: Final = frozenset({"F64", "F32", "F16", "BF16"})
_PREFIX_TOKENS: Final = 2048
"""What a long prompt with an image takes; the released checkpoint's images take 280 tokens."""

_LOGIT_COPIES: Final = 6
"""Tensors (free positions, vocabulary) of float32 that a step holds at its peak, when it reckons
the entropy: the logits, the cooled ones, their softmax and what is summed of it; two to spare."""

_COMFORT: Final = 0.5
"""Share of a CPU's free memory that float32 may take: loading reads the files through it, too."""


class StoredTensor(NamedTuple):
    """An entry of a safetensors header; ``size`` is in bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def is_float(self) -> bool:
        """Whether it is of a kind that loading may turn into another."""
        return self.dtype in _FLOATS


@dataclass(frozen=True)
class Need:
    """What a loaded checkpoint takes: its weights, the encoded studies, one denoising step."""

    weights: int
    prefixes: int
    step: int

    @property
    def total(self) -> int:
        return self.weights + self.prefixes + self.step

    def __str__(self) -> str:
        return (
            f"{gib(self.total)} (weights {gib(self.weights)}, encoded studies "
            f"{gib(self.prefixes)}, one step {gib(self.step)})"
        )


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"


def stored_tensors(shards: Iterable[Path]) -> list[StoredTensor]:
    """Every tensor of some safetensors files, from their headers alone.

    Raises :class:`OSError` or :class:`ValueError` for a file that is none.
    """
    tensors: list[StoredTensor] = []
    for shard in shards:
        with shard.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length))
        for name, entry in header.items():
            if name != "__metadata__":
                begin, end = entry["data_offsets"]
                shape = tuple(entry["shape"])
                tensors.append(StoredTensor(name, entry["dtype"], shape, end - begin))
    return tensors


def weight_bytes(
    tensors: Sequence[StoredTensor], width: int | None, packed_bits: int | None = None
) -> int:
    """What the tensors take once loaded.

    Floats are loaded as ``width`` bytes each, or as they are stored where that is ``None``.
    Other kinds stay as they are, unless the quantiser unpacks them: then every ``packed_bits``
    bits become a bfloat16. What encoder and decoder share counts once, however often it is stored.
    """
    total = 0
    seen: set[str] = set()
    for tensor in tensors:
        shared = tensor.name.replace("model.encoder.language_model.", "model.decoder.")
        if shared == "lm_head.weight":
            shared = "model.decoder.embed_tokens.weight"
        if shared in seen:
            continue
        seen.add(shared)
        if tensor.is_float:
            total += tensor.size if width is None else tensor.elements * width
        elif packed_bits is None:
            total += tensor.size
        else:
            total += tensor.size * 8 // packed_bits * WIDTH["bfloat16"]
    return total


def prefix_bytes(config: Config, width: int, tokens: int = _PREFIX_TOKENS) -> int:
    """Keys and values of one encoded prompt; sliding layers keep their window only."""
    text = config.text_config
    total = 0
    for number, kind in enumerate(text.layer_types):
        layer = text.per_layer_config[number]
        kept = min(tokens, text.sliding_window) if kind == "sliding_attention" else tokens
        total += 2 * kept * layer.num_key_value_heads * layer.head_dim * width
    return total


def step_bytes(config: Config, width: int, positions: int) -> int:
    """What one step holds beside the weights that gives logits at so many ``positions``.

    Logits above all: the vocabulary is a hundred times as wide as the hidden states.
    """
    text = config.text_config
    logits = positions * text.vocab_size * (_LOGIT_COPIES * 4 + width)
    routed = (text.top_k_experts or 1) * (
        2 * text.hidden_size + 3 * (text.moe_intermediate_size or 0)
    )
    hidden = max(positions, _PREFIX_TOKENS) * (8 * text.hidden_size + routed) * width
    return logits + hidden


def need(config: Config, weights: int, width: int, *, prefixes: int, positions: int) -> Need:
    """For ``prefixes`` studies that stay encoded and steps that give logits at ``positions``.

    ``width`` is that of an activation.
    """
    studies = prefixes * prefix_bytes(config, width)
    return Need(weights, studies, step_bytes(config, width, positions))


def comfortable(need: Need, free: int) -> bool:
    """Whether a CPU may take the wider of two kinds of float."""
    return need.total <= _COMFORT * free


def refusal(
    name: str, device: str, need: Need, free: int, *, cpu_need: Need | None, cpu_free: int
) -> str | None:
    """One sentence on what is missing and what would fit, or ``None`` where all is well.

    ``cpu_need`` is what a processor would take, ``None`` where that has been ruled out.
    """
    if need.total <= free:
        return None
    rest = need.total - need.weights
    ways = [
        f"a checkpoint quantised to {bits} bits (about {gib(size)})"
        for bits in (8, 4)
        if (size := need.weights * bits // 16 + rest) <= free
    ][:1]
    if device != "cpu" and cpu_need is not None and cpu_need.total <= cpu_free:
        ways.append(
            f"--device cpu, which is slow (about {gib(cpu_need.total)} of {gib(cpu_free)} free)"
        )
    if rest < free:
        ways.append(f"any checkpoint of at most {gib(free - rest)} of weights")
    advice = (
        f"What would fit: {', or '.join(ways)}."
        if ways
        else "Nothing of this architecture fits there: end other programs or use another machine."
    )
    return f"{name} needs about {need} on {device}, and {gib(free)} are free there. {advice}"


def used_memory(device: str) -> tuple[int, int]:
    """What this process holds of the memory of ``"cpu"`` or of a GPU, and how much there is."""
    if device == "cpu":
        import psutil

        return int(psutil.Process().memory_info().rss), int(psutil.virtual_memory().total)
    import torch

    return torch.cuda.memory_reserved(device), torch.cuda.mem_get_info(device)[1]


def free_memory(device: str) -> int:
    """Free memory of ``"cpu"`` or of a GPU, with what torch holds in reserve there."""
    if device == "cpu":
        import psutil

        return int(psutil.virtual_memory().available)
    import torch

    reserve = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return torch.cuda.mem_get_info(device)[0] + reserve
