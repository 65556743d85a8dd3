"""Checkpoints that carry a ``quantization_config``: what it takes to load one, told beforehand.

transformers does the loading; it reports a missing package late and each one differently, and it
skips a method that it does not know as if the weights were plain.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from inference.memory import StoredTensor, gib


@dataclass(frozen=True)
class Quantiser:
    """The packages (import name, name for pip) that a method's weights need, and a GPU or not.

    ``unpacks`` says that the weights are widened to bfloat16 on a GPU too: smaller on disk alone.
    """

    packages: tuple[tuple[str, str], ...]
    needs_gpu: bool = False
    unpacks: bool = False


_KERNELS: Final = ("kernels", "kernels")
_GPTQ: Final = ("gptqmodel", "gptqmodel")
_QUANTISERS: Final[Mapping[str, Quantiser]] = {
    "auto-round": Quantiser((("auto_round", "auto-round"),)),
    "awq": Quantiser((_GPTQ,)),
    "bitsandbytes": Quantiser((("bitsandbytes", "bitsandbytes"),)),
    "compressed-tensors": Quantiser((("compressed_tensors", "compressed-tensors"),), unpacks=True),
    "eetq": Quantiser((_KERNELS,), needs_gpu=True),
    "fbgemm_fp8": Quantiser((("fbgemm_gpu", "fbgemm-gpu"),), needs_gpu=True),
    "fp8": Quantiser(()),
    "gptq": Quantiser((("optimum", "optimum"), _GPTQ)),
    "hqq": Quantiser((("hqq", "hqq"),)),
    "mxfp4": Quantiser((_KERNELS,), needs_gpu=True),
    "quanto": Quantiser((("optimum.quanto", "optimum-quanto"),)),
    "torchao": Quantiser((("torchao", "torchao"),)),
}


def method_of(config: Mapping[str, Any]) -> str | None:
    """The name of the method that the weights of a ``config.json`` are quantised with."""
    entry = config.get("quantization_config")
    if not isinstance(entry, Mapping):
        return None
    if entry.get("load_in_4bit") or entry.get("load_in_8bit"):
        return "bitsandbytes"
    method = entry.get("quant_method", "an unnamed method")
    return str(method.value if isinstance(method, Enum) else method)


def is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of a package in a package that is missing
        return False


def refusal(
    method: str, device: str, installed: Callable[[str], bool] = is_installed
) -> str | None:
    """One sentence on why weights of this kind cannot be loaded here, or ``None``."""
    quantiser = _QUANTISERS.get(method)
    if quantiser is None:
        return (
            f"Its weights are quantised with {method}, which transformers cannot read. Choose a "
            f"checkpoint without it, or one of: {', '.join(_QUANTISERS)}."
        )
    if quantiser.needs_gpu and device == "cpu":
        return (
            f"Its weights are quantised with {method}, which runs on a GPU alone. Choose --device "
            "cuda on a machine that has one, or another checkpoint."
        )
    packages = quantiser.packages
    if method == "fp8" and device != "cpu":  # a CPU widens the weights and needs no kernel
        packages = (_KERNELS,)
    absent = [name for module, name in packages if not installed(module)]
    if absent:
        return (
            f"Its weights are quantised with {method}, and what reads them is not installed. "
            f"Run: pip install {' '.join(absent)}."
        )
    return None


def packed_bits(config: Mapping[str, Any], device: str) -> int | None:
    """Bits of a stored weight that becomes a bfloat16 in memory; ``None`` where it stays small."""
    method = method_of(config)
    if method == "fp8" and device == "cpu":
        return 8
    if method is None or method not in _QUANTISERS or not _QUANTISERS[method].unpacks:
        return None
    groups = config["quantization_config"].get("config_groups")
    bits = [
        int(group["weights"]["num_bits"])
        for group in (groups.values() if isinstance(groups, Mapping) else ())
        if isinstance(group, Mapping) and isinstance(group.get("weights"), Mapping)
    ]
    return min(bits, default=8)


def skipped_experts(method: str, tensors: Sequence[StoredTensor]) -> str | None:
    """What to tell of a checkpoint whose experts were left as they were, or ``None``.

    The experts are nine tenths of the weights, kept as fused three-dimensional parameters;
    bitsandbytes, and torchao unless told otherwise, quantise two-dimensional layers and say
    nothing about the rest.
    """
    plain = sum(
        tensor.size
        for tensor in tensors
        if tensor.is_float and tensor.rank == 3 and ".experts." in tensor.name
    )
    if not plain:
        return None
    return f"{method} left the experts as they were ({gib(plain)})"
