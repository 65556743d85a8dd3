"""Objectives: a batch says what its examples say, long answers go over several canvases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inference.checkpoints import load, load_autoregressive
from inference.prompt import GAP_MARK, LATER_MARK
from inference.training.batches import Asked, Batch, ask, stack
from inference.training.objectives import (
    DenoisingObjective,
    NextTokenObjective,
    chunk,
    fill,
    marks_of,
)
from inference.training.recipe import read_recipe
from inference.training.text import shares

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 80), dtype=np.uint8)


@pytest.fixture(scope="module")
def diffusion(random_checkpoint: Path) -> Any:
    return load(random_checkpoint, "cpu")


@pytest.fixture(scope="module")
def sibling(random_sibling: Path) -> Any:
    return load_autoregressive(random_sibling, "cpu")


def examples(checkpoint: Any) -> list[Asked]:
    """Prompts of different lengths, with and without an image."""
    texts = [
        (IMAGES[0], None, "Cough.", "FINDINGS:\nHeart size is normal. Clear lungs."),
        (None, "Is there an effusion?", "", "no"),
        (IMAGES[1], "What is enlarged, on which side?", "Erect.", "the heart"),
    ]
    return [
        ask(
            checkpoint.tokenizer,
            question=question,
            context=context,
            answer=answer,
            image=image,
            soft_tokens=None if image is None else soft_tokens(checkpoint, image),
            number=number,
        )
        for number, (image, question, context, answer) in enumerate(texts)
    ]


def soft_tokens(checkpoint: Any, image: Any) -> int:
    from inference.prompt import patch

    return patch(image, checkpoint.image_processor).soft_tokens


def batch(checkpoint: Any, rows: Sequence[Asked]) -> Batch:
    pad = int(checkpoint.tokenizer.pad_token_id)
    return stack(rows, checkpoint.image_processor, pad, torch.device("cpu"))


def losses(checkpoint: Any, objective: Any) -> tuple[float, list[float]]:
    """Of all examples in one batch, and of each by itself."""
    rows = examples(checkpoint)
    with torch.inference_mode():
        together = objective(batch(checkpoint, rows), [True] * len(rows), [7]).item()
        alone = [objective(batch(checkpoint, [row]), [True], [7]).item() for row in rows]
    return together, alone


@pytest.mark.parametrize("kind", ["uniform", "infill"])
@pytest.mark.parametrize("conditioning", [0.0, 1.0])
def test_padding_changes_nothing_for_a_denoiser(
    diffusion: Any, kind: str, conditioning: float
) -> None:
    recipe = read_recipe("diffusion", None, {"objective": kind, "self_conditioning": conditioning})
    objective = DenoisingObjective(diffusion.model, marks_of(diffusion.tokenizer), recipe).eval()
    together, alone = losses(diffusion, objective)
    assert together == pytest.approx(float(np.mean(alone)), rel=1e-4)


def test_padding_changes_nothing_for_the_sibling(sibling: Any) -> None:
    objective = NextTokenObjective(sibling.model, marks_of(sibling.tokenizer)).eval()
    together, alone = losses(sibling, objective)
    assert together == pytest.approx(float(np.mean(alone)), rel=1e-4)


def test_the_image_is_looked_at(diffusion: Any, sibling: Any) -> None:
    recipe = read_recipe("diffusion", None, {"self_conditioning": 0.0})
    for checkpoint, objective in (
        (diffusion, DenoisingObjective(diffusion.model, marks_of(diffusion.tokenizer), recipe)),
        (sibling, NextTokenObjective(sibling.model, marks_of(sibling.tokenizer))),
    ):
        row = examples(checkpoint)[0]
        other = replace(row, image=IMAGES[1])
        with torch.inference_mode():
            one, two = (objective(batch(checkpoint, [r]), [True], [7]) for r in (row, other))
        assert one.item() != two.item()


def test_the_paper_s_canvases_are_noised_everywhere_and_never_less_than_the_floor(
    diffusion: Any,
) -> None:
    recipe = read_recipe("diffusion", None, {"objective": "uniform", "corruption_floor": 0.6})
    objective = DenoisingObjective(diffusion.model, marks_of(diffusion.tokenizer), recipe)
    example = examples(diffusion)[0]
    changed = []
    for seed in range(40):
        made = objective.canvas(example, True, np.random.default_rng(seed))
        assert made.asked.all()
        assert not made.held.any()
        changed.append((made.canvas != made.target).mean())
    assert min(changed) > 0.45
    assert max(changed) > 0.9


@given(
    asked=st.lists(st.booleans(), min_size=6, max_size=6),
    empty=st.lists(st.booleans(), min_size=6, max_size=6),
)
def test_words_and_empty_places_count_the_same(asked: list[bool], empty: list[bool]) -> None:
    told = torch.tensor([asked]), torch.tensor([empty])
    counted = shares(*told)[0]
    words = sum(counted[place].item() for place in range(6) if asked[place] and not empty[place])
    blanks = sum(counted[place].item() for place in range(6) if asked[place] and empty[place])
    assert counted[~told[0][0]].sum() == 0
    if any(asked):
        assert words + blanks == pytest.approx(1.0)
    if words and blanks:
        assert words >= 0.5 - 1e-6  # a few empty places never drown them either
        there = torch.tensor(asked)
        blank = int((there & torch.tensor(empty)).sum())
        assert words == pytest.approx(max(0.5, 1 - blank / int(there.sum())))


def test_the_paper_s_loss_counts_every_position_alike(diffusion: Any) -> None:
    """One word less sure is worth 1 / 128 there, and a quarter of a two-word answer here."""
    word, tail = torch.ones(1, 128, dtype=torch.bool), torch.ones(1, 128, dtype=torch.bool)
    tail[0, :2] = False
    assert shares(word, torch.zeros_like(tail))[0, 0] == 1 / 128
    assert shares(word, tail)[0, 0] == 1 / 4
    marks = marks_of(diffusion.tokenizer)
    paper = DenoisingObjective(
        diffusion.model, marks, read_recipe("diffusion", None, {"objective": "uniform"})
    )
    ours = DenoisingObjective(diffusion.model, marks, read_recipe("diffusion"))
    assert paper._empty == ()
    assert set(ours._empty) == {marks.eos, marks.filler}


def test_gaps_are_made_in_reports_and_never_in_the_answer_to_a_question(diffusion: Any) -> None:
    recipe = read_recipe("diffusion")
    objective = DenoisingObjective(diffusion.model, marks_of(diffusion.tokenizer), recipe)
    rng = np.random.default_rng(0)
    report, question, _ = examples(diffusion)
    held = {
        example.is_report: sum(objective.canvas(example, True, rng).held.any() for _ in range(50))
        for example in (report, question)
    }
    assert held[True] > 20
    assert held[False] == 0


@pytest.mark.parametrize("canvases", [1, 2])
def test_an_answer_as_long_as_its_canvases_is_learned_from(diffusion: Any, canvases: int) -> None:
    recipe = read_recipe("diffusion")
    objective = DenoisingObjective(diffusion.model, marks_of(diffusion.tokenizer), recipe)
    answer = [70] * (canvases * objective.length)
    example = replace(examples(diffusion)[1], answer=answer)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        made = objective.canvas(*chunk(example, objective.length, rng), rng)
        assert made.asked.any()


def test_without_filler_no_gap_is_longer_than_its_text(diffusion: Any) -> None:
    recipe = read_recipe("diffusion")
    marks = replace(marks_of(diffusion.tokenizer), filler=-1)
    objective = DenoisingObjective(diffusion.model, marks, recipe)
    example = examples(diffusion)[0]
    for seed in range(40):
        made = objective.canvas(example, True, np.random.default_rng(seed))
        assert made.target[: len(example.answer)].tolist() == example.answer


def test_a_gap_is_shown_as_the_sibling_meets_it_at_the_workstation(sibling: Any) -> None:
    example = examples(sibling)[0]
    tokenizer, marks = sibling.tokenizer, marks_of(sibling.tokenizer)
    report = tokenizer.decode(example.answer)
    for seed in range(20):
        made = fill(example, tokenizer, marks, np.random.default_rng(seed))
        asked = tokenizer.decode(made.prompt[made.stem :])
        words = tokenizer.decode(made.answer)
        assert made.prompt[: made.stem] == example.prompt[: example.stem]
        assert len(made.types) == len(made.prompt)
        assert sum(made.types) == sum(example.types)
        shown = asked.split("\n\n", 1)[1].removesuffix("<turn|>\n<|turn>model\n")
        left, right = shown.split(GAP_MARK)
        assert report.startswith(left + words)
        assert (
            right.split(LATER_MARK)[-1] == report[len(report) - len(right.split(LATER_MARK)[-1]) :]
        )


@given(st.integers(0, 500), st.integers(4, 128), st.integers(0, 2**32))
def test_a_long_answer_goes_over_several_canvases(words: int, length: int, seed: int) -> None:
    example = Asked([1, 2], [0, 0], list(range(10, 10 + words)), 1, True, 0, None)
    here, ends = chunk(example, length, np.random.default_rng(seed))
    left = here.prompt[2:]
    assert [*left, *here.answer] == example.answer[: len(left) + len(here.answer)]
    assert len(left) % length == 0
    assert len(here.prompt) == len(here.types)
    assert ends == (len(left) + len(here.answer) == words and len(here.answer) < length)
    assert len(here.answer) == length or ends
