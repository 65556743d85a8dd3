"""What the cases begin with: a tiny checkpoint with random weights, and an adapter on top of it."""

from __future__ import annotations

from pathlib import Path

import torch

from resources import demo_checkpoint

_TARGETS = r"model\.(encoder\.language_model|decoder)\.layers\.\d+\.self_attn\.[qkvo]_proj"


def write_checkpoint(folder: Path) -> None:
    """One layer of text and one of vision, with the demo checkpoint's tokenizer."""
    import transformers

    from inference.training.demo_model import build
    from inference.training.train_demo import save

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(demo_checkpoint(), local_files_only=True)
    save(build(tokenizer, layers=1, vision_layers=1), tokenizer, folder)


def write_adapter(base: Path, folder: Path) -> None:
    """LoRA of rank 4 on the attention of ``base``, with weights that change its logits."""
    from peft import LoraConfig, get_peft_model

    from inference.checkpoints import load

    model = load(base, "cpu").model
    settings = LoraConfig(r=4, lora_alpha=8, target_modules=_TARGETS)
    peft = get_peft_model(model, settings)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in peft.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.05 * torch.randn(weight.shape, generator=generator))
    peft.save_pretrained(folder)
