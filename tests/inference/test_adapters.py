"""Adapters: what they change, that nothing of them is left, and the traps beside them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from inference.adapter_folder import AdapterError
from inference.adapters import RECORD, Adapters, base_fingerprint
from inference.checkpoints import load
from inference.declarations import write_declaration
from inference.protocol import LoadAdapter, MadeFor, ModelInfo, UseAdapter
from tests.inference.random_adapters import MakeAdapter
from tests.inference.training.data.factory import written

INFO = ModelInfo(
    checkpoint="random",
    name="random",
    architecture="any",
    parameters=1,
    device="cpu",
    dtype="float32",
    canvas_length=128,
    max_steps=48,
    has_filler=True,
)


@pytest.fixture
def model(random_checkpoint: Path) -> Any:
    """One of the test's own: adapters stay in the layers of a model."""
    return load(random_checkpoint, "cpu").model


@pytest.fixture
def probe(model: Any) -> Callable[[], Tensor]:
    ids = torch.arange(20, 30)[None]
    canvas = torch.arange(100, 100 + model.config.canvas_length)[None]

    @torch.inference_mode()
    def logits() -> Tensor:
        made: Tensor = model(input_ids=ids, decoder_input_ids=canvas).logits
        return made

    return logits


@pytest.fixture
def adapters(model: Any, probe: Callable[[], Tensor], random_checkpoint: Path) -> Adapters:
    return Adapters(model, probe, random_checkpoint)


def test_it_changes_what_is_said_and_leaves_nothing_behind(
    adapters: Adapters, probe: Callable[[], Tensor], make_adapter: MakeAdapter
) -> None:
    base = probe()
    name = adapters.load(make_adapter("chest"))
    assert torch.equal(probe(), base), "loading alone changes nothing"
    adapters.use(name)
    adapted = probe()
    assert not torch.equal(adapted, base)
    adapters.use(None)
    assert torch.equal(probe(), base)
    adapters.use(name)
    assert torch.equal(probe(), adapted)
    adapters.remove(name)
    assert torch.equal(probe(), base)
    assert (adapters.names, adapters.active) == ((), None)


@pytest.mark.parametrize("name", ["half", "train", "v1.2", "a b"])
def test_a_folder_may_have_any_name(
    adapters: Adapters, make_adapter: MakeAdapter, name: str
) -> None:
    adapters.use(adapters.load(make_adapter(name)))
    assert adapters.active == name


def test_several_lie_side_by_side(
    adapters: Adapters, probe: Callable[[], Tensor], make_adapter: MakeAdapter
) -> None:
    base = probe()
    names = [adapters.load(make_adapter("same", seed)) for seed in (1, 2)]
    assert names == ["same", "same-2"] == list(adapters.names)
    said = {}
    for name in names:
        adapters.use(name)
        said[name] = probe()
    assert not torch.equal(*said.values())
    adapters.remove("same-2")
    assert torch.equal(probe(), base), "the one that was on is gone"
    adapters.use("same")
    assert torch.equal(probe(), said["same"])


def test_one_that_is_loaded_already_is_not_loaded_twice(
    adapters: Adapters, make_adapter: MakeAdapter
) -> None:
    folder = make_adapter("once")
    assert adapters.load(folder) == adapters.load(folder) == "once"
    assert adapters.names == ("once",)


def test_the_one_that_is_on_stays_on_while_another_is_loaded(
    adapters: Adapters, probe: Callable[[], Tensor], make_adapter: MakeAdapter
) -> None:
    adapters.use(adapters.load(make_adapter("first", 1)))
    adapted = probe()
    adapters.load(make_adapter("second", 2))
    assert adapters.active == "first"
    assert torch.equal(probe(), adapted)
    with pytest.raises(AdapterError, match="changes nothing"):
        adapters.load(make_adapter("void", scale=0.0))
    assert torch.equal(probe(), adapted)
    assert adapters.names == ("first", "second")


def test_merging_and_tying_are_barred(
    adapters: Adapters, model: Any, make_adapter: MakeAdapter
) -> None:
    adapters.load(make_adapter("barred"))
    peft = adapters._peft
    assert peft is not None
    for spoil in (
        model.tie_weights,
        lambda: model.resize_token_embeddings(4000),
        peft.merge_and_unload,
        peft.merge_adapter,
    ):
        with pytest.raises(AdapterError, match="share their weights"):
            spoil()


def test_what_the_guards_are_for(model: Any, make_adapter: MakeAdapter) -> None:
    """Without them, PEFT and transformers do what the guards are there to bar."""
    from peft import PeftModel

    ids = torch.arange(20, 30)[None]
    canvas = torch.arange(100, 100 + model.config.canvas_length)[None]

    @torch.inference_mode()
    def said() -> Tensor:
        logits: Tensor = model(input_ids=ids, decoder_input_ids=canvas).logits
        return logits

    peft = PeftModel.from_pretrained(model, make_adapter("unguarded"))
    peft.eval()
    adapted = said()
    model.tie_weights()
    assert not torch.allclose(said(), adapted, atol=1e-3), "one half took the other's adapter"
    peft.merge_adapter()
    assert not torch.allclose(said(), adapted, atol=1e-3), "both fell on the same weights"


def test_an_adapter_of_another_checkpoint_is_refused(
    adapters: Adapters, make_adapter: MakeAdapter
) -> None:
    folder = make_adapter("foreign")
    record = {"base": {"fingerprint": "0123456789abcdef", "name": "another"}}
    (folder / RECORD).write_text(json.dumps(record))
    with pytest.raises(AdapterError, match="on top of another"):
        adapters.load(folder)
    assert adapters.names == ()


def test_without_a_record_the_shapes_tell(
    adapters: Adapters, probe: Callable[[], Tensor], make_adapter: MakeAdapter
) -> None:
    base = probe()
    folder = make_adapter("unrecorded")
    (folder / RECORD).unlink()
    assert adapters.load(folder) == "unrecorded"
    weights = load_file(folder / "adapter_model.safetensors")
    wider = make_adapter("wider")
    (wider / RECORD).unlink()
    save_file(
        {key: torch.cat([weight, weight], dim=1) for key, weight in weights.items()},
        wider / "adapter_model.safetensors",
    )
    with pytest.raises(AdapterError, match="does not fit"):
        adapters.load(wider)
    assert adapters.names == ("unrecorded",)
    assert torch.equal(probe(), base)


@pytest.mark.parametrize("half", ["encoder.language_model", "decoder"])
def test_weights_without_a_counterpart_are_refused(
    adapters: Adapters, make_adapter: MakeAdapter, half: str
) -> None:
    folder = make_adapter("half")
    path = folder / "adapter_model.safetensors"
    weights = load_file(path)
    save_file({key: weight for key, weight in weights.items() if half in key}, path)
    with pytest.raises(AdapterError, match="no counterpart"):
        adapters.load(folder)


def test_damage_is_told(adapters: Adapters, make_adapter: MakeAdapter, tmp_path: Path) -> None:
    good = make_adapter("good")

    def copy(name: str) -> Path:
        return Path(shutil.copytree(good, tmp_path / name))

    with pytest.raises(AdapterError, match=r"There is no folder .*nowhere"):
        adapters.load(tmp_path / "nowhere")
    with pytest.raises(AdapterError, match=r"json is a file\. Name the adapter's folder"):
        adapters.load(good / "adapter_config.json")
    with pytest.raises(AdapterError, match="Name the folder that training wrote"):
        adapters.load(written(tmp_path / "empty" / "notes.txt", "nothing").parent)
    with pytest.raises(AdapterError, match=r"Name the folder in it that does: good\."):
        adapters.load(good.parent)
    pickled = copy("pickled")
    (pickled / "adapter_model.safetensors").rename(pickled / "adapter_model.bin")
    with pytest.raises(AdapterError, match="can run code"):
        adapters.load(pickled)
    halved = copy("halved")
    path = halved / "adapter_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AdapterError, match=r"half copied .*Copy the folder again\."):
        adapters.load(halved)
    with pytest.raises(AdapterError, match=r"Name one of the folders in it that do: halved, pic"):
        adapters.load(tmp_path)
    for name, file in (("config", "adapter_config.json"), ("record", RECORD)):
        damaged = copy(name)
        (damaged / file).write_text("{")
        with pytest.raises(AdapterError, match=r"cannot be read.*Copy the folder again\."):
            adapters.load(damaged)
    with pytest.raises(AdapterError, match="whole modules"):
        adapters.load(make_adapter("modules", modules_to_save=["lm_head"]))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        (
            {"task_type": "REPORTS"},
            "a setting that PEFT does not take .*Invalid task type: 'REPORTS'",
        ),
        ({"peft_type": "SLOTH"}, "of the kind SLOTH, and only LoRA"),
        ({"peft_type": None}, "of the kind None, and only LoRA"),
        ({"peft_type": "IA3"}, "of the kind IA3, and only LoRA"),
        ({"target_modules": r".*\.q_proj"}, "reach into the vision tower"),
        ({"target_modules": ["x_proj"]}, "does not fit this checkpoint"),
        ({"target_modules": 5}, "does not fit this checkpoint"),
    ],
)
def test_what_is_set_wrongly_is_no_damage(
    adapters: Adapters, make_adapter: MakeAdapter, changes: dict[str, object], cause: str
) -> None:
    folder = reset(make_adapter("set"), **changes)
    with pytest.raises(AdapterError, match=cause) as refused:
        adapters.load(folder)
    assert "Copy" not in str(refused.value)
    assert "\n" not in str(refused.value)
    assert adapters.names == ()


def reset(folder: Path, **changes: object) -> Path:
    """The same adapter with other settings."""
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


@pytest.mark.parametrize("task_type", [None, "CAUSAL_LM", "FEATURE_EXTRACTION"])
def test_target_modules_may_be_a_list_and_any_task_be_named(
    adapters: Adapters, make_adapter: MakeAdapter, task_type: str | None
) -> None:
    """As PEFT writes them: the names are those of the vision tower's projections, too."""
    listed = ["q_proj", "v_proj"]
    folder = make_adapter("listed", target_modules=listed, exclude_modules=r".*vision_tower.*")
    reset(folder, exclude_modules=None, task_type=task_type)
    (folder / RECORD).unlink()
    adapters.use(adapters.load(folder))
    first = adapters._probe()
    other = reset(
        make_adapter("other", 3, target_modules=listed, exclude_modules=r".*vision_tower.*"),
        exclude_modules=None,
    )
    adapters.use(adapters.load(other))
    assert not torch.equal(adapters._probe(), first)


@pytest.mark.parametrize(
    ("told", "doubt"),
    [
        ("google/other-model", "says that it was trained on top of google/other-model"),
        ("/elsewhere/checkpoints/other", "says that it was trained on top of /elsewhere"),
        ("", "does not say which checkpoint"),
        (None, "does not say which checkpoint"),
        ("somebody/Random", ""),
        ("C:\\checkpoints\\random\\", ""),
        ("/elsewhere/random/", ""),
    ],
)
def test_another_base_is_a_doubt_that_is_told(
    adapters: Adapters, make_adapter: MakeAdapter, told: str | None, doubt: str
) -> None:
    """The checkpoint's folder is called ``random``."""
    folder = reset(make_adapter("plain"), base_model_name_or_path=told)
    info = adapters.do(LoadAdapter("load", str(folder)), INFO)
    assert info.adapter_doubt == "", "its fingerprint leaves none"
    adapters.remove("plain")
    (folder / RECORD).unlink()
    info = adapters.do(LoadAdapter("load", str(folder)), INFO)
    assert info.adapter == "plain"
    assert doubt in info.adapter_doubt
    assert bool(doubt) == bool(info.adapter_doubt)
    assert adapters.do(UseAdapter("use", None), info).adapter_doubt == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bias", "all"),
        ("init_lora_weights", "pissa"),
        ("layer_replication", [[0, 1], [0, 2]]),
        ("megatron_config", {"tensor_model_parallel_size": 1}),
    ],
)
def test_what_would_change_the_checkpoint_itself_is_refused(
    adapters: Adapters, make_adapter: MakeAdapter, name: str, value: object
) -> None:
    folder = make_adapter("meddling")
    config = json.loads((folder / "adapter_config.json").read_text())
    (folder / "adapter_config.json").write_text(json.dumps(config | {name: value}))
    with pytest.raises(AdapterError, match=name):
        adapters.load(folder)
    assert adapters.names == ()


def test_one_that_was_trained_on_since_is_read_again(
    adapters: Adapters, make_adapter: MakeAdapter
) -> None:
    folder = make_adapter("kept", 1)
    name = adapters.load(folder)
    adapters.use(name)
    before = adapters._probe()
    assert adapters.load(folder) == name
    assert torch.equal(adapters._probe(), before)
    weights = make_adapter("further", 2) / "adapter_model.safetensors"
    (folder / "adapter_model.safetensors").write_bytes(weights.read_bytes())
    assert adapters.load(folder) == name
    assert adapters.names == (name,)
    adapters.use(name)
    assert not torch.equal(adapters._probe(), before)
    with pytest.raises(AdapterError, match="Load it first"):
        adapters.use("unheard")


def test_a_copy_of_a_checkpoint_is_the_same_base_and_another_is_not(
    random_checkpoint: Path, random_sibling: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(random_checkpoint, tmp_path / "copy"))
    assert base_fingerprint(copy) == base_fingerprint(random_checkpoint)
    assert base_fingerprint(random_sibling) != base_fingerprint(random_checkpoint)
    weights = load_file(copy / "model.safetensors")
    weights["model.decoder.norm.weight"] += 1
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    assert base_fingerprint(copy) != base_fingerprint(random_checkpoint)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("target_modules", "(.*)*" * 12 + "!", "does not fit"),
        ("target_modules", r"(?:.|\w|[a-z_.0-9])*[^\w.]", "too long to match"),
        ("exclude_modules", r"(?:.|\w|[a-z_.0-9])*[^\w.]", "too long to match"),
        ("target_modules", "(", "is no pattern"),
        ("target_modules", "x" * 30_000, "are the most"),
        ("rank_pattern", {"(.*)*(.*)*!": 4}, "names of modules"),
        ("alpha_pattern", {"(.*)*(.*)*!": 4}, "names of modules"),
        ("layers_pattern", ["(.*)*(.*)*!"], "names of modules"),
        ("modules_to_save", 3, "whole modules"),
        ("rank_pattern", 0.5, "names no modules|does not take"),
        ("r", 10**6, "asks for the rank"),
        ("r", "many", "asks for the rank"),
        ("r", 0, "rank"),
        ("rank_pattern", {"q_proj": 10**6}, "asks for the rank"),
    ],
)
def test_settings_without_bounds_are_refused(
    adapters: Adapters,
    make_adapter: MakeAdapter,
    tmp_path: Path,
    setting: str,
    value: object,
    words: str,
) -> None:
    folder = Path(shutil.copytree(make_adapter("bounds"), tmp_path / "bounds"))
    path = folder / "adapter_config.json"
    settings = json.loads(path.read_text())
    if setting == "layers_pattern":  # which PEFT takes beside these alone
        settings |= {"target_modules": ["q_proj"], "layers_to_transform": [0]}
    path.write_text(json.dumps(settings | {setting: value}))
    with pytest.raises(AdapterError, match=words):
        adapters.load(folder)
    assert adapters.names == ()


def test_a_pattern_means_the_same_modules_beside_another_adapter(
    adapters: Adapters, make_adapter: MakeAdapter, model: Any
) -> None:
    pattern = r"model\.(encoder\.language_model|decoder)\..*_proj"
    adapters.load(make_adapter("first", target_modules=pattern))
    adapters.load(make_adapter("second", seed=1, target_modules=pattern))
    assert adapters.names == ("first", "second")


@pytest.mark.parametrize("before", [0, 1], ids=["the first", "the second"])
def test_one_that_fails_half_way_leaves_nothing_behind(
    adapters: Adapters,
    make_adapter: MakeAdapter,
    probe: Callable[[], Tensor],
    tmp_path: Path,
    before: int,
) -> None:
    base = probe()
    good = make_adapter("good")
    bad = Path(shutil.copytree(good, tmp_path / "bad"))
    path = bad / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"monteclora_config": "x"}))
    for _ in range(before):
        adapters.load(good)
    with pytest.raises(AdapterError):
        adapters.load(bad)
    assert torch.equal(probe(), base)
    adapters.use(adapters.load(good))
    assert not torch.equal(probe(), base)
    adapters.remove("good")
    assert torch.equal(probe(), base)


def test_a_declaration_takes_the_place_of_the_checkpoints(
    adapters: Adapters, make_adapter: MakeAdapter
) -> None:
    chest, head = MadeFor(body_parts=("CHEST",)), MadeFor(body_parts=("HEAD",))
    info = msgspec.structs.replace(INFO, made_for=chest)
    silent, speaking = make_adapter("silent"), make_adapter("speaking")
    write_declaration(speaking, head)
    assert adapters.do(LoadAdapter("1", str(silent)), info).made_for == chest
    assert adapters.do(LoadAdapter("2", str(speaking)), info).made_for == head
    assert adapters.do(UseAdapter("3", "silent"), info).made_for == chest
    assert adapters.do(UseAdapter("4", None), info).made_for == chest
    write_declaration(speaking, MadeFor(views=("PA",)))
    told = adapters.do(LoadAdapter("5", str(speaking)), info)
    assert told.made_for == MadeFor(views=("PA",)), "what was declared since"


def test_a_declaration_alone_is_no_record_of_a_checkpoint(
    adapters: Adapters, make_adapter: MakeAdapter
) -> None:
    folder = reset(make_adapter("declared"), base_model_name_or_path="another")
    (folder / RECORD).unlink()
    write_declaration(folder, MadeFor(modalities=("CT",)))
    told = adapters.do(LoadAdapter("1", str(folder)), INFO)
    assert told.made_for.modalities == ("CT",)
    assert told.adapter_doubt, "nothing says which checkpoint it belongs to"
    (folder / RECORD).write_text('{"made_for": {"modality": ["CT"]}}')
    with pytest.raises(AdapterError, match="declares"):
        adapters.load(folder)
