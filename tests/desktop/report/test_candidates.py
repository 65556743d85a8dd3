"""Candidates in the report: how long they are at hand, what choosing one does and undoes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.report.model import GAP_CHAR, CandidateSet, Content, GapMark, Origin, Report
from inference.protocol import Candidate, Fault
from tests.desktop.report.test_report_properties import pinned_text

TEXT = "FINDINGS:\nHeart normal. Effusion: . Clear.\n\nIMPRESSION:\n."


def candidates(*fills: tuple[str, ...], faults: tuple[Fault, ...] = ()) -> list[Candidate]:
    return [Candidate(each, faults) for each in fills]


def with_gaps(text: str = TEXT, *gaps: int) -> Report:
    """Typed text with a gap at each of ``gaps``, from left to right."""
    report = Report()
    report.insert(0, text)
    for shift, position in enumerate(gaps):
        report.insert_gap(position + shift)
    return report


def filled(*fills: str, faults: tuple[Fault, ...] = ()) -> Report:
    """One gap after "Effusion: ", filled with the first of ``fills``."""
    report = with_gaps(TEXT, TEXT.index(": .") + 2)
    found = candidates(*((fill,) for fill in fills), faults=faults)
    report.apply_candidates(report.pieces_for_infill(), found)
    return report


def the_set(report: Report) -> CandidateSet:
    (found,) = report.candidate_sets
    return found


def choose(report: Report, index: int) -> bool:
    found = the_set(report)
    return report.choose(found, index, found.places[0].end)


def fills_of(report: Report) -> list[str]:
    return [report.text[place.start : place.end] for place in the_set(report).places]


def test_candidates_are_at_hand_at_the_fill_and_nowhere_else() -> None:
    report = filled("small", "large")
    start = report.text.index("small")
    for position in (start, start + 2, start + 5):
        assert report.candidates_at(position) is the_set(report)
    assert report.candidates_at(start - 1) is None
    assert report.candidates_at(start + 6) is None


def test_choosing_several_times_is_one_step() -> None:
    report = filled("small", "large", "")
    first = report.content
    for index, stands in ((1, "large"), (2, GAP_CHAR), (1, "large")):
        assert choose(report, index)
        assert fills_of(report) == [stands]
    assert report.undo()
    assert report.content == first
    assert the_set(report).chosen == 0
    assert report.undo()
    assert report.gaps == (GapMark(report.text.index("\ufffc")),)
    assert report.candidate_sets == ()
    assert report.redo()
    assert report.redo()
    assert fills_of(report) == ["large"]
    assert the_set(report).chosen == 1


def test_coming_back_to_the_first_fill_leaves_nothing_to_undo() -> None:
    report = filled("small", "large")
    choose(report, 1)
    choose(report, 0)
    assert report.undo()
    assert report.gaps


def test_what_was_chosen_is_generated_and_the_rest_stands() -> None:
    report = filled("small", "very large")
    before = pinned_text(report.content)
    choose(report, 1)
    assert pinned_text(report.content) == before
    start = report.text.index("very large")
    spans = list(report.content.clip(start, start + len("very large")))
    assert [(span.origin, span.pinned) for span in spans] == [(Origin.GENERATED, False)]


def test_all_gaps_of_a_job_change_together() -> None:
    report = with_gaps(TEXT, TEXT.index(": .") + 2, len(TEXT) - 1)
    found = candidates(("small", "Small effusion"), ("none", "No effusion"))
    report.apply_candidates(report.pieces_for_infill(), found)
    revision = report.revision
    choose(report, 1)
    assert report.text == TEXT.replace(": .", ": none.").replace("\n.", "\nNo effusion.")
    assert report.revision == revision + 1
    choose(report, 0)
    assert report.text == TEXT.replace(": .", ": small.").replace("\n.", "\nSmall effusion.")


@pytest.mark.parametrize("edit", ["inside", "at its edge, glued to a word", "a gap in it"])
def test_an_edit_in_a_fill_ends_the_choice_and_undo_brings_it_back(edit: str) -> None:
    report = filled("small one", "large")
    place = the_set(report).places[0]
    if edit == "inside":
        report.insert(place.start + 6, "right ")
    elif edit == "a gap in it":
        report.replace_by_gap(place.start, place.end)
    else:
        report.insert(place.end, "s")
    assert report.candidate_sets == ()
    report.undo()
    assert the_set(report).places == (place,)


def test_an_edit_elsewhere_moves_the_choice_along() -> None:
    report = filled("small", "large")
    report.insert(0, "TECHNIQUE:\nOne view.\n\n")
    report.insert(len(report.text), " Unchanged.")
    report.delete(22, 24)
    report.insert_gap(11)
    choose(report, 1)
    assert "Effusion: large. Clear" in report.text
    assert report.undo()
    assert "Effusion: small. Clear" in report.text


def test_who_types_where_a_fill_is_empty_takes_its_place() -> None:
    report = with_gaps("No effusion. ", 13)
    report.apply_candidates(report.pieces_for_infill(), candidates(("",), ("Clear.",)))
    report.insert(the_set(report).places[0].start, "x")
    assert report.candidate_sets == ()


def test_jobs_elsewhere_keep_their_candidates_and_those_on_the_same_words_do_not() -> None:
    report = filled("small", "large")
    first = the_set(report)
    report.insert_gap(len(report.text))
    end = len(report.text)
    plan = report.pieces_for_refill(end - 1, end)
    report.apply_candidates(plan, candidates((" A.",), (" B.",)))
    assert [each.number for each in report.candidate_sets] == [first.number, first.number + 1]
    plan = report.pieces_for_refill(first.places[0].start, first.places[0].end)
    report.apply_candidates(plan, candidates(("tiny",), ("huge",)))
    assert [each.number for each in report.candidate_sets] == [first.number + 1, first.number + 2]
    report.undo()
    assert [each.number for each in report.candidate_sets] == [first.number, first.number + 1]


def test_a_pinned_word_leaves_only_candidates_that_have_it() -> None:
    report = filled("small right one", "large right one", "small left one")
    start = report.text.index("right")
    report.pin(start, start + 5)
    found = the_set(report)
    assert [report.can_choose(found, index) for index in range(3)] == [True, True, False]
    before = report.content
    assert not choose(report, 2)
    assert report.content is before
    assert choose(report, 1)
    assert "large right one" in report.text
    spans = report.content.clip(start, start + 5)
    assert [(report.text[s.start : s.end], s.pinned) for s in spans] == [("right", True)]


def test_headings_of_a_draft_go_with_their_candidate() -> None:
    report = Report()
    drafts = ("FINDINGS:\nClear.\n\nIMPRESSION:\nNormal.", "Clear lungs, FINDINGS: none.")
    report.apply_candidates(report.pieces_for_draft(), candidates(*((text,) for text in drafts)))
    headed = report.content
    choose(report, 1)
    assert [(span.origin, span.pinned) for span in report.spans] == [(Origin.GENERATED, False)]
    choose(report, 0)
    assert report.content == headed


def test_candidates_that_enter_alike_are_one() -> None:
    report = filled("a\r\nb", "a\nb", "c")
    assert the_set(report).fills_of(0) == ("a\nb", "c")


def test_a_fill_as_it_was_still_brings_its_candidates() -> None:
    report = filled("small")
    place = the_set(report).places[0]
    before = report.content
    plan = report.pieces_for_refill(place.start, place.end)
    report.apply_candidates(plan, candidates(("small",), ("large",)))
    assert report.content == before
    assert the_set(report).fills_of(0) == ("small", "large")


def test_a_wrong_number_of_fills_in_any_candidate_changes_nothing() -> None:
    report = with_gaps(TEXT, 5)
    before = report.content
    with pytest.raises(ValueError, match="1 gaps"):
        report.apply_candidates(report.pieces_for_infill(), candidates(("a",), ("a", "b")))
    assert report.content is before


def test_marks_tell_the_alternatives_until_the_word_is_settled() -> None:
    report = filled("small right one", "large right one", "small left one")
    told = [(report.text[m.start : m.end], m.difference.told) for m in report.differences]
    assert told == [
        ("small", "small · large in 1 of 3"),
        ("right", "right · left in 1 of 3"),
    ]
    report.pin(*(report.differences[1].start, report.differences[1].end))
    assert [report.text[mark.start : mark.end] for mark in report.differences] == ["small"]
    calls: list[int] = []
    report.subscribe(lambda: calls.append(report.revision))
    revision = report.revision
    report.dismiss(report.differences[0])
    assert not report.differences
    assert calls == [revision]
    report.undo()
    assert [report.text[mark.start : mark.end] for mark in report.differences] == ["right"]


def test_a_fault_is_marked_until_the_fill_is_pinned() -> None:
    report = filled("small small", faults=("stutter",))
    mark = report.faults[0]
    assert mark.faults == ("stutter",)
    assert report.text[mark.place.start : mark.place.end] == "small small"
    report.pin(mark.place.start, mark.place.end)
    assert not report.faults


FILL = st.lists(
    st.sampled_from(
        ["no ", "right ", "left", "effusion", "\n", "\n\nFINDINGS:\n", "🫁", "e\u0301"]
    ),
    max_size=6,
).map("".join)
FILLS = st.tuples(FILL, FILL)


@given(
    st.lists(FILLS, min_size=1, max_size=5),
    st.lists(st.integers(0, 4), max_size=5),
    st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_pins_stand_and_one_undo_restores_whatever_is_chosen(
    found: list[tuple[str, str]], choices: list[int], pinned: tuple[int, int]
) -> None:
    report = with_gaps("Heart , clear.", 6, 14)
    before = report.content
    report.apply_candidates(report.pieces_for_infill(), candidates(*found))
    low, high = sorted(min(place, len(report.text)) for place in pinned)
    report.pin(low, high)
    first, by_hand = report.content, by_the_reader(report.content)
    changed = False
    for choice in choices:
        index = choice % len(the_set(report).candidates)
        if choose(report, index):
            fills = the_set(report).candidates[index].fills
            for stands, fill in zip(fills_of(report), fills, strict=True):
                assert stands == (fill if stands != GAP_CHAR or fill.strip() else GAP_CHAR)
        assert by_the_reader(report.content) == by_hand
        changed = report.content != first
        for mark in report.differences:
            places = the_set(report).places
            assert any(p.start <= mark.start < mark.end <= p.end for p in places)
    if changed:
        assert report.undo()
    assert report.content == first
    while report.undo():
        pass
    assert report.redo()
    assert report.redo()
    assert report.redo()
    assert report.content == before


def by_the_reader(content: Content) -> str:
    """What is pinned, but for the headings of fills."""
    return "".join(
        content.text[span.start : span.end]
        for span in content.spans
        if span.pinned and span.origin is not Origin.TEMPLATE
    )
