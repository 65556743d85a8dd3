"""Whose image a question is asked with, in the control that shuffles them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from inference.evaluation.vqa_runs import shuffled
from inference.training.data.rows import Origin, Row


def rows(images: list[int]) -> list[Row]:
    origin = Origin(Path("made.jsonl"), 1)
    return [
        Row(str(number), origin, Path(f"{image}.png"), "Is it?", "", "no", "closed", str(image))
        for number, image in enumerate(images)
    ]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 1000))
def test_nobody_gets_the_own_image(images: list[int], seed: int) -> None:
    asked = rows(images)
    others = shuffled(asked, seed)
    for row, other in zip(asked, others, strict=True):
        assert other is None or other != row.image
    drawn = Counter(other for other in others if other is not None)
    there = Counter(row.image for row in asked)
    assert all(drawn[image] <= there[image] for image in drawn)
    # An image that most questions are about cannot be kept from all of them.
    if max(there.values()) * 2 <= len(asked):
        assert None not in others


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 1000))
def test_a_seed_shuffles_them_always_alike(images: list[int], seed: int) -> None:
    assert shuffled(rows(images), seed) == shuffled(rows(images), seed)
