"""Adapter folders with random weights, as training would leave them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import torch

from inference.adapters import RECORD, base_fingerprint
from inference.checkpoints import check, load, load_autoregressive, paradigm_of

TARGETS = (
    r"model\.(encoder\.language_model|decoder|language_model)\.layers\.\d+\.self_attn\.[qkvo]_proj"
)


class MakeAdapter(Protocol):
    """Writes an adapter for a checkpoint; ``config`` are settings of ``LoraConfig``."""

    def __call__(
        self,
        name: str,
        seed: int = 0,
        scale: float = 0.05,
        base: Path | None = None,
        **config: Any,
    ) -> Path: ...


def write_adapter(folder: Path, base: Path, seed: int, scale: float, **config: Any) -> Path:
    """``scale`` is how large its second factors are; 0 makes one that changes nothing."""
    from peft import LoraConfig, get_peft_model

    autoregressive = paradigm_of(check(base)) == "autoregressive"
    model = (load_autoregressive if autoregressive else load)(base, "cpu").model
    settings = {"r": 4, "lora_alpha": 8, "target_modules": TARGETS} | config
    peft = get_peft_model(model, LoraConfig(**settings))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, weight in peft.named_parameters():
            if "lora_B" in key:
                weight.copy_(scale * torch.randn(weight.shape, generator=generator))
    peft.save_pretrained(folder)
    record = {"base": {"fingerprint": base_fingerprint(base), "name": base.name}}
    (folder / RECORD).write_text(json.dumps(record))
    return folder
