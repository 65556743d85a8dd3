"""Which implementation of the experts is fastest on this device: measured, not guessed.

The experts hold nine tenths of a checkpoint's weights. transformers has several ways to multiply
with them, and the best one depends on the device, on their number and on their size.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import torch

from inference.memory import free_memory
from inference.training import dense_experts

if TYPE_CHECKING:
    from transformers import DiffusionGemmaForBlockDiffusion

IMPLEMENTATIONS: Final = ("grouped_mm", "batched_mm", dense_experts.NAME, "eager")
"""transformers' own that need no package and no download, and Pinfill's dense one."""

_DYNAMIC: Final = frozenset({"eager"})
"""They loop over the experts that were hit: no graph can be captured of that."""

_GATHERED_SHARE: Final = 0.25
"""Of the free memory, what ``batched_mm`` may copy weights into."""

_HOPELESS: Final = 3.0
"""So many times slower than the best so far, a run need not be repeated."""


def choose_experts(
    model: DiffusionGemmaForBlockDiffusion,
    forward: Callable[[], object],
    *,
    compiled: bool = False,
    repeat: int = 3,
) -> dict[str, float]:
    """Set the fastest implementation on ``model``; returns the least seconds of each, best first.

    ``forward`` is one decoder forward of ``model``, uncompiled. Where it is to be ``compiled``
    later, implementations that cannot be captured are left out, and so are those that fail or
    would gather more weights than fits. Quantised experts come with an implementation of their
    own: nothing is tried on them, and nothing returned.
    """
    if getattr(model, "hf_quantizer", None) is not None:
        return {}
    dense_experts.register()
    before = model.get_experts_implementation()
    seconds: dict[str, float] = {}
    for name in IMPLEMENTATIONS:
        if (compiled and name in _DYNAMIC) or (name == "batched_mm" and not _may_gather(model)):
            continue
        try:
            model.set_experts_implementation(name)
            forward()  # the first one also pays for memory and for kernels
            seconds[name] = _least_seconds(
                forward, model.device, repeat, min(seconds.values(), default=math.inf)
            )
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
        except (RuntimeError, ValueError, ImportError, NotImplementedError):
            continue  # not for this device or this dtype
    ranked = dict(sorted(seconds.items(), key=lambda item: item[1]))
    model.set_experts_implementation(next(iter(ranked), before))
    return ranked


def _least_seconds(
    forward: Callable[[], object], device: torch.device, repeat: int, best: float
) -> float:
    """The least of ``repeat`` runs, or of fewer where one is hopelessly behind ``best``."""
    least = _timed(forward, device)
    for _ in range(repeat - 1):
        if least > _HOPELESS * best:
            break
        least = min(least, _timed(forward, device))
    return least


def _timed(forward: Callable[[], object], device: torch.device) -> float:
    """Seconds until the device has done it."""
    _finish(device)
    started = time.perf_counter()
    forward()
    _finish(device)
    return time.perf_counter() - started


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _may_gather(model: DiffusionGemmaForBlockDiffusion) -> bool:
    """``batched_mm`` copies an expert's weights for each token that chose it; on a CPU, memory
    that runs out ends the process, so it is not to be tried."""
    text = model.config.text_config
    if text.num_experts is None:
        return False
    picks = model.config.canvas_length * text.top_k_experts
    width = torch.finfo(model.get_input_embeddings().weight.dtype).bits // 8
    gathered = picks * 2 * text.moe_intermediate_size * text.hidden_size * width
    return gathered <= _GATHERED_SHARE * free_memory(str(model.device))
