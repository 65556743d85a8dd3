"""Other ways to put a fill: what is asked for them, and which of the answers count."""

from __future__ import annotations

from desktop.report.choices import title
from desktop.report.model import Report
from desktop.report.other_wordings import NO_OTHER, may_be_sought, pieces_around, told
from inference.protocol import Candidate, ClashMark, Fixed, Gap

PINS = "The heart is "


def filled(*fills: str, tokens: int | None = None) -> Report:
    """A report whose one gap behind the pins has been filled."""
    report = Report()
    report.insert(0, PINS)
    report.insert_gap(len(PINS), tokens)
    report.apply_candidates(report.pieces_for_infill(), [Candidate((fill,)) for fill in fills])
    return report


def one(*texts: str) -> list[Candidate]:
    return [Candidate((text,)) for text in texts]


def test_the_same_gaps_are_asked_for_again_between_what_stands() -> None:
    report = filled("large.", tokens=4)
    report.insert(len(report.text), " No effusion.")
    asked = pieces_around(report.content, report.candidate_sets[0])
    assert asked == (Fixed(PINS), Gap(4), Fixed(" No effusion."))


def test_those_that_say_something_else_come_behind_and_change_no_word() -> None:
    report = filled("large.")
    before = report.content, report.revision, report.can_redo
    others = [
        *one("Large", "small.", "SMALL", "of normal size."),
        Candidate(("x",), ("stutter",)),
        Candidate(("y",), clashes=(ClashMark(kind="side", gravity=2, first=(0, 3)),)),
    ]
    now = report.offer_others(1, others)
    assert now is not None
    assert now.candidates == tuple(one("large.", "small.", "of normal size."))
    assert (report.content, report.revision, report.can_redo) == before
    assert report.candidate_sets == (now,)
    assert report.choose(now, 1, 0)
    assert report.text == f"{PINS}small."
    report.undo()
    assert report.text == f"{PINS}large."


def test_it_is_sought_once_and_said_where_there_is_none() -> None:
    report = filled("large.")
    assert may_be_sought(report.candidate_sets[0])
    assert title(report.candidate_sets[0]) == "1 candidate"
    assert "asking the model" in title(report.candidate_sets[0], seeking=True)
    now = report.offer_others(1, one("LARGE"))
    assert now is not None
    assert not may_be_sought(now)
    assert told(now) == NO_OTHER
    assert title(now) == f"1 candidate · {NO_OTHER}"
    now = report.offer_others(1, one("small"))
    assert now is not None
    assert "no further wording" in told(now)
    now = report.offer_others(1, one("normal"))
    assert now is not None
    assert told(now) == ""


def test_three_are_enough() -> None:
    assert not may_be_sought(filled("large.", "small.", "normal.").candidate_sets[0])
    assert may_be_sought(filled("large.", "small.").candidate_sets[0])


def test_a_fill_that_was_changed_gets_no_others() -> None:
    report = filled("large.")
    report.insert(len(PINS) + 2, "x")
    assert report.offer_others(1, one("small.")) is None


def test_what_was_drawn_to_differ_marks_no_word_as_unsure() -> None:
    report = filled("a small right effusion.")
    now = report.offer_others(1, one("a small left effusion.", "a large right effusion."))
    assert now is not None
    assert not report.differences
    assert report.choose(now, 1, 0)
    assert [mark.difference.told for mark in report.differences], "the usual one says otherwise"
    unsure = filled("a small right effusion.", "a small left effusion.")
    before = [mark.difference.told for mark in unsure.differences]
    assert before
    unsure.offer_others(1, one("a large bilateral effusion."))
    assert [mark.difference.told for mark in unsure.differences] == before
