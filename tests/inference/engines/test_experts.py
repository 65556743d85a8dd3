"""The experts' implementations are the same function; the fastest one is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from inference.engines import experts
from inference.engines.diffusion import Checkpoint
from inference.engines.experts import choose_experts
from inference.engines.prefixes import encode_prefix
from inference.training import dense_experts


@pytest.fixture
def forward(loaded: Checkpoint) -> Iterator[Callable[[], torch.Tensor]]:
    """One decoder forward; what was chosen is undone after the test."""
    model = loaded.model
    before = model.get_experts_implementation()
    with torch.inference_mode():
        prefix = encode_prefix(loaded, None, "Chest radiograph.")
        canvas = torch.arange(loaded.info.canvas_length)[None]

        def run() -> torch.Tensor:
            logits: torch.Tensor = model(past_key_values=prefix, decoder_input_ids=canvas).logits
            return logits

        yield run
    model.set_experts_implementation(before)


def in_use(checkpoint: Checkpoint) -> str:
    return str(checkpoint.model.config.text_config._experts_implementation)


def test_every_implementation_gives_the_same_logits(
    loaded: Checkpoint, forward: Callable[[], torch.Tensor]
) -> None:
    dense_experts.register()
    expected = forward()
    for name in experts.IMPLEMENTATIONS:
        loaded.model.set_experts_implementation(name)
        torch.testing.assert_close(forward(), expected, atol=1e-4, rtol=0)


def test_the_fastest_is_kept(
    loaded: Checkpoint, forward: Callable[[], torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"grouped_mm": 3.0, "batched_mm": 2.0, dense_experts.NAME: 1.0, "eager": 4.0}
    monkeypatch.setattr(experts, "_timed", lambda *_: clock[in_use(loaded)])
    seconds = choose_experts(loaded.model, forward)
    assert list(seconds) == [dense_experts.NAME, "batched_mm", "grouped_mm", "eager"]
    assert in_use(loaded) == dense_experts.NAME


def test_what_no_graph_can_hold_is_left_out(
    loaded: Checkpoint, forward: Callable[[], torch.Tensor]
) -> None:
    assert "eager" not in choose_experts(loaded.model, forward, compiled=True, repeat=1)


def test_weights_are_not_gathered_where_they_would_not_fit(
    loaded: Checkpoint, forward: Callable[[], torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experts, "free_memory", lambda device: 2**20)
    assert "batched_mm" not in choose_experts(loaded.model, forward, repeat=1)


def test_what_fails_is_not_chosen(loaded: Checkpoint, forward: Callable[[], torch.Tensor]) -> None:
    def only_eager() -> None:
        if in_use(loaded) != "eager":
            raise RuntimeError("no kernel for this device")

    assert list(choose_experts(loaded.model, only_eager)) == ["eager"]
    assert in_use(loaded) == "eager"


def test_where_everything_fails_nothing_is_changed(
    loaded: Checkpoint, forward: Callable[[], torch.Tensor]
) -> None:
    def fail() -> None:
        raise NotImplementedError

    before = in_use(loaded)
    assert choose_experts(loaded.model, fail) == {}
    assert in_use(loaded) == before


def test_one_that_is_hopelessly_slow_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[float] = []

    def timed(*_: object) -> float:
        runs.append(10.0)
        return 10.0

    monkeypatch.setattr(experts, "_timed", timed)
    device = torch.device("cpu")
    assert experts._least_seconds(lambda: None, device, repeat=5, best=1.0) == 10.0
    assert len(runs) == 1
    assert experts._least_seconds(lambda: None, device, repeat=5, best=9.0) == 10.0
    assert len(runs) == 6
