"""What is asked for beyond all bounds is refused on both sides, before it costs anything."""

from __future__ import annotations

import re
import tracemalloc
from typing import Any

import msgspec
import numpy as np
import pytest

from inference import limits
from inference.client import RequestFailed, _frame, _upload
from inference.protocol import (
    Cancel,
    Failed,
    Fixed,
    Gap,
    Infill,
    LoadAdapter,
    Measure,
    Options,
    Prepare,
    PutImage,
    Request,
    UseAdapter,
    decode_request,
    encode,
)
from tests.inference.scripted_engine import ScriptedEngine, load
from tests.inference.test_server import peer, serving

LINE = PutImage("0" * 64, 1, 60_000, bytes(60_000))

EXCESSES: dict[str, tuple[Request, str]] = {
    "gap": (Infill("a", (Gap(tokens=500_000_000),)), "shorter gaps"),
    "gaps": (Infill("a", (Gap(tokens=40_000), Fixed("x"), Gap(tokens=40_000))), "shorter gaps"),
    "text": (Infill("a", (Fixed("x" * 200_001), Gap())), "shorten it"),
    "hint": (Infill("a", (Gap(hint="x" * 200_001),)), "shorten it"),
    "context": (Infill("a", (Gap(),), context="x" * 40_000_000), "shorten it"),
    "prepared context": (Prepare("a", context="x" * 40_000_000), "shorten it"),
    "question": (Infill("a", (Gap(),), question="x" * 10_001), "shorten it"),
    "heat": (Infill("a", (Gap(),), options=Options(heat=float("nan"))), "heat"),
    "bound": (Infill("a", (Gap(),), options=Options(entropy_bound=float("inf"))), "finite"),
    "folder": (LoadAdapter("a", "x" * 5_000), "shorten it"),
    "name": (UseAdapter("a", "x" * 5_000), "shorten it"),
    "id": (Measure("x" * 5_000), "shorten it"),
    "cancelled id": (Cancel("x" * 5_000), "shorten it"),
    "line": (LINE, "less long|smaller"),
    "side": (PutImage("0" * 64, 60_000, 60, bytes(3_600_000)), "smaller"),
}


@pytest.mark.parametrize("name", EXCESSES)
async def test_worker_refuses_what_is_beyond_all_bounds(name: str) -> None:
    request, advice = EXCESSES[name]
    engine = ScriptedEngine()
    async with serving(load(engine)) as (_, url), peer(url) as it:
        await it.send(request)
        failure = await it.ending()
        assert isinstance(failure, Failed)
        assert failure.kind == "bad_request"
        assert re.search(advice, failure.message), failure.message
        await it.send(Infill("b", (Gap(),)))
        assert (await it.ending()).request_id == "b"
    assert engine.started == ["b"]


@pytest.mark.parametrize("name", EXCESSES)
def test_client_refuses_the_same_before_it_is_encoded(name: str) -> None:
    request, advice = EXCESSES[name]
    tracemalloc.start()
    try:
        with pytest.raises(RequestFailed, match=advice) as failure:
            _frame(request)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    assert failure.value.kind == "bad_request"


def test_pieces_are_counted_before_they_are_made() -> None:
    frame = encode(Infill("a", (Gap(),) * 200_000))
    tracemalloc.start()
    try:
        with pytest.raises(msgspec.ValidationError, match="length"):
            decode_request(frame)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
    with pytest.raises(RequestFailed, match="in parts"):
        _frame(Infill("a", (Gap(),) * 200_000))


@pytest.mark.parametrize("options", [{"candidates": 17}, {"max_steps": 10_001}])
def test_candidates_and_steps_are_refused_in_a_sentence(options: dict[str, Any]) -> None:
    with pytest.raises(RequestFailed, match="at most"):
        _frame(Infill("a", (Gap(),), options=Options(**options)))


@pytest.mark.parametrize("shape", [(1, 60_000_000), (60_000_000, 1), (2, 4_000), (9_000, 9_000)])
def test_client_refuses_an_image_before_it_copies_it(shape: tuple[int, int]) -> None:
    image = np.broadcast_to(np.uint8(0), shape)
    with pytest.raises(RequestFailed, match="send"):
        _upload(image)


@pytest.mark.parametrize("shape", [(512, 1), (1, 1), (8_000, 8_000)])
def test_an_image_within_bounds_is_none_of_their_business(shape: tuple[int, int]) -> None:
    assert limits.image_excess(*shape) is None
