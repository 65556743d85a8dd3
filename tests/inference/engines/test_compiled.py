"""The compiled decoder gives the model's own logits, whatever came before, and compiles once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from inference.engines.compiled import MOST_SHAPES, CompiledDecoder, bucket_of
from inference.engines.decoder import decoder_behind
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.engines.prefixes import encode_prefix
from inference.protocol import Fixed, Gap, Infill, Options, Piece

TOLERANCE = 1e-4
"""Logits lie within 30; only the order of additions differs."""


@pytest.fixture(autouse=True)
def nothing_compiled() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture
def counter() -> CompileCounterWithBackend:
    return CompileCounterWithBackend("aot_eager")


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (96, 96), dtype=np.uint8)


@pytest.mark.parametrize(
    ("length", "size"), [(1, 128), (128, 128), (129, 256), (256, 256), (1000, 1024)]
)
def test_a_bucket_is_the_next_power_of_two(length: int, size: int) -> None:
    assert bucket_of(length) == size


Inputs = tuple[torch.Tensor, torch.Tensor | None, torch.Tensor]


class Canvases:
    """Random inputs of a decoder, as the sampler would ask them."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self._generator = torch.Generator().manual_seed(0)
        self._length = checkpoint.info.canvas_length
        self._vocabulary = checkpoint.model.config.text_config.vocab_size

    def draw(self, rows: int, free: int, conditioned: bool) -> Inputs:
        places = torch.randperm(rows * self._length, generator=self._generator)[:free].sort()[0]
        canvas = torch.randint(self._vocabulary, (rows, self._length), generator=self._generator)
        logits = torch.randn(free, self._vocabulary, generator=self._generator)
        return canvas, logits if conditioned else None, places


def test_its_logits_are_the_model_s_for_any_request_in_a_row(
    loaded: Checkpoint, counter: CompileCounterWithBackend, image: np.ndarray
) -> None:
    """Other pins, another study, another prefix length, with and without self-conditioning."""
    compiled = CompiledDecoder(loaded.model, counter)
    canvases = Canvases(loaded)
    with torch.inference_mode():
        prefixes = [
            encode_prefix(loaded, image, "Chest radiograph."),
            encode_prefix(loaded, 255 - image, "Chest radiograph, cough."),
            encode_prefix(loaded, None, "No image."),
        ]
        assert len({prefix.get_seq_length() for prefix in prefixes}) == 3
        assert {bucket_of(prefix.get_seq_length()) for prefix in prefixes} == {128}
        for prefix in [*prefixes, prefixes[0]]:
            decode, reference = compiled.bind(prefix), decoder_behind(loaded.model, prefix)
            for free, conditioned in ((128, False), (17, True), (40, True)):
                inputs = canvases.draw(1, free, conditioned)
                expected = reference(*inputs)
                torch.testing.assert_close(
                    decode(*inputs),
                    expected,
                    atol=TOLERANCE,
                    rtol=0,
                )
    assert counter.frame_count == 1


def test_two_decoders_that_are_used_by_turns_do_not_mix(
    loaded: Checkpoint, counter: CompileCounterWithBackend, image: np.ndarray
) -> None:
    compiled = CompiledDecoder(loaded.model, counter)
    inputs = Canvases(loaded).draw(1, 30, True)
    with torch.inference_mode():
        first = encode_prefix(loaded, image, "Chest radiograph.")
        second = encode_prefix(loaded, None, "Chest radiograph.")
        decoders = [compiled.bind(first), compiled.bind(second)]
        once = [decode(*inputs) for decode in decoders]
        again = [decode(*inputs) for decode in decoders]
    assert not torch.equal(once[0], once[1])
    assert torch.equal(once[0], again[0])
    assert torch.equal(once[1], again[1])


def test_candidates_that_leave_the_batch_reuse_a_graph(
    loaded: Checkpoint, counter: CompileCounterWithBackend, image: np.ndarray
) -> None:
    compiled = CompiledDecoder(loaded.model, counter)
    canvases = Canvases(loaded)
    with torch.inference_mode():
        prefix = encode_prefix(loaded, image, "Chest radiograph.")
        decode, reference = compiled.bind(prefix), decoder_behind(loaded.model, prefix)
        for rows in (4, 3, 4, 3):
            inputs = canvases.draw(rows, 25 * rows, True)
            torch.testing.assert_close(
                decode(*inputs),
                reference(*inputs),
                atol=TOLERANCE,
                rtol=0,
            )
    assert counter.frame_count == 1


def test_too_many_shapes_run_uncompiled(
    loaded: Checkpoint, counter: CompileCounterWithBackend
) -> None:
    compiled = CompiledDecoder(loaded.model, counter)
    compiled._shapes = {(1, rows) for rows in range(MOST_SHAPES)}
    inputs = Canvases(loaded).draw(1, 30, True)
    with torch.inference_mode():
        prefix = encode_prefix(loaded, None, "Chest radiograph.")
        logits = compiled.bind(prefix)(*inputs)
        expected = decoder_behind(loaded.model, prefix)(*inputs)
    torch.testing.assert_close(logits, expected, atol=TOLERANCE, rtol=0)
    assert counter.frame_count == 0


def test_a_sliding_window_that_is_full(
    loaded: Checkpoint, counter: CompileCounterWithBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sliding layers then keep fewer positions than there are, and the canvas stands further on."""
    text = loaded.model.config.text_config
    monkeypatch.setattr(text, "sliding_window", 24)
    compiled = CompiledDecoder(loaded.model, counter)
    inputs = Canvases(loaded).draw(1, 30, True)
    with torch.inference_mode():
        prefix = encode_prefix(loaded, None, "Chest radiograph of a man. " * 8)
        assert prefix.layers[0].keys.shape[2] < prefix.get_seq_length()
        logits = compiled.bind(prefix)(*inputs)
        expected = decoder_behind(loaded.model, prefix)(*inputs)
    torch.testing.assert_close(logits, expected, atol=TOLERANCE, rtol=0)


def test_an_engine_fills_the_same_gaps_with_it(
    loaded: Checkpoint, counter: CompileCounterWithBackend, image: np.ndarray
) -> None:
    """Two requests in a row with other pins and another study, and the fills of a plain engine."""
    engines = (
        DiffusionEngine(loaded, decoder=CompiledDecoder(loaded.model, counter).bind),
        DiffusionEngine(loaded),
    )
    requests: tuple[tuple[str, tuple[Piece, ...]], ...] = (
        ("a", (Fixed("The heart is"), Gap(5), Fixed(" No effusion."))),
        ("b", (Gap(3), Fixed(" No pneumothorax."), Gap(4))),
    )
    options = Options(seed=3, candidates=1, max_steps=3)
    for context, pieces in requests:
        request = Infill("job", pieces, context, context, options)
        mine, plain = (
            engine.infill(request, image, lambda _: None, lambda: False).fills for engine in engines
        )
        assert mine == plain
    assert counter.frame_count == 1


def test_attention_without_masks_is_refused(
    loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = loaded.model.config.text_config
    monkeypatch.setattr(text, "_attn_implementation_internal", "flash_attention_2")
    with pytest.raises(ValueError, match="not flash_attention_2"):
        CompiledDecoder(loaded.model)
