"""A short run of the contract's benchmark, and proof that it would see a pin fall."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import pytest

from inference.engines.diffusion import Checkpoint, DiffusionEngine
from inference.evaluation.bench_contract import (
    BrokenContractError,
    check_document,
    main,
    random_document,
)
from inference.protocol import Fixed, Gap


@pytest.fixture
def engine(loaded: Checkpoint) -> DiffusionEngine:
    return DiffusionEngine(loaded)


def test_documents_are_of_many_kinds() -> None:
    documents = [random_document(random.Random(seed)) for seed in range(300)]
    assert any(isinstance(document[0], Gap) for document in documents)
    assert any(
        isinstance(first, Gap) and isinstance(second, Gap)
        for document in documents
        for first, second in pairwise(document)
    )
    pinned = "".join(piece.text for d in documents for piece in d if isinstance(piece, Fixed))
    assert {"\x00", "\r", "\u2581", "\u200f"} <= set(pinned)
    assert any(len(piece.text) > 600 for d in documents for piece in d if isinstance(piece, Fixed))


def test_pins_stand_on_random_documents(engine: DiffusionEngine) -> None:
    ended = {check_document(engine, seed) for seed in range(30)}
    assert {"filled on one canvas", "filled by windows"} <= ended


def check(engine: DiffusionEngine, seeds: Iterable[int]) -> None:
    for seed in seeds:
        check_document(engine, seed)


def test_a_pin_that_falls_on_its_way_to_the_decoder_is_seen(engine: DiffusionEngine) -> None:
    """The sampler checks its own canvas, which is another one by then."""

    def slips(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        return args, kwargs | {"decoder_input_ids": (kwargs["decoder_input_ids"] + 1) % 100}

    hook = engine.model.model.decoder.register_forward_pre_hook(slips, with_kwargs=True)
    try:
        with pytest.raises(BrokenContractError, match="without its pins"):
            check(engine, range(5))
    finally:
        hook.remove()


def test_nothing_pinned_behind_the_last_gap_is_no_pin(engine: DiffusionEngine) -> None:
    """The last piece of this document is an empty one, so that its draft writes on."""
    pieces = random_document(random.Random("contract 433"))
    assert pieces[-1] == Fixed("")
    check(engine, [433])


def test_a_window_that_breaks_off_within_a_character_is_no_whole_canvas(
    engine: DiffusionEngine,
) -> None:
    assert check_document(engine, 1327) == "filled by windows"


def test_a_layout_of_other_bytes_is_seen(engine: DiffusionEngine) -> None:
    def decode(ids: Sequence[int]) -> str:
        return "other"

    with (
        patch.object(engine.codec, "decode", decode),
        pytest.raises(BrokenContractError, match="bytes that were pinned"),
    ):
        check(engine, range(10))


@pytest.fixture
def tiny(random_checkpoint: Any) -> list[str]:
    return ["--checkpoint", str(random_checkpoint), "--processes", "1"]


def test_the_command_counts_what_it_did(
    tiny: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*tiny, "--documents", "3", "--cancels", "2", "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert counted.pop("cancelled within one step") == 2
    assert sum(value for value in counted.values() if isinstance(value, int)) == 3
