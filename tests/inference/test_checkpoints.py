"""Every way in which a folder can be wrong is told in one sentence, before anything is loaded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from inference.checkpoints import CheckpointError, check, check_diffusion, load, load_engine
from inference.engines.autoregressive import AutoregressiveEngine
from inference.placement import Placement


@pytest.fixture
def folder(random_checkpoint: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.copytree(random_checkpoint, copy)
    return copy


def refusal(folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_engine(folder, Placement("cpu"), lambda _: None)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


def test_a_whole_folder_loads(folder: Path) -> None:
    stages: list[str] = []
    engine = load_engine(folder, Placement("cpu"), stages.append)
    assert engine.info.canvas_length == 128
    assert engine.info.has_filler
    assert engine.info.device == "cpu"
    assert engine.info.name == "copy"
    assert len(stages) == 3


def test_the_folder_says_how_its_model_writes(random_sibling: Path) -> None:
    engine = load_engine(random_sibling, Placement("cpu"), lambda _: None)
    assert isinstance(engine, AutoregressiveEngine)
    assert engine.info.paradigm == "autoregressive"
    assert engine.info.architecture == "Gemma4ForConditionalGeneration"
    assert not engine.info.has_filler
    with pytest.raises(CheckpointError, match="a diffusion one is needed"):
        check_diffusion(random_sibling)


def test_the_filler_bias_stands_beside_the_filler_token(folder: Path) -> None:
    assert load(folder, "cpu").settings.filler_bias == 0.0
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"filler_bias": 1.5}))
    assert load(folder, "cpu").settings.filler_bias == 1.5


def test_a_missing_folder(tmp_path: Path) -> None:
    assert "no checkpoint folder" in refusal(tmp_path / "nowhere")


def test_a_file(folder: Path) -> None:
    assert "is a file" in refusal(folder / "config.json")


def test_a_folder_without_configuration(tmp_path: Path) -> None:
    assert "no config.json" in refusal(tmp_path)


def test_another_architecture(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["architectures"] = ["LlamaForCausalLM"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "LlamaForCausalLM" in refusal(folder)


def test_a_damaged_configuration(folder: Path) -> None:
    (folder / "config.json").write_text('{"architectures": [')
    assert "config.json" in refusal(folder)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"architectures": 3}, "cannot run"),
        ({"text_config": None}, "cannot be loaded"),
        ({"text_config": {"num_hidden_layers": "six"}}, "tells of six layers"),
    ],
)
def test_a_configuration_that_is_no_configuration(
    folder: Path, change: dict[str, Any], words: str
) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    assert words in refusal(folder)


@pytest.mark.parametrize("index", [{}, {"weight_map": ["model.safetensors"]}])
def test_an_index_that_names_no_weights(folder: Path, index: dict[str, Any]) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "names no weights" in refusal(folder)


def test_pickled_weights(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "pickle" in refusal(folder)


def test_no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "no *.safetensors" in refusal(folder)


def test_half_copied_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: len(data) // 2])
    assert "half copied" in refusal(folder)


def test_a_missing_tensor(folder: Path) -> None:
    weights = folder / "model.safetensors"
    tensors = load_file(weights)
    name = next(name for name in tensors if "layers.1" in name)
    del tensors[name]
    save_file(tensors, weights, {"format": "pt"})
    assert name.rpartition("layers.1")[2] in refusal(folder)


def test_a_missing_chat_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    assert "chat template" in refusal(folder)


def test_a_pickle_beside_the_weights(folder: Path) -> None:
    (folder / "optimizer.pt").write_bytes(b"")
    assert "optimizer.pt" in refusal(folder)


def test_half_copied_settings(folder: Path) -> None:
    (folder / "generation_config.json").write_text('{"eos')
    assert "generation_config.json" in refusal(folder)


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "tpu:0"])
def test_an_unknown_device(folder: Path, device: str) -> None:
    with pytest.raises(CheckpointError, match="device"):
        load_engine(folder, Placement(device), lambda _: None)


def test_a_missing_shard(folder: Path) -> None:
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "model-2.safetensors is missing" in refusal(folder)


@pytest.mark.parametrize(
    "name", ["tokenizer.json", "preprocessor_config.json", "generation_config.json"]
)
def test_a_missing_small_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refusal(folder)


def test_weights_that_do_not_belong_to_the_configuration(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["hidden_size"] = 96
    (folder / "config.json").write_text(json.dumps(config))
    assert "cannot be loaded" in refusal(folder)


def test_check_reads_no_tensor(folder: Path) -> None:
    assert check(folder)["canvas_length"] == 128


def test_the_sampler_takes_its_settings_from_the_checkpoint(folder: Path) -> None:
    path = folder / "generation_config.json"
    generation = json.loads(path.read_text())
    generation["max_denoising_steps"] = 9
    generation["sampler_config"]["entropy_bound"] = 0.25
    path.write_text(json.dumps(generation))
    settings = load(folder, "cpu").settings
    assert (settings.max_steps, settings.entropy_bound) == (9, 0.25)
    assert settings.gap_entropy_bound == pytest.approx(3 * 0.25), "it keeps its distance"
