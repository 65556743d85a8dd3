"""What a pin, a gap, a fill and an undo do to a report."""

from __future__ import annotations

import pytest

from desktop.report.model import (
    GAP_CHAR,
    Added,
    Content,
    GapMark,
    NothingToFill,
    Origin,
    Report,
    Span,
    StaleReport,
)
from inference.protocol import Fixed, Gap, join

DRAFT = "FINDINGS:\nThe heart is enlarged. There is no effusion.\n\nIMPRESSION:\nCardiomegaly."


def drafted(text: str = DRAFT) -> Report:
    report = Report()
    report.apply(report.pieces_for_draft(), [text])
    return report


def marks(report: Report) -> list[tuple[str, str, bool]]:
    return [(report.text[s.start : s.end], str(s.origin), s.pinned) for s in report.spans]


def at(report: Report, words: str) -> tuple[int, int]:
    start = report.text.index(words)
    return start, start + len(words)


def test_typed_text_is_pinned_from_birth() -> None:
    report = Report()
    report.insert(0, "Heart normal.")
    assert marks(report) == [("Heart normal.", "typed", True)]


def test_a_draft_of_nothing_is_one_gap() -> None:
    assert Report().pieces_for_draft().pieces == (Gap(),)


def test_headings_of_a_draft_become_template() -> None:
    assert marks(drafted()) == [
        ("FINDINGS:\n", "template", True),
        ("The heart is enlarged. There is no effusion.", "generated", False),
        ("\n\nIMPRESSION:\n", "template", True),
        ("Cardiomegaly.", "generated", False),
    ]


def test_a_second_draft_keeps_the_headings() -> None:
    assert drafted().pieces_for_draft().pieces == (
        Fixed("FINDINGS:\n"),
        Gap(hint="The heart is enlarged. There is no effusion."),
        Fixed("\n\nIMPRESSION:\n"),
        Gap(hint="Cardiomegaly."),
    )


def test_a_draft_writes_around_a_pin() -> None:
    report = drafted()
    report.pin(*at(report, "enlarged"))
    assert report.pieces_for_draft().pieces == (
        Fixed("FINDINGS:\n"),
        Gap(hint="The heart is"),
        Fixed(" enlarged"),
        Gap(hint=". There is no effusion."),
        Fixed("\n\nIMPRESSION:\n"),
        Gap(hint="Cardiomegaly."),
    )


def test_a_draft_with_a_pin_in_every_section_keeps_each() -> None:
    report = drafted()
    for words in ("no effusion", "Cardiomegaly"):
        report.pin(*at(report, words))
    plan = report.pieces_for_draft()
    report.apply(plan, ["Large heart,", ".", "!"])
    assert report.text == "FINDINGS:\nLarge heart, no effusion.\n\nIMPRESSION:\nCardiomegaly!"


def test_a_draft_with_all_pinned_goes_on_behind_it() -> None:
    report = Report()
    typed = "INDICATION:\nCough.\n\nFINDINGS:\nHeart normal.\n\nIMPRESSION:\nNormal.\n"
    report.insert(0, typed)
    report.apply(report.pieces_for_draft(), [" Lungs clear.", ""])
    assert report.text == typed.replace("Heart normal.", "Heart normal. Lungs clear.")
    typed_now = "".join(text for text, origin, _ in marks(report) if origin == "typed")
    assert typed_now == typed


def test_a_draft_around_loose_typed_text_puts_it_under_findings() -> None:
    report = Report()
    report.insert(0, "Cardiomegaly.\n")
    plan = report.pieces_for_draft()
    assert plan.pieces == (
        Fixed("FINDINGS:\nCardiomegaly."),
        Gap(),
        Fixed("\n\nIMPRESSION:\n"),
        Gap(),
    )
    report.apply(plan, [" No effusion.", "Enlarged heart."])
    assert report.text == ("FINDINGS:\nCardiomegaly. No effusion.\n\nIMPRESSION:\nEnlarged heart.")
    assert report.undo()
    assert marks(report) == [("Cardiomegaly.\n", "typed", True)]


@pytest.mark.parametrize(
    ("typed", "result"),
    [
        ("IMPRESSION:\nNormal.", "FINDINGS:\n<0>\n\nIMPRESSION:\nNormal."),
        ("FINDINGS:\nNormal.", "FINDINGS:\nNormal.\n\nIMPRESSION:\n<0>"),
        ("FINDINGS:\nNormal.\n", "FINDINGS:\nNormal.\n\nIMPRESSION:\n<0>"),
        ("FINDINGS:", "FINDINGS:\n<0>\n\nIMPRESSION:\n<1>"),
        (
            "INDICATION:\nCough.",
            "INDICATION:\nCough.\n\nFINDINGS:\n<0>\n\nIMPRESSION:\n<1>",
        ),
        (
            "INDICATION:\n\nFINDINGS:\n\nIMPRESSION:\n",
            "INDICATION:\n\nFINDINGS:\n<0>\n\nIMPRESSION:\n<1>",
        ),
    ],
)
def test_a_draft_completes_what_is_missing(typed: str, result: str) -> None:
    report = Report()
    report.insert(0, typed)
    plan = report.pieces_for_draft()
    report.apply(plan, [f"<{number}>" for number in range(len(plan.holes))])
    assert report.text == result


def test_a_draft_takes_no_typed_line_break_from_between_generated_text() -> None:
    report = drafted()
    position = at(report, " There")[0]
    report.insert(position, "\n")
    plan = report.pieces_for_draft()
    assert Fixed("\n") in plan.pieces
    assert "".join(hole.hint for hole in plan.holes).endswith("Cardiomegaly.")


def test_a_draft_fills_gap_marks_between_pinned_words_too() -> None:
    report = Report()
    report.insert(0, "FINDINGS:\nHeart is .\n\nIMPRESSION:\n")
    report.insert_gap(19)
    assert report.pieces_for_draft().pieces == (
        Fixed("FINDINGS:\nHeart is "),
        Gap(),
        Fixed(".\n\nIMPRESSION:\n"),
        Gap(),
    )


def test_infill_opens_all_that_is_not_pinned() -> None:
    report = drafted()
    report.pin(*at(report, "enlarged"))
    assert report.pieces_for_infill().pieces == (
        Fixed("FINDINGS:\n"),
        Gap(hint="The heart is"),
        Fixed(" enlarged"),
        Gap(hint=". There is no effusion."),
        Fixed("\n\nIMPRESSION:\n"),
        Gap(hint="Cardiomegaly."),
    )


def test_the_space_between_two_pins_is_no_gap() -> None:
    report = drafted("heart is big")
    report.pin(0, 5)
    report.pin(6, 12)
    with pytest.raises(NothingToFill):
        report.pieces_for_infill()


def test_infill_of_headings_alone_fills_their_sections() -> None:
    report = Report()
    report.insert(0, "FINDINGS:\n\nIMPRESSION:\n", Origin.TEMPLATE)
    plan = report.pieces_for_infill()
    assert plan.pieces == (Fixed("FINDINGS:\n"), Gap(), Fixed("\n\nIMPRESSION:\n"), Gap())
    assert Added("\n") in plan.parts
    report.apply(plan, ["Clear lungs.", "Normal."])
    assert report.text == "FINDINGS:\nClear lungs.\n\nIMPRESSION:\nNormal."


@pytest.mark.parametrize(
    ("text", "advice"), [("", "press Draft"), ("All of it typed.", "unpin some")]
)
def test_infill_of_nothing_says_what_to_do(text: str, advice: str) -> None:
    report = Report()
    report.insert(0, text)
    with pytest.raises(NothingToFill, match=advice):
        report.pieces_for_infill()


def test_a_gap_mark_vanishes_when_it_is_filled() -> None:
    report = Report()
    report.insert(0, "Heart is .")
    report.insert_gap(9, tokens=4)
    assert report.gaps == (GapMark(9, 4),)
    plan = report.pieces_for_infill()
    assert plan.pieces == (Fixed("Heart is "), Gap(4), Fixed("."))
    report.apply(plan, ["enlarged"])
    assert report.text == "Heart is enlarged."
    assert report.gaps == ()


def test_neighbouring_gap_marks_and_unpinned_words_are_one_gap() -> None:
    report = drafted("No effusion.")
    report.insert_gap(3, tokens=5)
    report.insert_gap(3, tokens=6)
    assert report.pieces_for_infill().pieces == (Gap(None, "No effusion."),)


def test_gap_marks_side_by_side_add_up() -> None:
    report = Report()
    report.insert_gap(0, 5)
    report.insert_gap(0, 6)
    assert report.pieces_for_infill().pieces == (Gap(11),)


def test_refill_opens_the_selection_alone_and_leaves_other_gaps_in_the_document() -> None:
    report = drafted()
    report.insert_gap(len(report.text))
    plan = report.pieces_for_refill(*at(report, "enlarged"))
    assert plan.pieces == (
        Fixed("FINDINGS:\nThe heart is "),
        Gap(hint="enlarged"),
        Fixed(". There is no effusion.\n\nIMPRESSION:\nCardiomegaly."),
    )
    report.apply(plan, ["small"])
    assert report.plain_text() == DRAFT.replace("enlarged", "small")
    assert len(report.gaps) == 1


def test_refill_holds_typed_words_in_the_selection() -> None:
    report = drafted("No effusion. No nodule.")
    report.insert(12, " Scoliosis.")
    plan = report.pieces_for_refill(0, len(report.text))
    assert plan.pieces == (
        Gap(hint="No effusion."),
        Fixed(" Scoliosis."),
        Gap(hint=" No nodule."),
    )


def test_refill_of_nothing_says_what_to_do() -> None:
    report = drafted()
    with pytest.raises(NothingToFill, match="select"):
        report.pieces_for_refill(3, 3)
    with pytest.raises(NothingToFill, match="pinned"):
        report.pieces_for_refill(0, 9)


def test_fills_are_generated_and_only_their_line_ends_change() -> None:
    report = Report()
    report.apply(report.pieces_for_draft(), ["a\r\nb\rc\u2028d  \t\u200f𝒳é\x00" + GAP_CHAR])
    assert report.text == "a\nb\nc\nd  \t\u200f𝒳é\x00\ufffd"
    assert report.gaps == ()


def test_empty_fills_are_legal() -> None:
    report = drafted("Heart normal.")
    report.apply(report.pieces_for_infill(), [""])
    assert report.content == Content()


def test_a_stale_plan_changes_nothing() -> None:
    report = drafted()
    plan = report.pieces_for_infill()
    report.insert(len(report.text), " More.")
    report.undo()
    before = report.content
    with pytest.raises(StaleReport):
        report.apply(plan, ["a", "b"])
    assert report.content is before


def test_a_wrong_number_of_fills_changes_nothing() -> None:
    report = drafted()
    before = report.content
    with pytest.raises(ValueError, match="2 gaps"):
        report.apply(report.pieces_for_infill(), ["a"])
    assert report.content is before


def test_unpin_skips_typed_text_and_says_so() -> None:
    report = drafted("No effusion.")
    report.pin(0, 12)
    report.insert(12, " Typed.")
    assert report.unpin(0, len(report.text)) == {Origin.TYPED}
    assert marks(report) == [("No effusion.", "generated", False), (" Typed.", "typed", True)]


def test_unpin_leaves_headings_pinned() -> None:
    report = drafted()
    before = report.content
    report.pin(0, len(report.text))
    assert report.unpin(0, len(report.text)) == {Origin.TEMPLATE}
    assert report.content == before


def test_unpin_gives_template_text_that_is_no_heading_to_the_model() -> None:
    report = Report()
    report.insert(0, "FINDINGS:\nLungs clear.", Origin.TEMPLATE)
    report.unpin(10, 22)
    assert report.pieces_for_infill().pieces == (Fixed("FINDINGS:\n"), Gap(hint="Lungs clear."))


def test_a_gap_mark_cannot_be_pinned() -> None:
    report = Report()
    report.insert(0, "ab")
    report.insert_gap(1)
    before = report.content
    report.pin(0, 3)
    assert report.content is before


def test_a_gap_can_be_taken_out() -> None:
    report = Report()
    report.insert(0, "ab")
    report.insert_gap(1)
    report.remove_gap(1)
    assert marks(report) == [("ab", "typed", True)]
    with pytest.raises(ValueError, match="no gap"):
        report.remove_gap(1)


@pytest.mark.parametrize(
    ("start", "end", "text", "edited"),
    [
        ("effusion", None, "s", ["effusion"]),  # added to
        ("There is", None, " now", []),  # a word between others
        ("card", None, "x", ["card", "iac"]),  # split
        ("effus", "ion", "", ["effus"]),  # cut
        (" is", " no", "", ["is cardiac"]),  # a word goes out: its neighbours say otherwise
        ("cardiac", " effusion", "", ["cardiac"]),
        ("there", " is", "", ["There no"]),
        (".", " Old.", "", []),  # a whole sentence
        ("effusion", ".", ";", []),
        (" no", " ", "", ["nocardiac"]),  # glued
    ],
)
def test_what_a_change_by_hand_makes_edited(
    start: str, end: str | None, text: str, edited: list[str]
) -> None:
    report = drafted("There is no cardiac effusion. Old.")
    low = report.text.lower().index(start.lower()) + len(start)
    high = low if end is None else low + len(end)
    report.replace(low, high, text)
    found = [(chars, pinned) for chars, origin, pinned in marks(report) if origin == "edited"]
    assert [chars for chars, _ in found] == edited
    assert all(pinned for _, pinned in found)


@pytest.mark.parametrize(
    ("text", "place", "typed", "edited"),
    [
        ("Nodule of 3 cm.", "3", ".5", ["3"]),
        ("Nodule of 3 cm.", "3", ",5", ["3"]),
        ("Nodule of 3 cm.", "3", "-4", ["3"]),
        ("Nodule of 3 cm.", "3", "–4", ["3"]),
        ("Seen on 3 today.", "3", "/4/2024", ["3"]),
        ("Nodule of 5 cm.", "of ", "3.", ["5"]),
        ("Nodule of 5 cm.", "of ", ".", ["5"]),
        ("Nodule of 5 cm.", "of ", "<", ["5"]),
        ("Nodule of 3.5 cm.", "3.5", "0", ["3.5"]),
        ("Nodule of 3.5 cm.", "3", "0", ["3", ".5"]),
        ("Nodule of 3", "3", ". Clear.", []),
        ("Levels 3 and 4.", "3", ", 5", []),
        ("The heart.", "heart.", "5", []),
    ],
)
@pytest.mark.parametrize("by_letter", [False, True])
def test_a_number_that_is_completed_by_hand_is_edited(
    text: str, place: str, typed: str, edited: list[str], by_letter: bool
) -> None:
    report = drafted(text)
    position = at(report, place)[1]
    for part in typed if by_letter else [typed]:
        report.insert(position, part)
        position = report.caret
    found = [(chars, pinned) for chars, origin, pinned in marks(report) if origin == "edited"]
    assert found == [(chars, True) for chars in edited]


@pytest.mark.parametrize(
    ("text", "gone", "edited"),
    [
        ("Nodule of 3.5 cm.", ".5", ["3 cm"]),
        ("Nodule of 3.5 cm.", "3.", ["of 5"]),
        ("Nodule of 3.5 cm.", "5", ["3. cm"]),
        ("Nodule of 3.x5 cm.", "x", ["3.5"]),
        ("Size is 3.5. Clear.", "5.", ["3. Clear"]),
        ("Clear. 3.5 cm.", "3.", ["5"]),
    ],
)
def test_a_number_that_is_cut_by_hand_is_edited(text: str, gone: str, edited: list[str]) -> None:
    report = drafted(text)
    report.delete(*at(report, gone))
    found = [chars for chars, origin, pinned in marks(report) if origin == "edited" and pinned]
    assert found == edited


def test_a_space_taken_out_of_a_number_makes_it_edited() -> None:
    report = drafted("Nodule of 3. 5 cm.")
    start = at(report, "3.")[1]
    report.delete(start, start + 1)
    assert ("3.5", "edited", True) in marks(report)


@pytest.mark.parametrize("origin", [Origin.EDITED, Origin.TEMPLATE])
def test_a_change_by_hand_in_unpinned_words_of_any_origin_is_pinned(origin: Origin) -> None:
    start = Content("No effusions.", (Span(0, 13, origin, False),))
    report = Report(start)
    report.delete(11, 12)
    assert marks(report) == [
        ("No ", str(origin), False),
        ("effusion", "edited", True),
        (".", str(origin), False),
    ]
    report = Report(start)
    report.delete(0, 3)
    assert marks(report)[0] == ("effusions", "edited", True)


def test_an_edited_word_that_was_unpinned_is_pinned_by_the_next_change() -> None:
    report = drafted("No effusion.")
    report.insert(11, "s")
    report.unpin(0, len(report.text))
    report.delete(9, 11)
    assert [chars for chars, origin, pinned in marks(report) if origin == "edited" and pinned] == [
        "effusi"
    ]


def test_taking_out_typed_words_marks_nothing() -> None:
    report = drafted("No effusion.")
    before = report.content
    report.insert(3, "large ")
    report.delete(3, 9)
    assert report.content == before


def test_typing_is_undone_word_by_word() -> None:
    report = Report()
    for index, char in enumerate("No new effusion"):
        report.insert(index, char)
    texts = []
    while report.undo():
        texts.append(report.text)
    assert texts == ["No new ", "No ", ""]
    assert not report.can_undo
    while report.redo():
        pass
    assert report.text == "No new effusion"


def test_a_pause_ends_an_undo_step() -> None:
    now = 0.0
    report = Report(clock=lambda: now)
    report.insert(0, "a")
    now = 0.5
    report.insert(1, "b")
    now = 10.0
    report.insert(2, "c")
    report.undo()
    assert report.text == "ab"
    assert report.caret == 2
    report.undo()
    assert report.text == ""


def test_typing_elsewhere_begins_an_undo_step() -> None:
    report = Report()
    report.insert(0, "a")
    report.insert(0, "b")
    report.undo()
    assert report.text == "a"


def test_erasing_is_undone_together() -> None:
    report = Report()
    report.insert(0, "word")
    for end in (4, 3, 2):
        report.delete(end - 1, end)
    report.undo()
    assert report.text == "word"
    assert report.caret == 4


def test_pins_gaps_and_fills_are_one_step_each() -> None:
    report = drafted("No effusion.")
    states = [report.content]
    report.pin(0, 2)
    states.append(report.content)
    report.insert_gap(12)
    states.append(report.content)
    report.apply(report.pieces_for_infill(), [" nodule."])
    states.append(report.content)
    report.unpin(0, 2)
    for state in reversed(states):
        assert report.undo()
        assert report.content == state


def test_what_changes_nothing_is_no_step() -> None:
    report = drafted("No effusion.")
    report.pin(0, 2)
    revision = report.revision
    report.pin(0, 2)
    report.insert(3, "")
    assert report.revision == revision


def test_a_plan_survives_what_changes_nothing() -> None:
    report = drafted("No effusion.")
    plan = report.pieces_for_infill()
    report.unpin(0, 12)
    report.apply(plan, ["Clear."])
    assert report.text == join(plan.pieces, ["Clear."])


def test_listeners_hear_every_change_until_they_leave() -> None:
    report = Report()
    heard: list[int] = []
    leave = report.subscribe(lambda: heard.append(report.revision))
    report.insert(0, "a")
    report.undo()
    leave()
    report.redo()
    assert heard == [1, 2]


@pytest.mark.parametrize(("start", "end"), [(-1, 0), (0, 2), (1, 0)])
def test_offsets_outside_are_refused(start: int, end: int) -> None:
    report = Report()
    report.insert(0, "a")
    with pytest.raises(IndexError):
        report.delete(start, end)


def test_a_gap_of_no_tokens_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Report().insert_gap(0, 0)


@pytest.mark.parametrize(
    "content",
    [
        Content("a", ()),
        Content("ab", (Span(0, 1, Origin.TYPED, True), Span(1, 2, Origin.TYPED, True))),
        Content("a", (Span(0, 1, Origin.TYPED, False),)),
        Content("a", (Span(0, 2, Origin.TYPED, True),)),
        Content("ab", (Span(1, 2, Origin.TYPED, True),)),
        Content(GAP_CHAR, (Span(0, 1, Origin.GENERATED, False),)),
        Content(GAP_CHAR, (Span(0, 1, Origin.TYPED, True),), (GapMark(0),)),
        Content(GAP_CHAR, (Span(0, 1, Origin.GENERATED, False),), (GapMark(0, 0),)),
    ],
)
def test_contents_that_contradict_themselves_are_refused(content: Content) -> None:
    with pytest.raises(ValueError, match=r"."):
        Report(content)


def test_a_letter_that_brings_its_space_along_begins_a_word_like_any_other() -> None:
    report = Report()
    report.insert(0, "No effusion.", Origin.GENERATED)
    before = report.content
    for at, text in ((12, " H"), (14, "e"), (15, "r"), (16, "e")):
        report.replace(at, at, text)
    assert report.text == "No effusion. Here"
    report.undo()
    assert report.content == before
