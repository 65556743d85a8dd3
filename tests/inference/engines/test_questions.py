"""Questions about a study, to both kinds of model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from inference.checkpoints import load, load_autoregressive, plain_engine
from inference.engines.base import BadRequest
from inference.engines.prefixes import PREFIXES_KEPT
from inference.prompt import write_ask, write_prompt
from inference.protocol import Filled, Fixed, Gap, Infill, Options, Piece
from inference.training.batches import ask
from resources import demo_checkpoint

IMAGE = np.random.default_rng(0).integers(0, 256, (64, 80), dtype=np.uint8)


@pytest.fixture(scope="module", params=["diffusion", "autoregressive"])
def engine(request: pytest.FixtureRequest) -> Any:
    if request.param == "diffusion":
        return plain_engine(load(demo_checkpoint(), "cpu"))
    return plain_engine(load_autoregressive(demo_checkpoint("autoregressive"), "cpu"))


def asked(
    engine: Any,
    question: str | None,
    pieces: tuple[Piece, ...] = (Gap(),),
    image_id: str = "one",
    steps: int = 12,
) -> Filled:
    options = Options(seed=1, candidates=1, max_steps=steps)
    request = Infill("1", pieces, image_id, "PA view.", options, question)
    filled = engine.infill(request, IMAGE, lambda _: None, lambda: False)
    assert isinstance(filled, Filled)
    return filled


def test_a_question_is_answered_and_not_the_report_written(engine: Any) -> None:
    report, answer = asked(engine, None), asked(engine, "Is there an effusion?")
    other = asked(engine, "Which side is the heart on, and how large is it?")
    assert report.fills not in (answer.fills, other.fills)
    assert asked(engine, "Is there an effusion?").fills == answer.fills


def test_what_was_read_for_one_question_is_not_read_for_another(engine: Any) -> None:
    asked(engine, "Is it one?", image_id="two")
    again = asked(engine, "Is it one?", image_id="two")
    assert again.prefix_encodings == 0
    other = asked(engine, "Is it two?", image_id="two")
    # The sibling reads image and context once; a denoiser's question is part of what is encoded.
    assert other.prefix_encodings == (engine.info.paradigm == "diffusion")


def test_questions_do_not_cost_a_study_its_prefix(engine: Any) -> None:
    questions = [None, *(f"Is it {number}?" for number in range(PREFIXES_KEPT + 1)), None]
    jobs = [asked(engine, question, image_id="three", steps=1) for question in questions]
    assert (jobs[0].prefix_encodings, jobs[-1].prefix_encodings) == (1, 0)


@pytest.mark.parametrize(
    ("question", "pieces", "told"),
    [
        ("  ", (Gap(),), "There is no question"),
        ("Is it?", (Fixed("Yes, "), Gap()), "one gap alone"),
        ("Is it? " * 3000, (Gap(),), "tokens"),
    ],
)
def test_what_is_no_question_is_refused(
    engine: Any, question: str, pieces: tuple[Piece, ...], told: str
) -> None:
    with pytest.raises(BadRequest, match=told):
        asked(engine, question, pieces)


def test_an_answer_of_a_denoiser_ends_with_its_canvas(random_checkpoint: Path) -> None:
    """An untrained one would write on and on."""
    engine = plain_engine(load(random_checkpoint, "cpu"))
    options = Options(seed=1, candidates=1, max_steps=2)
    request = Infill("1", (Gap(),), None, "", options, "Is it?")
    filled = engine.infill(request, None, lambda _: None, lambda: False)
    assert filled.steps == 2
    assert filled.candidates[0].faults[-1] == "unclosed"


@pytest.mark.parametrize("question", ["model", "turn", "user"])
def test_a_question_of_a_word_of_the_template_is_put_whole(
    random_checkpoint: Path, question: str
) -> None:
    tokenizer = load(random_checkpoint, "cpu").tokenizer
    asked = tokenizer.decode(write_ask(tokenizer, question))
    assert asked == tokenizer.decode(write_ask(tokenizer, "Is it?")).replace("Is it?", question)


def test_a_question_is_put_as_it_is_trained(random_checkpoint: Path) -> None:
    checkpoint = load(random_checkpoint, "cpu")
    prompt = write_prompt(checkpoint.tokenizer, "PA view.", 3, "Is it?")
    trained = ask(
        checkpoint.tokenizer,
        question="Is it?",
        context="PA view.",
        answer="no",
        image=IMAGE,
        soft_tokens=3,
        number=0,
    )
    assert prompt.input_ids[0].tolist() == trained.prompt
    assert prompt.token_type_ids[0].tolist() == trained.types
    assert torch.equal(prompt.token_type_ids.sum(), torch.tensor(3))
