"""The model's known faults are found, and plain text has none."""

from __future__ import annotations

import random

import pytest

from inference.agreement import judge
from inference.evaluation.sentences import remove_sentence
from inference.protocol import Fault, Fixed, Gap, Piece
from inference.training.findings import sample_case
from inference.training.report_language import write_report


def find_faults(pieces: list[Piece], fills: list[str], *, ended: bool = True) -> tuple[Fault, ...]:
    return judge(pieces, fills, ended=ended).faults


LEFT = Fixed("The heart is normal in size. ")
RIGHT = Fixed(" No pleural effusion.")


@pytest.mark.parametrize(
    "fill",
    [
        "The lungs lungs are clear.",
        "The lungs are clear. The lungs are clear.",
        "The lungs are clear. the lungs are CLEAR.",
    ],
)
def test_a_stutter(fill: str) -> None:
    assert find_faults([LEFT, Gap(), RIGHT], [fill]) == ("stutter",)


def test_a_stutter_where_the_fill_meets_pinned_words() -> None:
    heart: list[Piece] = [Fixed("The heart "), Gap(), Fixed(" is normal.")]
    assert find_faults(heart, ["heart"]) == ("stutter",)
    assert find_faults(heart, ["silhouette is"]) == ("stutter",)
    assert find_faults(heart, ["silhouette"]) == ()


def test_a_gap_within_a_word_is_no_stutter() -> None:
    assert find_faults([Fixed("No effu"), Gap(), Fixed("on.")], ["si"]) == ()
    assert find_faults([Fixed("No no"), Gap(), Fixed(" seen.")], ["dule"]) == ()


def test_numbers_may_follow_themselves() -> None:
    assert find_faults([Fixed("Leads at "), Gap(), Fixed(" mm.")], ["12 12"]) == ()


@pytest.mark.parametrize("right", ["", " The lungs are clear.", "\n\nIMPRESSION:", "  \n"])
def test_a_sentence_that_breaks_off(right: str) -> None:
    pieces: list[Piece] = [LEFT, Gap(), Fixed(right)]
    assert find_faults(pieces, ["No effusion or"]) == ("unclosed",)
    assert find_faults(pieces, ["No effusion."]) == ()


@pytest.mark.parametrize("right", [" is clear.", ".", ", and clear.", " mm."])
def test_a_sentence_that_pinned_words_go_on_with_is_whole(right: str) -> None:
    assert find_faults([LEFT, Gap(), Fixed(right)], ["The left lung"]) == ()


def test_a_report_that_had_no_room_to_end() -> None:
    assert find_faults([Gap()], ["FINDINGS:\nClear."], ended=False) == ("unclosed",)


def test_text_without_sentences_need_not_end_like_one() -> None:
    assert find_faults([Fixed("Heart: "), Gap(), Fixed("\nLungs: clear")], ["normal"]) == ()


def test_a_copy_of_a_pinned_sentence() -> None:
    pieces: list[Piece] = [LEFT, Gap(), RIGHT]
    assert find_faults(pieces, ["No pleural effusion."]) == ("copy",)
    assert find_faults([Fixed("No nodule. "), Gap(), Fixed("")], ["No nodule."]) == ("copy",)
    assert find_faults(pieces, ["Clear. the heart is normal in size."]) == ("copy",)
    assert find_faults([Fixed("Unchanged. "), Gap(), Fixed("")], ["Unchanged."]) == ()


def test_an_impression_may_say_what_the_findings_say() -> None:
    pieces: list[Piece] = [
        Fixed("FINDINGS:\nMild edema seen. "),
        Gap(),
        Fixed("\n\nIMPRESSION:\n"),
        Gap(),
    ]
    assert find_faults(pieces, ["Clear lungs.", "Mild edema seen."]) == ()
    assert find_faults(pieces, ["Mild edema seen.", "Edema."]) == ("copy",)


def test_an_empty_fill_has_no_faults() -> None:
    assert find_faults([LEFT, Gap(), RIGHT, Gap()], ["", " "]) == ()


def test_true_reports_have_none() -> None:
    """A check that is wrong often is soon not read."""
    for seed in range(400):
        rng = random.Random(seed)
        removed = remove_sentence(write_report(sample_case(seed), rng), rng)
        pieces: list[Piece] = [Fixed(removed.left), Gap(), Fixed(removed.right)]
        assert find_faults(pieces, [removed.sentence]) == (), removed
