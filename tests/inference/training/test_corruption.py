"""Training canvases have the shape that drafts and infills meet."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from inference.training.corruption import HELD_SHARE, Marks, Mixture, corrupt, draw_gaps, reveal

VOCABULARY, LENGTH = 60, 40
MARKS = Marks(end_of_turn=1, eos=2, filler=3, newline=4, sentence_ends=frozenset({5}))
REPORT = [10, 4, 20, 21, 5, 22, 23, 24, 5, 4, 4, 11, 4, 30, 31, 5]
"""heading, line break, two sentences, blank line, heading, line break, a sentence"""

seeds = st.integers(0, 2**31)


def without_filler(target: list[int]) -> list[int]:
    return [token for token in target if token != MARKS.filler]


@given(seeds)
def test_the_target_is_the_report_with_filler_and_a_tail(seed: int) -> None:
    example = corrupt(REPORT, MARKS, LENGTH, VOCABULARY, np.random.default_rng(seed))
    kept = without_filler(example.target.tolist())
    assert kept[: len(REPORT) + 1] == [*REPORT, MARKS.end_of_turn]
    assert set(kept[len(REPORT) + 1 :]) <= {MARKS.eos}
    assert example.target.shape == example.canvas.shape == example.held.shape == (LENGTH,)


@given(seeds)
def test_held_positions_are_clean_and_filler_is_free(seed: int) -> None:
    example = corrupt(REPORT, MARKS, LENGTH, VOCABULARY, np.random.default_rng(seed))
    assert np.array_equal(example.canvas[example.held], example.target[example.held])
    assert not (example.target[example.held] == MARKS.filler).any()
    assert example.asked[~example.held].all()


def test_few_of_the_held_positions_are_asked() -> None:
    drawn = [
        corrupt(REPORT, MARKS, LENGTH, VOCABULARY, np.random.default_rng(seed))
        for seed in range(400)
    ]
    held = sum(int(example.held.sum()) for example in drawn)
    asked = sum(int((example.asked & example.held).sum()) for example in drawn)
    assert 0.7 * HELD_SHARE < asked / held < 1.3 * HELD_SHARE


@given(seeds)
def test_gaps_lie_apart_and_within_the_report(seed: int) -> None:
    gaps = draw_gaps(REPORT, MARKS, np.random.default_rng(seed), Mixture())
    assert gaps
    for gap in gaps:
        assert 0 <= gap.start < gap.stop <= len(REPORT)
    for first, second in itertools.pairwise(gaps):
        assert first.stop < second.start


def test_section_gaps_are_the_bodies() -> None:
    only_sections = Mixture(sections=1.0)
    drawn = {
        (gap.start, gap.stop)
        for seed in range(40)
        for gap in draw_gaps(REPORT, MARKS, np.random.default_rng(seed), only_sections)
    }
    assert drawn == {(2, 9), (13, 16)}


def test_sentence_gaps_are_whole_sentences() -> None:
    only_sentences = Mixture(sections=0.0, phrases=0.0)
    starts = {2, 5, 13}
    for seed in range(40):
        for gap in draw_gaps(REPORT, MARKS, np.random.default_rng(seed), only_sentences):
            assert gap.start in starts
            assert REPORT[gap.stop - 1] in MARKS.sentence_ends


def test_whole_canvases_hold_nothing() -> None:
    rng = np.random.default_rng(0)
    example = corrupt(REPORT, MARKS, LENGTH, VOCABULARY, rng, Mixture(whole=1.0, pure_noise=1.0))
    assert not example.held.any()
    assert (example.canvas != example.target).mean() > 0.8


@given(seeds)
def test_what_is_revealed_is_true_and_surer_than_what_stays_hidden(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vocabulary = 10**9  # noise never hits the true token
    example = corrupt(REPORT, MARKS, LENGTH, vocabulary, rng)
    entropy = rng.permutation(LENGTH).astype(float)
    later = reveal(example, entropy, MARKS, vocabulary, rng)
    noised = example.canvas != example.target
    hidden = later != example.target
    assert not (hidden & ~noised).any(), "a clean position stays clean"
    if (noised & ~np.isin(example.target, (MARKS.filler, MARKS.eos))).any():
        assert hidden.any()
        assert (entropy[noised & ~hidden] < entropy[hidden].min()).all()


def test_a_settled_tail_says_nothing_of_the_words() -> None:
    """Tails are surest: with every word still noise, all of the tail can stand."""
    rng = np.random.default_rng(0)
    example = corrupt(REPORT, MARKS, LENGTH, VOCABULARY, rng, Mixture(whole=1.0, pure_noise=1.0))
    tail = example.target == MARKS.eos
    entropy = np.where(tail, 0.0, 1.0)
    later = reveal(example, entropy, MARKS, VOCABULARY, rng)
    assert (later[tail] == MARKS.eos).all()
    assert (later[~tail] != example.target[~tail]).mean() > 0.8


def test_without_hidden_words_nothing_changes() -> None:
    rng = np.random.default_rng(0)
    example = corrupt(REPORT, MARKS, LENGTH, VOCABULARY, rng, most_noise=0.0)
    later = reveal(example, np.zeros(LENGTH), MARKS, VOCABULARY, rng)
    assert np.array_equal(later, example.target)
