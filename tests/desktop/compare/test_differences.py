"""Differences word by word, and the F1 that the benchmarks have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.compare.differences import Range, differences, token_f1
from inference.ranking import overlap, word_bag


def parts(text: str, ranges: list[Range]) -> list[str]:
    return [text[low:high] for low, high in ranges]


def test_words_that_differ_are_found_on_both_sides() -> None:
    left = "There is a small left effusion. No pneumothorax."
    right = "There is a right effusion.\nNo pneumothorax. Clear."
    ours, theirs = differences(left, right)
    assert parts(left, ours) == ["small left"]
    assert parts(right, theirs) == ["right", "Clear."]


texts = st.text(st.sampled_from("ab .\nÄ🫁3"), max_size=24)


@given(texts, texts)
def test_without_their_differences_two_texts_are_the_same_words(left: str, right: str) -> None:
    ours, theirs = differences(left, right)

    def rest(text: str, ranges: list[Range]) -> str:
        ends = [0, *(end for _, end in ranges)]
        starts = [*(start for start, _ in ranges), len(text)]
        assert all(low <= high for low, high in zip(ends, starts, strict=True))
        return "".join("".join(text[a:b] for a, b in zip(ends, starts, strict=True)).split())

    assert rest(left, ours) == rest(right, theirs)
    assert all(text.strip() for text in (*parts(left, ours), *parts(right, theirs)))
    assert differences(left, f" {left}\n") == ([], [])


@given(texts, texts)
@pytest.mark.parametrize("prefix", ["", "No pleural effusion, "])
def test_the_f1_is_that_of_the_benchmarks(prefix: str, text: str, reference: str) -> None:
    expected = overlap(word_bag(prefix + text), word_bag(reference))
    assert token_f1(prefix + text, reference) == expected


def test_the_f1_of_known_texts() -> None:
    assert token_f1("No Effusion.", "no effusion.") == 1
    assert token_f1("", "") == 1
    assert token_f1("left", "right") == 0
    assert token_f1("small left effusion", "small right effusion") == pytest.approx(2 / 3)
