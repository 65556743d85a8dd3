"""What is decided without a judge, and what is left to one."""

from __future__ import annotations

import pytest

from inference.evaluation.judging.closed import RulesFirst, decide, polarity
from inference.evaluation.judging.verdicts import Item, Kind, Verdict


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("No, there is no effusion.", "no"),
        ("no", "no"),
        ("No effusion", None),
        ("No.", "no"),
        ("Nope", "no"),
        ("No there is no effusion or pneumothorax", "no"),
        ("No. The left base shows an effusion.", None),
        ("No, but yes, there is one.", None),
        ("No. Or yes.", None),
        ("Yes", "yes"),
        ("**Yes**, a large one.", "yes"),
        ("YES - on the left", "yes"),
        ("Yes. There is no nodule.", None),
        ("Yes, possibly.", None),
        ("Yes, but it is small.", None),
        ("Certainly!", "yes"),
        ("Negative.", "no"),
        ("There is no effusion.", None),
        ("Yesterday there was one.", None),
        ("Normal", None),
        ("", None),
    ],
)
def test_polarity_is_told_where_an_answer_begins_with_it_and_keeps_it(
    answer: str, said: str | None
) -> None:
    assert polarity(answer) == said


def outcome(
    question: str, reference: str, answer: str, *more: str, kind: Kind = "closed"
) -> bool | None:
    verdict = decide(Item(question, reference, answer, more, kind))
    return None if verdict is None else verdict.equivalent


def test_yes_and_no_are_held_against_the_reference() -> None:
    asked = "Is there an effusion?"
    assert outcome(asked, "no", "No, there is no effusion.") is True
    assert outcome(asked, "Yes.", "No, there is no effusion.") is False
    assert outcome(asked, "yes", "Yes, on the left.") is True
    assert outcome(asked, "no", "There is none.") is None
    assert outcome(asked, "no", "Yes.", "yes") is True  # word for word
    assert outcome(asked, "no", "Yes, a small one.", "yes") is None


def test_words_that_are_accepted_are_right_in_every_kind() -> None:
    for kind in ("closed", "open", "fill"):
        assert outcome("Which?", "x-ray", "X ray!", kind=kind) is True
        assert outcome("Which?", "x-ray", "Radiograph", "radiograph", kind=kind) is True
        assert outcome("Which?", "x-ray", " . ", kind=kind) is False
    assert outcome("Which?", "x-ray", "An x-ray of the chest", kind="open") is None


@pytest.mark.parametrize(
    ("question", "reference", "answer", "right"),
    [
        ("Right or left?", "left", "It is on the left.", True),
        ("Right or left?", "left", "It is on the right.", False),
        ("Right or left?", "left", "Not on the right.", None),
        ("Right or left?", "left", "On the left and on the right.", None),
        ("Right or left?", "left", "Left or right.", None),
        ("Right or left?", "left", "Probably the left one.", None),
        ("Right or left?", "left", "Leftover contrast.", None),
        ("Which side?", "left", "The right side.", False),
        ("Is this a PA or an AP view?", "PA", "An AP view.", False),
        ("Upper, middle or lower zone?", "lower", "The middle zone.", False),
        ("Upper, middle or lower zone?", "lower", "Lower zone.", True),
        ("Is it solid or cystic?", "cystic", "It is solid.", False),
        ("Is it solid or cystic?", "cystic", "It is round.", None),
    ],
)
def test_one_of_several_options(
    question: str, reference: str, answer: str, right: bool | None
) -> None:
    assert outcome(question, reference, answer) is right


class Never:
    identity = description = "never"
    closed = False

    def verdict(self, item: Item) -> Verdict:
        return Verdict(False, "never", item.answer)

    def close(self) -> None:
        self.closed = True


def test_a_judge_is_asked_only_what_rules_leave_open() -> None:
    inner = Never()
    judge = RulesFirst(inner)
    assert judge.verdict(Item("Is it?", "no", "No.", kind="closed")).by == "rule: word for word"
    assert judge.verdict(Item("Is it?", "no", "Hardly.", kind="closed")).by == "never"
    assert "never" in judge.identity
    assert judge.identity != inner.identity
    assert judge.description == "never"
    judge.close()
    assert inner.closed
