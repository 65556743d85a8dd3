"""A compiled decoder is used where it says what the model says, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from inference.engines import acceleration
from inference.engines.acceleration import accelerate
from inference.engines.compiled import CompiledDecoder
from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.protocol import Fixed, Gap, Infill, Options


@pytest.fixture(autouse=True)
def nothing_compiled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No C++ compiler is needed."""
    quick = partial(CompiledDecoder, backend="aot_eager")
    monkeypatch.setattr(acceleration, "CompiledDecoder", quick)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def test_a_model_on_a_cpu_is_left_as_it_is(loaded: Checkpoint) -> None:
    stages: list[str] = []
    assert accelerate(loaded, compiled=False, on_stage=stages.append) is None
    assert not stages


def test_a_compiled_decoder_fills_what_the_model_would(loaded: Checkpoint) -> None:
    stages: list[str] = []
    decoder = accelerate(loaded, compiled=True, on_stage=stages.append)
    assert decoder is not None
    assert stages == ["Compiling the decoder; this takes minutes"]
    pieces = (Fixed("The heart is"), Gap(5), Fixed(" No effusion."))
    request = Infill("job", pieces, context="Chest.", options=Options(seed=3, max_steps=3))
    mine, plain = (
        engine.infill(request, None, lambda _: None, lambda: False)
        for engine in (DiffusionEngine(loaded, decoder=decoder), DiffusionEngine(loaded))
    )
    assert mine.candidates == plain.candidates
    assert mine.forwards == plain.forwards > 0, "a compiled decoder's forwards are counted too"
    assert mine.canvas_forwards == plain.canvas_forwards


def test_one_that_fails_is_left_aside(loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("no compiler\nhere")

    monkeypatch.setattr(acceleration, "CompiledDecoder", refuse)
    stages: list[str] = []
    assert accelerate(loaded, compiled=True, on_stage=stages.append) is None
    assert stages[-1] == "Going on uncompiled: no compiler"


@pytest.mark.parametrize(
    "wrong", [lambda logits: logits.roll(1, -1), lambda logits: logits * torch.nan]
)
def test_one_that_says_something_else_is_left_aside(
    loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    bind = CompiledDecoder.bind

    def misled(self: CompiledDecoder, prefix: Any) -> Any:
        decode = bind(self, prefix)

        def decoder(*inputs: Tensor) -> Tensor:
            spoilt: Tensor = wrong(50 * decode(*inputs))
            return spoilt

        return decoder

    monkeypatch.setattr(CompiledDecoder, "bind", misled)
    stages: list[str] = []
    assert accelerate(loaded, compiled=True, on_stage=stages.append) is None
    assert stages[-1].startswith("Going on uncompiled: the compiled decoder's words lie ")
