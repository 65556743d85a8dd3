"""A sentence finds its place in the report, or is not taken; pins stay in any case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.compare.taking import NoPlace, sentence_in, take
from desktop.report.model import GAP_CHAR, Origin, Report

SIDE = (
    "FINDINGS:\nThe heart is mildly enlarged. The lungs are clear. No pneumothorax. The bones are "
    "intact.\n\nIMPRESSION:\nMild cardiomegaly."
)


def generated(text: str) -> Report:
    report = Report()
    report.apply(report.pieces_for_draft(), [text])
    return report


def typed(text: str) -> Report:
    report = Report()
    report.insert(0, text)
    return report


def taken(report: Report, sentence: str, side: str = SIDE) -> str:
    start = side.index(sentence)
    pins = pinned(report)
    before = report.content
    taking = take(report, side, start, start + len(sentence))
    report.apply(taking.plan, taking.fills)
    assert still_there(pins, pinned(report))
    after = report.text
    assert report.undo()
    assert report.content == before
    assert report.redo()
    return after


def pinned(report: Report) -> str:
    return "".join(report.text[span.start : span.end] for span in report.spans if span.pinned)


def still_there(before: str, after: str) -> bool:
    """Every pinned character in its order; headings that came in may stand between."""
    rest = iter(after)
    return all(char in rest for char in before)


def test_a_sentence_about_the_same_thing_is_replaced_word_by_word() -> None:
    report = generated("FINDINGS:\nThe heart is normal. No pneumothorax.")
    report.pin(10, 22)  # "The heart is"
    text = taken(report, "The heart is mildly enlarged.")
    assert text == "FINDINGS:\nThe heart is mildly enlarged. No pneumothorax."
    fresh = [s for s in report.spans if report.text[s.start : s.end].startswith(" mildly")]
    fresh = fresh or [s for s in report.spans if "mildly" in report.text[s.start : s.end]]
    assert fresh[0].origin is Origin.GENERATED
    assert not fresh[0].pinned


@pytest.mark.parametrize(
    ("before", "other", "sentence"),
    [
        ("No pneumothorax.", "No pneumothorax. No effusion.", "No effusion."),
        (
            "The heart is normal in size.",
            "The heart is normal in size. The aorta is normal.",
            "The aorta is normal.",
        ),
    ],
)
def test_a_sentence_about_something_else_replaces_nothing(
    before: str, other: str, sentence: str
) -> None:
    report = generated(f"FINDINGS:\n{before}")
    text = f"FINDINGS:\n{other}"
    start = text.index(sentence)
    taking = take(report, text, start, start + len(sentence))
    report.apply(taking.plan, taking.fills)
    assert report.text == text


def test_words_that_would_change_a_pin_are_refused() -> None:
    report = typed("FINDINGS:\nThe heart is normal. No pneumothorax.")
    with pytest.raises(NoPlace, match="pinned word"):
        taken(report, "The heart is mildly enlarged.")
    report = typed("FINDINGS:\nThe heart is enlarged. No pneumothorax.")
    with pytest.raises(NoPlace, match="pinned word"):  # in the middle of a pin
        taken(report, "The heart is mildly enlarged.")


def test_a_gap_between_the_neighbours_is_the_place() -> None:
    report = typed("FINDINGS:\nThe heart is mildly enlarged.  No pneumothorax.")
    report.insert_gap(report.text.index("  ") + 1)
    text = taken(report, "The lungs are clear.")
    assert text == (
        "FINDINGS:\nThe heart is mildly enlarged. The lungs are clear. No pneumothorax."
    )
    assert not report.gaps


def test_a_gap_within_the_sentence_is_filled() -> None:
    report = typed("FINDINGS:\nThe heart is .")
    report.insert_gap(report.text.index("."))
    assert taken(report, "The heart is mildly enlarged.") == (
        "FINDINGS:\nThe heart is mildly enlarged."
    )


@pytest.mark.parametrize(
    ("before", "sentence", "after"),
    [
        ("No pneumothorax.", "The bones are intact.", "No pneumothorax. The bones are intact."),
        ("No pneumothorax.", "The lungs are clear.", "The lungs are clear. No pneumothorax."),
        (
            "Something else.",
            "The heart is mildly enlarged.",
            "The heart is mildly enlarged. Something else.",
        ),
        ("Something else.", "The bones are intact.", "Something else. The bones are intact."),
    ],
)
def test_without_a_gap_it_comes_in_beside_its_neighbours(
    before: str, sentence: str, after: str
) -> None:
    report = typed(f"FINDINGS:\n{before}\n\nIMPRESSION:\nNone.")
    text = taken(report, sentence)
    assert text == f"FINDINGS:\n{after}\n\nIMPRESSION:\nNone."


def test_where_nothing_near_it_stands_there_is_no_place() -> None:
    report = typed("FINDINGS:\nSomething else.")
    with pytest.raises(NoPlace, match="Nothing near"):
        taken(report, "The lungs are clear.")
    report = typed("FINDINGS:\nNo pneumothorax. Odd. The heart is mildly enlarged.")
    with pytest.raises(NoPlace, match="another order"):
        taken(report, "The lungs are clear.")


def test_what_the_report_has_is_not_taken_twice() -> None:
    with pytest.raises(NoPlace, match="already"):
        taken(generated(SIDE), "No pneumothorax.")


@pytest.mark.parametrize(
    ("before", "sentence", "after"),
    [
        ("", "No pneumothorax.", "FINDINGS:\nNo pneumothorax."),
        ("FINDINGS:\nA b c.", "Mild cardiomegaly.", "FINDINGS:\nA b c.\n\nIMPRESSION:\nMild "),
        ("IMPRESSION:\nA b c.", "No pneumothorax.", "FINDINGS:\nNo pneumothorax.\n\nIMPRESSION:"),
        ("FINDINGS:", "No pneumothorax.", "FINDINGS:\nNo pneumothorax."),
        ("FINDINGS:\n\nIMPRESSION:\n", "No pneumothorax.", "FINDINGS:\nNo pneumothorax.\n\nIMP"),
        (
            f"FINDINGS:\n{GAP_CHAR}\n\nIMPRESSION:\n",
            "No pneumothorax.",
            "FINDINGS:\nNo pneumothorax.\n\nIMPRESSION:\n",
        ),
        (GAP_CHAR, "No pneumothorax.", "FINDINGS:\nNo pneumothorax."),
    ],
)
def test_a_section_that_is_empty_or_not_there_yet(before: str, sentence: str, after: str) -> None:
    report = typed(before.replace(GAP_CHAR, ""))
    if GAP_CHAR in before:
        report.insert_gap(before.index(GAP_CHAR))
    assert taken(report, sentence).startswith(after)


def test_texts_without_headings() -> None:
    report = generated("The heart is normal. Clear.")
    assert taken(report, "The heart is large.", "The heart is large. Old.") == (
        "The heart is large. Clear."
    )


def test_a_heading_is_no_sentence() -> None:
    assert sentence_in(SIDE, 3) == (3, 3)
    start, end = sentence_in(SIDE, SIDE.index("lungs"))
    assert SIDE[start:end] == "The lungs are clear."
    with pytest.raises(NoPlace, match="no sentence"):
        take(Report(), SIDE, 3, 3)


WORDS = st.sampled_from(
    ["FINDINGS:\n", "IMPRESSION:\n", "\n", "\n\n", " ", "The heart is ", "large.", "No gas. ", "a"]
)


@given(
    st.lists(st.tuples(WORDS, st.booleans(), st.booleans()), max_size=8),
    st.lists(WORDS, min_size=1, max_size=8),
    st.data(),
)
def test_pins_stay_and_undo_brings_all_back(
    parts: list[tuple[str, bool, bool]], side: list[str], data: st.DataObject
) -> None:
    report = Report()
    for text, by_hand, gap in parts:
        end = len(report.text)
        if by_hand:
            report.insert(end, text)
        else:
            report.insert_gap(end)
            if not gap:
                report.apply(report.pieces_for_refill(end, end + 1), [text])
    text = "".join(side)
    start, end = sentence_in(text, data.draw(st.integers(0, len(text))))
    pins, before = pinned(report), report.content
    try:
        taking = take(report, text, start, end)
    except NoPlace:
        assert report.content == before
        return
    report.apply(taking.plan, taking.fills)
    assert still_there(pins, pinned(report))
    assert text[start:end] in report.text or text[start:end].strip() in report.text
    assert report.undo()
    assert report.content == before
