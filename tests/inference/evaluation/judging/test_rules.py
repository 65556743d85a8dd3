"""The rules: what they take for the same, what they never may, and that they always answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.evaluation.judging.rules import RuleJudge, read
from inference.evaluation.judging.verdicts import Item, Kind

WORDS = (
    *("no", "not", "without", "but", "possible", "both", "ruled out", ",", ".", ";", "is", "the"),
    *("left", "right", "small", "large", "effusion", "pneumothorax", "heart", "enlarged"),
    *("normal", "lungs", "clear", "4 cm", "40 mm"),
)
REPORT = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)


def same(reference: str, answer: str, question: str = "", kind: Kind = "fill") -> bool:
    return RuleJudge().verdict(Item(question, reference, answer, kind=kind)).equivalent


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("Moderate cardiomegaly.", "The cardiac silhouette is moderately enlarged."),
        ("Mild pulmonary edema.", "There is minor oedema of the lungs."),
        ("No effusion or pneumothorax.", "Neither pneumothorax nor pleural fluid."),
        ("A 1.5 cm nodule.", "A nodule of 15 millimeters."),
        ("Left-sided effusion.", "Effusion on the left side."),
        ("Effusions on both sides.", "There are left and right effusions."),
        ("The opacity is unchanged.", "No change of the opacity."),
        ("The effusion has been ruled out.", "There is no effusion."),
        ("No fracture.", "The bones are intact."),
        ("The ETT ends 4 cm above the carina.", "Endotracheal tube tip 40 mm above the carina."),
    ],
)
def test_the_same_in_other_words(reference: str, answer: str) -> None:
    assert same(reference, answer)
    assert same(answer, reference)


@pytest.mark.parametrize(
    ("reference", "answer"),
    [
        ("There is an effusion.", "There is no effusion."),
        ("Left effusion.", "Right effusion."),
        ("Left effusion.", "Bilateral effusions."),
        ("Small effusion.", "Massive effusion."),
        ("A 4 cm mass.", "A 4 mm mass."),
        ("Effusion without pneumothorax.", "Pneumothorax without effusion."),
        ("Small left effusion, large right mass.", "Large left effusion, small right mass."),
        ("Left effusion and right mass.", "Right effusion and left mass."),
        ("Increased effusion.", "Decreased effusion."),
        ("No fracture.", "The heart is normal."),
        ("No effusion.", "No pneumothorax."),
        ("The lungs are clear.", "The lungs are clear but for a nodule."),
        ("Tube in the stomach.", "Tube in the oesophagus."),
    ],
)
def test_what_must_never_pass_for_the_same(reference: str, answer: str) -> None:
    assert not same(reference, answer)
    assert not same(answer, reference)


def test_a_hedge_is_not_a_decision() -> None:
    assert not same("Pneumonia.", "Possible pneumonia.")
    assert same("Possible pneumonia.", "Pneumonia cannot be excluded.")


def test_more_than_was_asked_is_let_pass_in_answers_and_not_in_fills() -> None:
    reference, answer = "cardiomegaly", "Cardiomegaly with an effusion."
    assert same(reference, answer, "What is the main finding?", "open")
    assert not same(reference, answer)


def test_a_part_is_not_the_whole() -> None:
    asked = "Which organs are seen?"
    assert not same("liver, spleen and kidneys", "liver", asked, "open")
    assert same("liver, spleen and kidneys", "Kidneys, liver, spleen.", asked, "open")


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        ("Is there an effusion?", "An effusion is present.", "yes"),
        ("Is there an effusion?", "The lungs are clear.", "no"),
        ("Is there an effusion?", "There is no pleural fluid.", "no"),
        ("Is the heart normal?", "There is cardiomegaly.", "no"),
        ("Is the heart normal?", "There is no cardiomegaly.", "yes"),
        ("Is there a fracture?", "No. But this line is a fracture.", "yes"),
        ("Is the tube in place?", "Yes, but it is kinked.", "yes"),
    ],
)
def test_yes_or_no_without_saying_so(question: str, answer: str, said: str) -> None:
    assert same(said, answer, question, "closed")
    assert not same({"yes": "no", "no": "yes"}[said], answer, question, "closed")


@pytest.mark.parametrize("answer", ["There may be one.", "The image is blurred.", "?!"])
def test_what_does_not_decide_is_neither_yes_nor_no(answer: str) -> None:
    for reference in ("yes", "no"):
        assert not same(reference, answer, "Is there an effusion?", "closed")


def test_any_alternative_is_right() -> None:
    item = Item("What is it?", "nodule", "There is a mass.", ("mass",))
    assert RuleJudge().verdict(item).equivalent


def test_a_reason_tells_the_difference() -> None:
    verdict = RuleJudge().verdict(Item("", "Left effusion.", "Right effusion.", kind="fill"))
    assert (verdict.by, verdict.reason) == ("rules", "Side: left in the reference, right here.")


def test_a_reference_without_a_word_of_weight_is_never_met_by_chance() -> None:
    for reference in ("present", "possible"):
        assert not same(reference, "The heart may be large.", "How is it?", "open")
        assert same(reference, f"{reference.title()}.", "How is it?", "open")


@given(REPORT, REPORT, st.sampled_from(["closed", "open", "fill"]))
def test_there_is_always_one_verdict(reference: str, answer: str, kind: Kind) -> None:
    item = Item("Is there an effusion?", reference, answer, kind=kind)
    verdict = RuleJudge().verdict(item)
    assert verdict == RuleJudge().verdict(item)
    assert verdict.reason


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert RuleJudge().verdict(Item("", text, text or "x", kind="fill")) is not None
    assert read(text).sides <= {"left", "right", "bilateral"}


def test_it_says_what_it_is() -> None:
    assert RuleJudge().description == "rules, not a language model"
