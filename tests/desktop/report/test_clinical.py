"""Which words are told as deciding otherwise in another candidate."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.report.clinical import find_differences


def told(*fills: str) -> list[str]:
    return [found.told for found in find_differences(fills, 0)]


@pytest.mark.parametrize(
    ("chosen", "other", "expected"),
    [
        ("right effusion", "bilateral effusions", ["right · bilateral in 1 of 2"]),
        ("is small", "is moderate", ["small · moderate in 1 of 2"]),
        ("Mild oedema.", "Severe oedema.", ["Mild · Severe in 1 of 2"]),
        ("acute fracture", "chronic fracture", ["acute · chronic in 1 of 2"]),
        ("the upper lobe", "the lower lobe", ["upper · lower in 1 of 2"]),
        ("Apical scarring.", "Basal scarring.", ["Apical · Basal in 1 of 2"]),
        ("a nodule of 5 mm", "a nodule of 15 mm", ["5 · 15 in 1 of 2"]),
        ("a nodule of 3 x 4 mm", "a nodule of 3 x 4 cm", ["mm · cm in 1 of 2"]),
        (
            "right effusion, left nodule",
            "left effusion, right nodule",
            ["right · left in 1 of 2", "left · right in 1 of 2"],
        ),
        ("The heart is normal.", "The heart is enlarged.", ["normal · enlarged in 1 of 2"]),
    ],
)
def test_words_that_decide_otherwise(chosen: str, other: str, expected: list[str]) -> None:
    assert told(chosen, other) == expected


@pytest.mark.parametrize(
    ("chosen", "other", "expected"),
    [
        ("There is no effusion.", "There is an effusion.", ["no · an in 1 of 2"]),
        ("There is an effusion.", "There is no effusion.", ["an · no in 1 of 2"]),
        ("No effusion.", "Effusion.", ["No · (nothing) in 1 of 2"]),
        ("effusion", "no effusion", ["effusion · no effusion in 1 of 2"]),
        ("effusion is", "effusion is absent", ["is · is absent in 1 of 2"]),
        ("No effusion.", "", ["No · (nothing) in 1 of 2"]),
    ],
)
def test_a_word_that_only_one_has(chosen: str, other: str, expected: list[str]) -> None:
    assert told(chosen, other) == expected


@pytest.mark.parametrize(
    ("chosen", "other"),
    [
        ("No effusion is seen.", "No effusion is noted."),
        ("without effusion", "no effusion"),
        ("An effusion on the right.", "Right effusion."),
        ("in 2019 and 2020", "in 2019 and 2021"),
        ("The heart is normal. No effusion.", "No effusion. The heart is normal."),
        ("The heart is normal.", "The heart is normal. Small left nodule."),
        ("", "No effusion."),
    ],
)
def test_what_is_no_difference(chosen: str, other: str) -> None:
    assert told(chosen, other) == []


def test_alternatives_are_counted_and_the_most_frequent_is_first() -> None:
    fills = ("small right", "left", "small bilateral", "Right", "bilateral")
    assert told(*fills)[-1] == "right · bilateral in 2 of 5 · left in 1 of 5"


def test_sentences_are_compared_wherever_they_stand() -> None:
    chosen = "The heart is enlarged. Small right effusion. No pneumothorax."
    other = "No pneumothorax. Cardiac silhouette as before. Small left effusion."
    assert told(chosen, other) == ["right · left in 1 of 2"]


FILL = st.lists(
    st.sampled_from(
        ["no", "right", "left", "small", "5", "mm", "effusion", "heart", ".", "\n", "é🫁", "isn't"]
    ),
    max_size=12,
).map(" ".join) | st.text(max_size=12)


@given(st.lists(FILL, min_size=1, max_size=5), st.data())
def test_differences_are_words_of_the_fill(fills: list[str], data: st.DataObject) -> None:
    chosen = data.draw(st.integers(0, len(fills) - 1))
    end = 0
    for found in find_differences(tuple(fills), chosen):
        assert end <= found.start < found.end <= len(fills[chosen])
        assert fills[chosen][found.start : found.end] == found.word
        assert found.candidates == len(fills)
        assert 0 < sum(count for _, count in found.alternatives) < len(fills)
        end = found.end
