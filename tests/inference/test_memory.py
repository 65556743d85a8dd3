"""What a checkpoint takes is told from its headers; what does not fit is refused with numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from inference import memory
from inference.checkpoints import CheckpointError, load
from inference.engines.diffusion import Checkpoint
from inference.engines.prefixes import encode_prefix
from inference.memory import GIB, Need, StoredTensor

SMALL = Need(weights=48 * GIB, prefixes=2 * GIB, step=2 * GIB)


def test_the_headers_tell_what_is_stored(random_checkpoint: Path) -> None:
    shard = random_checkpoint / "model.safetensors"
    tensors = {tensor.name: tensor for tensor in memory.stored_tensors([shard])}
    read = load_file(shard)
    assert tensors.keys() == read.keys()
    for name, content in read.items():
        assert tensors[name].elements == content.numel()
        assert tensors[name].size == content.numel() * content.element_size()
        assert tensors[name].rank == content.ndim
        assert tensors[name].is_float


def test_the_estimate_is_what_the_loaded_weights_take(
    random_checkpoint: Path, loaded: Checkpoint
) -> None:
    tensors = memory.stored_tensors([random_checkpoint / "model.safetensors"])
    taken = sum(each.numel() * each.element_size() for each in loaded.model.parameters())
    assert memory.weight_bytes(tensors, 4) == pytest.approx(taken, rel=0.001)
    assert memory.weight_bytes(tensors, 2) == memory.weight_bytes(tensors, 4) // 2


def test_the_estimate_of_a_prefix_is_what_its_cache_takes(loaded: Checkpoint) -> None:
    prefix = encode_prefix(loaded, None, "Chest radiograph.")
    taken = sum(
        each.numel() * each.element_size()
        for layer in prefix.layers
        for each in (layer.keys, layer.values)
    )
    length = prefix.get_seq_length()
    assert memory.prefix_bytes(loaded.model.config, 4, tokens=length) == taken


def test_what_encoder_and_decoder_share_counts_once() -> None:
    names = (
        "model.decoder.embed_tokens.weight",
        "lm_head.weight",
        "model.encoder.language_model.layers.0.mlp.up_proj.weight",
        "model.decoder.layers.0.mlp.up_proj.weight",
        "model.encoder.vision_tower.std_scale",
    )
    tensors = [StoredTensor(name, "BF16", (2, 5), 20) for name in names]
    assert memory.weight_bytes(tensors, 2) == 3 * 20


def test_quantised_weights_stay_small_unless_they_are_unpacked() -> None:
    tensors = [StoredTensor("a", "BF16", (2, 5), 20), StoredTensor("b", "I32", (10, 10), 400)]
    assert memory.weight_bytes(tensors, None) == 420
    assert memory.weight_bytes(tensors, None, packed_bits=4) == 20 + 800 * 2


def test_what_fits_is_not_refused() -> None:
    assert memory.refusal("it", "cpu", SMALL, 52 * GIB, cpu_need=SMALL, cpu_free=52 * GIB) is None


@pytest.mark.parametrize(
    ("free", "cpu_free", "said", "unsaid"),
    [
        (40 * GIB, 60 * GIB, ("8 bits (about 28.0 GiB)", "--device cpu"), ("4 bits",)),
        (20 * GIB, 10 * GIB, ("4 bits (about 16.0 GiB)",), ("8 bits", "--device")),
        (10 * GIB, 60 * GIB, ("--device cpu", "at most 6.0 GiB"), ("bits",)),
        (3 * GIB, 5 * GIB, ("another machine",), ("What would fit",)),
    ],
)
def test_a_refusal_says_what_would_fit(
    free: int, cpu_free: int, said: tuple[str, ...], unsaid: tuple[str, ...]
) -> None:
    sentence = memory.refusal("it", "cuda", SMALL, free, cpu_need=SMALL, cpu_free=cpu_free)
    assert sentence is not None
    assert "52.0 GiB" in sentence
    assert memory.gib(free) in sentence
    assert sentence.endswith(".")
    assert all(words in sentence for words in said)
    assert not any(words in sentence for words in unsaid)


def test_a_processor_that_cannot_run_it_is_not_advised() -> None:
    sentence = memory.refusal("it", "cuda", SMALL, 3 * GIB, cpu_need=None, cpu_free=99 * GIB)
    assert sentence is not None
    assert "--device" not in sentence


@given(*[st.integers(0, 200 * GIB)] * 5)
def test_it_is_refused_exactly_if_it_does_not_fit(
    weights: int, prefixes: int, step: int, free: int, cpu_free: int
) -> None:
    need = Need(weights, prefixes, step)
    sentence = memory.refusal("it", "cuda", need, free, cpu_need=need, cpu_free=cpu_free)
    assert (sentence is None) == (weights + prefixes + step <= free)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Free memory a device, in bytes, for a test to set."""
    devices = {"cpu": 64 * GIB}
    monkeypatch.setattr(memory, "free_memory", lambda device: devices[device])
    return devices


def test_a_processor_takes_float32_while_there_is_room(
    random_checkpoint: Path, free: dict[str, int]
) -> None:
    assert load(random_checkpoint, "cpu").info.dtype == "float32"
    free["cpu"] = GIB // 8
    assert load(random_checkpoint, "cpu").info.dtype == "bfloat16"


def test_a_checkpoint_that_does_not_fit_is_refused_before_it_is_read(
    random_checkpoint: Path, free: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import DiffusionGemmaForBlockDiffusion

    def read(*_: object, **__: object) -> None:
        raise AssertionError("a tensor was read")

    monkeypatch.setattr(DiffusionGemmaForBlockDiffusion, "from_pretrained", read)
    free["cpu"] = 10 * 2**20
    with pytest.raises(CheckpointError, match=r"needs about .* GiB .*are free there"):
        load(random_checkpoint, "cpu")


def test_free_memory_of_this_machine() -> None:
    assert 0 < memory.free_memory("cpu") < 2**50
