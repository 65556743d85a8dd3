"""A checkpoint as a judge: its JSON counts, and what it writes besides is no verdict."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from inference.engines.base import BadRequest
from inference.evaluation.item_log import checkpoint_fingerprint
from inference.evaluation.judging.local import LocalJudge
from inference.evaluation.judging.verdicts import Item, JudgeError, Verdict
from inference.protocol import Candidate, Canvas, Filled, Infill
from resources import demo_checkpoint
from tests.inference.scripted_engine import ScriptedEngine

ITEM = Item("Where is it?", "left", "On the left-hand side.")


class Writing(ScriptedEngine):
    """Writes what it is given, in turn; notes what it was asked."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        self.texts = list(texts)
        self.requests: list[Infill] = []

    def infill(
        self,
        request: Infill,
        image: NDArray[np.uint8] | None,
        emit: Callable[[Canvas], None],
        cancelled: Callable[[], bool],
    ) -> Filled:
        self.requests.append(request)
        if not self.texts:
            raise BadRequest("The question is too long. Ask a shorter one.")
        filled = super().infill(
            msgspec.structs.replace(request, context=""), image, emit, cancelled
        )
        return msgspec.structs.replace(filled, candidates=(Candidate((self.texts.pop(0),)),))


def test_a_model_is_asked_as_a_study_is_asked_a_question() -> None:
    engine = Writing('{"equivalent": false, "reason": "Other side."}')
    judge = LocalJudge(engine, "gemma", "abc")
    assert judge.verdict(ITEM) == Verdict(False, "gemma", "Other side.")
    (request,) = engine.requests
    assert request.question is not None
    assert '"answer":"On the left-hand side."' in request.question
    assert (request.image_id, request.context, len(request.pieces)) == (None, "", 1)
    assert (judge.identity, judge.description) == (
        "checkpoint abc",
        "gemma, a checkpoint on this machine",
    )


def test_nonsense_is_asked_about_once_more() -> None:
    engine = Writing("Clear.", '{"equivalent": true, "reason": "Same."}')
    assert LocalJudge(engine, "gemma", "abc").verdict(ITEM).equivalent
    assert len(engine.requests) == 2


def test_what_does_not_fit_the_model_is_told() -> None:
    with pytest.raises(JudgeError, match=r"gemma cannot judge: The question is too long"):
        LocalJudge(Writing(), "gemma", "abc").verdict(ITEM)


def test_a_checkpoint_that_knows_no_json_judges_nothing() -> None:
    folder = demo_checkpoint("autoregressive")
    judge = LocalJudge.load(folder, "cpu")
    assert judge.description == f"{folder.name}, a checkpoint on this machine"
    assert judge.identity == f"checkpoint {checkpoint_fingerprint(folder)}"
    with pytest.raises(JudgeError, match="did not reply with the JSON object"):
        judge.verdict(ITEM)


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(JudgeError, match=r"config\.json") as raised:
        LocalJudge.load(tmp_path, "cpu")
    assert raised.value.final
