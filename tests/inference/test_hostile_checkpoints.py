"""What a checkpoint's files may say beyond all reason is refused in a sentence, and soon."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from inference import templates
from inference.checkpoints import CheckpointError, check, load_engine
from inference.engines.base import BadRequest
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
    assert str(folder) in sentence
    return sentence


def change(folder: Path, name: str, path: str, value: Any) -> None:
    """Set what stands at a path like ``text_config.hidden_size``; ``...`` deletes it."""
    file = folder / name
    content = json.loads(file.read_text())
    *way, last = path.split(".")
    section = content
    for step in way:
        section = section[step]
    if value is ...:
        del section[last]
    else:
        section[last] = value
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("canvas_length", ..., "names no canvas_length"),
        ("canvas_length", "128", "names no canvas_length"),
        ("canvas_length", 10**9, "canvas_length"),
        ("canvas_length", -1, "canvas_length"),
        ("text_config.num_hidden_layers", 3_000, "3000"),
        ("text_config.num_hidden_layers", 900, "tells of 900 layers"),
        ("vision_config.num_hidden_layers", 900, "tells of 900 layers"),
        ("vision_config.patch_size", 10**6, "patch_size"),
        ("vision_config.patch_size", 128, "model was made for"),
        ("vision_config.pooling_kernel_size", 10**6, "pooling_kernel_size"),
        ("vision_config.hidden_size", 60_000, "the weights have"),
        ("vision_config.position_embedding_size", 10**6, "the weights have"),
        ("text_config.hidden_size", 60_000, "the weights have"),
        ("text_config.vocab_size", 4_000_000, "the weights have"),
        ("text_config.num_experts", 4_000, "the weights have"),
        ("text_config.head_dim", 4_000, "the weights have"),
        ("text_config.intermediate_size", 2**20, "the weights have"),
        ("text_config.max_position_embeddings", 10**12, "max_position_embeddings"),
        ("text_config.sliding_window", -5, "sliding_window"),
        ("text_config.hidden_size", 10**400, "a number of"),
        ("text_config.hidden_size", float("inf"), "is no number"),
        ("text_config.hidden_size", 192.5, "no number that it can be"),
        ("text_config.rope_parameters.full_attention.rope_theta", float("nan"), "is no number"),
        ("made_up", 10**18, "made_up"),
    ],
)
def test_configuration_beyond_its_weights(folder: Path, path: str, value: Any, words: str) -> None:
    change(folder, "config.json", path, value)
    assert words in refusal(folder)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("preprocessor_config.json", "patch_size", 10**6),
        ("preprocessor_config.json", "patch_size", 8),
        ("preprocessor_config.json", "max_soft_tokens", 10**6),
        ("preprocessor_config.json", "pooling_kernel_size", 60),
        ("generation_config.json", "max_denoising_steps", 10**9),
        ("generation_config.json", "max_denoising_steps", 0),
        ("generation_config.json", "max_new_tokens", 10**12),
    ],
)
def test_settings_beyond_bounds(folder: Path, name: str, path: str, value: int) -> None:
    change(folder, name, path, value)
    sentence = refusal(folder)
    assert name in sentence
    assert path in sentence


@pytest.mark.parametrize(
    ("name", "path", "value", "words"),
    [
        ("generation_config.json", "eos_token_id", "x", "cannot be used"),
        ("preprocessor_config.json", "rescale_factor", "x", "cannot be loaded"),
    ],
)
def test_settings_of_another_type(
    folder: Path, name: str, path: str, value: object, words: str
) -> None:
    change(folder, name, path, value)
    assert words in refusal(folder)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config.json", "[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ("generation_config.json", '{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ("tokenizer.json", '{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
        ("config.json", '{"a": "' + "x" * 5_000_000 + '"}', "are the most"),
        ("config.json", '{"a": 1e999}', "no number"),
        ("config.json", '{"a": ' + "9" * 5_000 + "}", "cannot be read"),
        ("generation_config.json", "[]", "not a JSON object"),
    ],
)
def test_files_that_are_no_settings(folder: Path, name: str, content: str, words: str) -> None:
    (folder / name).write_text(content)
    sentence = refusal(folder)
    assert words in sentence
    assert name in sentence


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(folder: Path, name: str) -> None:
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert "no file" in refusal(folder) or "no *.safetensors" in refusal(folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_named(folder: Path, value: float) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = sorted(name for name in tensors if "layers.1.mlp" in name)[0]
    tensors[name].view(-1)[7] = value
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    assert name.removeprefix("model.decoder.") in refusal(folder)


def test_a_tokenizer_with_more_tokens_than_the_model_has_is_refused(folder: Path) -> None:
    path = folder / "tokenizer.json"
    content = json.loads(path.read_text())
    ids = content["model"]["vocab"]
    ids |= {f"more{number}": len(ids) + number for number in range(4_000)}
    path.write_text(json.dumps(content))
    assert "the model has" in refusal(folder)


LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
GROWTH = (
    "{% set n = namespace(x='xxxxxxxx') %}"
    "{% for a in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (LOOP, "does not end"),
        (GROWTH, "takes more than"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "gives no prompt"),
        ("{{ 'x' * 10000000000 }}", "multiplies"),
        ("{{ 9 ** 9 ** 9 }}", "multiplies"),
        ("{{ 'x'.ljust(10000000000) }}", "number beyond"),
        ("{{ 'x'.ljust(999999) }}", "characters of"),
        ("{{ raise_exception('no') }}", "gives no prompt"),
        ("nothing that was asked", "gives no prompt"),
        ("{{ unclosed", "gives no prompt"),
        ("{# " + "x" * 300_000 + " #}", "are the most"),
    ],
)
def test_templates_that_give_no_prompt(folder: Path, template: str, words: str) -> None:
    (folder / "chat_template.jinja").write_text(template)
    assert words in refusal(folder)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("preprocessor_config.json", "do_resize", False),
        ("preprocessor_config.json", "pooling_kernel_size", ...),
        ("config.json", "text_config.top_k_experts", ...),
    ],
)
def test_settings_that_only_a_job_shows_to_be_wrong(
    folder: Path, name: str, path: str, value: object
) -> None:
    change(folder, name, path, value)
    assert "the first job on it failed" in refusal(folder)


@pytest.mark.parametrize("images", [0, 2])
def test_a_template_with_another_number_of_images(folder: Path, images: int) -> None:
    path = folder / "chat_template.jinja"
    path.write_text(path.read_text().replace("<|image|>", images * "<|image|>"))
    assert "the first job on it failed" in refusal(folder)


def test_a_lack_of_memory_at_the_first_job_is_told_as_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from inference.engines.diffusion import DiffusionEngine

    def full(*_: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(DiffusionEngine, "infill", full)
    with pytest.raises(CheckpointError, match="does not fit the memory of cpu"):
        load_engine(folder, Placement("cpu"), lambda _: None)


def test_a_template_that_waits_for_its_day_is_stopped_at_the_request(folder: Path) -> None:
    from inference.engines.diffusion import DiffusionEngine
    from inference.protocol import Gap, Infill

    path = folder / "chat_template.jinja"
    trap = "{% if 'now' in messages|string %}" + LOOP + "{% endif %}"
    path.write_text(trap + path.read_text())
    engine = load_engine(folder, Placement("cpu"), lambda _: None)
    assert isinstance(engine, DiffusionEngine)
    with pytest.raises(BadRequest, match="does not end"):
        engine.infill(Infill("a", (Gap(),), context="now"), None, lambda _: None, lambda: False)


def test_counting_lines_leaves_another_trace_alone() -> None:
    def other(*_: object) -> None:
        return None

    before = sys.gettrace()
    sys.settrace(other)
    try:
        with templates.bounded_rendering():
            pass
        assert sys.gettrace() is other
    finally:
        sys.settrace(before)


def test_a_sound_folder_is_sound(folder: Path, random_sibling: Path) -> None:
    check(folder)
    check(random_sibling)
