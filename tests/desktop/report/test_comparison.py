"""How a candidate is told apart from the one that stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from desktop.report.comparison import Change, Passage, compare
from desktop.report.sentences import sentence_at, words

SAME, NEW, GONE = Change.SAME, Change.NEW, Change.GONE


def test_words_that_differ_stand_out() -> None:
    assert compare("small right effusion", "small left effusion") == (
        Passage("small ", SAME),
        Passage("left", NEW),
        Passage(" effusion", SAME),
    )


def test_a_word_that_is_left_out_is_told_as_well() -> None:
    assert compare("no effusion", "effusion") == (
        Passage("no ", GONE),
        Passage("effusion", SAME),
    )


def test_a_long_text_is_cut_to_where_it_differs() -> None:
    old = "The lungs are clear and the heart is of normal size. " * 8 + "Small right effusion."
    shown = compare(old, old.replace("right", "left"))
    assert [passage.text for passage in shown if passage.change is NEW] == ["left"]
    text = "".join(passage.text for passage in shown)
    assert text.startswith("The lungs are clear and …")
    assert text.endswith("Small left effusion.")
    assert len(text) < 80


@given(st.text("ab .\n", max_size=200), st.text("ab .\n", max_size=60))
def test_a_short_text_is_shown_whole(old: str, new: str) -> None:
    shown = compare(old, new)
    if len(words(new)) <= 60:
        assert "".join(p.text for p in shown if p.change is not GONE) == new


def test_the_sentence_at_a_place() -> None:
    text = "Heart of 3.5 cm. Clear lungs.\n\nNormal"
    for position, expected in (
        (0, "Heart of 3.5 cm."),
        (11, "Heart of 3.5 cm."),
        (16, "Heart of 3.5 cm."),
        (17, "Clear lungs."),
        (29, "Clear lungs."),
        (30, ""),
        (31, "Normal"),
        (37, "Normal"),
    ):
        start, end = sentence_at(text, position)
        assert text[start:end] == expected, position
