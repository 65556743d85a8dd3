"""Adapters through an engine and through the real worker: words change, and change back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.checkpoints import load_engine
from inference.client import Client, RequestFailed
from inference.engines.base import BadRequest
from inference.placement import Placement
from inference.protocol import (
    Filled,
    Fixed,
    Gap,
    Infill,
    LoadAdapter,
    Options,
    RemoveAdapter,
    UseAdapter,
)
from tests.inference.random_adapters import MakeAdapter

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 80), dtype=np.uint8)
PIECES = (Fixed("FINDINGS:\nHeart "), Gap(12), Fixed("."))
OPTIONS = Options(seed=3, max_steps=12, candidates=3)


@pytest.fixture(params=["diffusion", "autoregressive"])
def base(request: pytest.FixtureRequest, random_checkpoint: Path, random_sibling: Path) -> Path:
    return random_checkpoint if request.param == "diffusion" else random_sibling


@pytest.fixture
def engine(base: Path) -> Any:
    return load_engine(base, Placement("cpu"), lambda _: None)


def fill(engine: Any) -> Filled:
    request = Infill("job", PIECES, "image", "Cough.", OPTIONS)
    filled: Filled = engine.infill(request, IMAGE, lambda _: None, lambda: False)
    return filled


def test_it_is_switched_while_the_engine_runs(
    engine: Any, base: Path, make_adapter: MakeAdapter
) -> None:
    folder = make_adapter("chest", scale=0.3, base=base)
    before = fill(engine)
    info = engine.adapt(LoadAdapter("a", str(folder)))
    assert (info.adapters, info.adapter) == (("chest",), "chest")
    assert engine.info == info
    adapted = fill(engine)
    assert adapted.candidates != before.candidates
    assert adapted.prefix_encodings == 1, "what the checkpoint alone had read is not used"

    assert engine.adapt(UseAdapter("b", None)).adapter is None
    assert fill(engine).candidates == before.candidates
    assert engine.adapt(UseAdapter("c", "chest")).adapter == "chest"
    assert fill(engine).candidates == adapted.candidates
    assert engine.adapt(RemoveAdapter("d", "chest")).adapters == ()
    assert fill(engine).candidates == before.candidates


def test_one_that_is_refused_changes_nothing(
    engine: Any, base: Path, make_adapter: MakeAdapter, tmp_path: Path
) -> None:
    before, info = fill(engine), engine.info
    for folder, said in (
        (tmp_path, "holds no adapter"),
        (make_adapter("void", scale=0.0, base=base), "changes nothing"),
    ):
        with pytest.raises(BadRequest, match=said):
            engine.adapt(LoadAdapter("a", str(folder)))
    with pytest.raises(BadRequest, match="Load it first"):
        engine.adapt(UseAdapter("a", "unheard"))
    assert engine.info == info
    assert fill(engine).candidates == before.candidates


async def test_every_client_of_a_worker_hears_of_it(
    random_checkpoint: Path, make_adapter: MakeAdapter
) -> None:
    async with await Client.launch(random_checkpoint) as client:
        before = await client.infill(PIECES, image=IMAGE, options=OPTIONS)
        model = await client.load_adapter(make_adapter("worn", scale=0.3))
        assert model.adapter == client.model.adapter == "worn"
        adapted = await client.infill(PIECES, image=IMAGE, options=OPTIONS)
        assert adapted.candidates != before.candidates

        worker = client._worker
        assert worker is not None
        async with await Client.connect(await worker.address(), worker.token) as other:
            assert other.model.adapter == "worn"
            with pytest.raises(RequestFailed, match="Load it first"):
                await other.use_adapter("unheard")
            await other.use_adapter(None)
            again = await client.infill(PIECES, image=IMAGE, options=OPTIONS)
            assert client.model.adapter is None
        assert again.candidates == before.candidates
        assert (await client.remove_adapter("worn")).adapters == ()
