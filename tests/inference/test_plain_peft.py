"""The recipe of ``docs/training.md`` for adapters made by PEFT alone, as it is written there."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor

from inference.adapters import Adapters
from inference.checkpoints import load, load_autoregressive
from inference.protocol import LoadAdapter, ModelInfo

DOCUMENT = Path(__file__).parents[2] / "docs" / "training.md"


def recipe() -> str:
    [found] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    return str(found)


def test_what_the_recipe_writes_loads_without_a_doubt(random_sibling: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = recipe().replace("CHECKPOINT", str(random_sibling)).replace("OUT", str(out))
    exec(compile(code, str(DOCUMENT), "exec"), {})
    loaded = load_autoregressive(random_sibling, "cpu")

    @torch.inference_mode()
    def probe() -> Tensor:
        ids = torch.arange(20, 30)[None]
        logits: Tensor = loaded.model(input_ids=ids).logits
        return logits

    adapters = Adapters(loaded.model, probe, random_sibling)
    info: ModelInfo = adapters.do(LoadAdapter("load", str(out)), loaded.info)
    assert (info.adapter, info.adapter_doubt) == ("out", "")


def test_its_pattern_for_a_denoiser_fits_one(random_checkpoint: Path) -> None:
    [layers] = re.findall(r'DiffusionGemmaForBlockDiffusion: r"(.*)"', recipe())
    [projections] = re.findall(r'projections = r"(.*)"', recipe())
    model = load(random_checkpoint, "cpu").model
    peft = get_peft_model(model, LoraConfig(r=2, target_modules=layers + projections))
    adapted = [name for name, _ in peft.named_parameters() if "lora_A" in name]
    assert any("decoder" in name for name in adapted)
    assert any("encoder.language_model" in name for name in adapted)
    assert not any("vision" in name for name in adapted)
