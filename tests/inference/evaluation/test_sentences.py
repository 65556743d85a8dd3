"""Sentences taken out of a report, and the pieces that are left of it."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.evaluation.sentences import (
    TooFewSentences,
    first_sentence,
    remove_sentence,
    remove_sentences,
)
from inference.protocol import Gap, join

REPORT = "FINDINGS:\nHeart is large. A 1.5 cm nodule.\n\nIMPRESSION:\nCardiomegaly."

seeds = st.integers(0, 1000)


@given(seeds)
def test_a_removed_sentence_leaves_the_rest(seed: int) -> None:
    removed = remove_sentence(REPORT, random.Random(seed))
    assert removed.left + removed.sentence + removed.right == REPORT
    assert removed.sentence in {"Heart is large.", "A 1.5 cm nodule."}


@given(seeds, st.integers(1, 5), st.integers(0, 6))
def test_removed_sentences_are_no_neighbours_and_never_the_last(
    seed: int, count: int, spare: int
) -> None:
    numbers = range(2 * count + spare)
    report = "FINDINGS:\n" + " ".join(f"It is number {number}." for number in numbers)
    removed = remove_sentences(report, count, random.Random(seed))
    places = [int(sentence.split()[-1][:-1]) for sentence in removed.sentences]
    assert len(places) == count
    assert all(after - before > 1 for before, after in pairwise(places))
    assert places[-1] < numbers[-1]
    pieces = removed.pieces([Gap()] * count)
    assert join(pieces, removed.sentences) == report


def test_every_choice_of_sentences_is_drawn() -> None:
    report = "A b. C d. E f. G h. I j."
    drawn = {remove_sentences(report, 2, random.Random(seed)).sentences for seed in range(100)}
    assert drawn == {("A b.", "E f."), ("A b.", "G h."), ("C d.", "G h.")}


@pytest.mark.parametrize(("count", "needed"), [(1, 2), (2, 4)])
def test_too_short_a_report_is_refused(count: int, needed: int) -> None:
    with pytest.raises(TooFewSentences, match=rf"has 1 sentence, and at least {needed}"):
        remove_sentences("FINDINGS:\nNormal.", count, random.Random(0))


def test_the_first_sentence() -> None:
    assert first_sentence(" Heart is large. Lungs clear.") == "Heart is large."
    assert first_sentence("no end") == "no end"
