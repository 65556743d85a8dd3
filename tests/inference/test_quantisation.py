"""Quantised checkpoints load through the same door, or are refused with what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from inference import quantisation
from inference.checkpoints import CheckpointError, load, load_engine
from inference.memory import StoredTensor, stored_tensors
from inference.placement import Placement
from inference.protocol import Fixed, Gap, Infill, Options

Q = "quantization_config"


def without(*absent: str) -> Any:
    return lambda module: module not in absent


@pytest.mark.parametrize(
    ("config", "method"),
    [
        ({}, None),
        ({Q: None}, None),
        ({Q: {"quant_method": "fp8"}}, "fp8"),
        ({Q: {"load_in_4bit": True, "quant_method": "bitsandbytes"}}, "bitsandbytes"),
        ({Q: {"load_in_8bit": True}}, "bitsandbytes"),
        ({Q: {}}, "an unnamed method"),
    ],
)
def test_the_method_is_read_from_the_configuration(
    config: dict[str, Any], method: str | None
) -> None:
    assert quantisation.method_of(config) == method


@pytest.mark.parametrize(
    ("method", "device", "absent", "words"),
    [
        ("torchao", "cpu", ("torchao",), "pip install torchao."),
        ("compressed-tensors", "cuda", ("compressed_tensors",), "pip install compressed-tensors."),
        ("bitsandbytes", "cuda", ("bitsandbytes",), "pip install bitsandbytes."),
        ("gptq", "cuda", ("optimum", "gptqmodel"), "pip install optimum gptqmodel."),
        ("fp8", "cuda", ("kernels",), "pip install kernels."),
        ("fbgemm_fp8", "cpu", (), "on a GPU alone"),
        ("modelopt", "cuda", (), "modelopt, which transformers cannot read"),
    ],
)
def test_a_refusal_says_what_is_missing(
    method: str, device: str, absent: tuple[str, ...], words: str
) -> None:
    sentence = quantisation.refusal(method, device, without(*absent))
    assert sentence is not None
    assert words in sentence


@pytest.mark.parametrize("method", ["torchao", "fp8", "compressed-tensors", "bitsandbytes"])
def test_nothing_is_refused_where_everything_is_there(method: str) -> None:
    assert quantisation.refusal(method, "cuda", without()) is None


def test_a_processor_widens_fp8_and_needs_no_kernel_for_it() -> None:
    assert quantisation.refusal("fp8", "cpu", without("kernels")) is None
    assert quantisation.packed_bits({Q: {"quant_method": "fp8"}}, "cpu") == 8
    assert quantisation.packed_bits({Q: {"quant_method": "fp8"}}, "cuda") is None


def test_compressed_tensors_are_unpacked_in_memory() -> None:
    groups = {"group_0": {"weights": {"num_bits": 4}}, "group_1": {"weights": None}}
    config = {Q: {"quant_method": "compressed-tensors", "config_groups": groups}}
    assert quantisation.packed_bits(config, "cuda") == 4
    assert quantisation.packed_bits({Q: {"quant_method": "torchao"}}, "cuda") is None


def test_a_package_in_a_missing_package_is_not_installed() -> None:
    assert not quantisation.is_installed("no_such_package.within")
    assert quantisation.is_installed("json")


def test_experts_that_were_left_as_they_were_are_named() -> None:
    plain = StoredTensor(
        "model.decoder.layers.0.experts.down_proj", "BF16", (4, 2**14, 2**14), 2**31
    )
    packed = StoredTensor(
        "model.decoder.layers.0.experts.down_proj", "U8", (4, 2**14, 2**14), 2**30
    )
    flat = StoredTensor("model.decoder.layers.0.mlp.down_proj.weight", "BF16", (2, 5), 20)
    said = quantisation.skipped_experts("bitsandbytes", [plain, flat])
    assert said == "bitsandbytes left the experts as they were (2.0 GiB)"
    assert quantisation.skipped_experts("bitsandbytes", [packed, flat]) is None


def configured(folder: Path, target: Path, entry: dict[str, Any]) -> Path:
    shutil.copytree(folder, target)
    config = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps(config | {Q: entry}))
    return target


def test_a_folder_of_an_unknown_method_is_refused(random_checkpoint: Path, tmp_path: Path) -> None:
    folder = configured(random_checkpoint, tmp_path / "q", {"quant_method": "modelopt"})
    with pytest.raises(CheckpointError, match="quantised with modelopt"):
        load(folder, "cpu")


def test_a_folder_whose_reader_is_missing_names_the_package(
    random_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    folder = configured(random_checkpoint, tmp_path / "q", {"quant_method": "bitsandbytes"})
    with pytest.raises(CheckpointError, match=r"Run: pip install bitsandbytes\.$"):
        load(folder, "cpu")


def test_an_int8_checkpoint_loads_and_fills(random_checkpoint: Path, tmp_path: Path) -> None:
    """Made with torchao's own tools, the way that transformers documents."""
    torchao = pytest.importorskip("torchao.quantization")
    from transformers import DiffusionGemmaForBlockDiffusion, TorchAoConfig

    folder = tmp_path / "int8"
    shutil.copytree(random_checkpoint, folder)
    (folder / "model.safetensors").unlink()
    DiffusionGemmaForBlockDiffusion.from_pretrained(
        random_checkpoint,
        dtype=torch.float32,
        device_map={"": "cpu"},
        quantization_config=TorchAoConfig(torchao.Int8WeightOnlyConfig(version=2)),
    ).save_pretrained(folder)
    kinds = {tensor.dtype for tensor in stored_tensors(sorted(folder.glob("*.safetensors")))}
    assert "I8" in kinds

    stages: list[str] = []
    engine = load_engine(folder, Placement("cpu"), stages.append)
    assert engine.info.dtype == "float32, weights by torchao"
    assert any("left the experts as they were" in stage for stage in stages)
    pieces = (Fixed("The heart is"), Gap(4), Fixed(" No effusion."))
    request = Infill("int8", pieces, options=Options(seed=1, candidates=1, max_steps=4))
    filled = engine.infill(request, None, lambda _: None, lambda: False)
    assert len(filled.fills) == 1
