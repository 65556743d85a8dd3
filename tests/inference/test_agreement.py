"""What fills bring into a report is found, and laid at their door; what is pinned is not."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.agreement import Judge, judge, study_of
from inference.evaluation.sentences import remove_sentence
from inference.filled_text import fill_in
from inference.protocol import Fixed, Gap, Piece, join
from inference.training.findings import sample_case
from inference.training.report_language import write_report
from radiology.language.clash import Gravity
from radiology.language.spans import Span

FINDINGS = "FINDINGS:\nThe heart is normal in size. There is a large right pleural effusion."
IMPRESSION = "\n\nIMPRESSION:\n"


def report(*parts: str | None) -> list[Piece]:
    """Pieces, with a gap for each ``None``."""
    return [Gap() if part is None else Fixed(part) for part in parts]


@pytest.mark.parametrize(
    ("pin", "fill", "kind"),
    [
        ("Large right pleural effusion.", "No acute cardiopulmonary findings.", "negation"),
        ("Large right pleural effusion.", "Large left pleural effusion.", "side"),
        (
            "There is a 28 mm nodule in the left upper lobe.",
            "12 mm left upper lobe nodule.",
            "size",
        ),
        ("Moderate left pneumothorax.", "Cardiomegaly.", "section"),
    ],
)
def test_a_fill_that_contradicts_a_pin(pin: str, fill: str, kind: str) -> None:
    pieces = report(f"FINDINGS:\n{pin}{IMPRESSION}", None)
    verdict = judge(pieces, [fill])
    assert kind in {clash.kind for clash in verdict.clashes}
    text = join(pieces, [fill])
    for clash in verdict.clashes:
        assert clash.with_pin
        assert clash.second is not None
        assert clash.first[1] <= text.index(fill) <= clash.second[0] < clash.second[1] <= len(text)
        assert clash.why


def test_agreeing_fills_have_nothing_against_them() -> None:
    pieces = report(FINDINGS + IMPRESSION, None)
    assert judge(pieces, ["Large right pleural effusion."]).agrees


def test_a_clash_of_fills_alone_is_told_apart_from_one_with_a_pin() -> None:
    pieces = report("FINDINGS:\nThe heart is normal in size. ", None, IMPRESSION, None)
    fills = ["No pleural effusion.", "Large right pleural effusion."]
    (clash,) = judge(pieces, fills).clashes
    assert not clash.with_pin
    assert clash.gravity == Gravity.MAJOR


def test_what_is_pinned_is_its_readers() -> None:
    """The reader's own words contradict themselves and are of no good form: nobody is blamed."""
    pieces = report(
        "FINDINGS:\nLarge left effusion.. No pleural effusion. Pleura. ",
        None,
        f"{IMPRESSION}IMPRESSION:\nMild mild edema.",
    )
    assert judge(pieces, ["The heart is normal in size."]).agrees


def test_a_fill_may_turn_a_pinned_word_round() -> None:
    pieces = report(f"{FINDINGS} ", None, f" pleural effusion.{IMPRESSION}Large right effusion.")
    assert {clash.kind for clash in judge(pieces, ["No"]).clashes} == {"negation"}
    assert judge(pieces, ["Large right"]).agrees


def test_findings_that_leave_out_what_is_concluded() -> None:
    pieces = report("FINDINGS:\n", None, f"{IMPRESSION}Large right pleural effusion.")
    fill = "The heart is enlarged. The mediastinum is normal. There is scarring in the left apex."
    (clash,) = judge(pieces, [fill]).clashes
    assert clash.kind == "section"
    assert judge(pieces, [f"{fill} There is a large right pleural effusion."]).agrees


def test_what_is_still_open_is_not_judged() -> None:
    pieces = report(
        "FINDINGS:\n", None, f" There is a large right pleural effusion.{IMPRESSION}", None
    )
    assert judge(pieces, ["The heart is normal in size."]).agrees
    assert not judge(pieces, ["No pleural effusion."]).agrees
    assert judge(report("FINDINGS:\n", None, None), ["The heart is"]).agrees
    assert Judge(report(None)).verdict(["The heart is normal. The"], goes_on=True).agrees


@pytest.mark.parametrize(
    ("context", "fill", "kinds"),
    [
        ("Chest radiograph, AP view. 63-year-old woman.", "PA view.", ["view"]),
        ("Chest radiograph, AP view.", "AP and lateral views.", []),
        ("63-year-old woman.", "Status post prostatectomy.", ["sex"]),
        ("Comparison: none.", "Unchanged since the prior radiograph.", ["comparison"]),
        ("", "PA view. Unchanged since the prior radiograph.", []),
    ],
)
def test_a_fill_that_the_study_contradicts(context: str, fill: str, kinds: list[str]) -> None:
    clashes = judge(report("TECHNIQUE: ", None), [fill], context=context).clashes
    assert [clash.kind for clash in clashes] == kinds
    assert all(clash.second is None and not clash.with_pin for clash in clashes)


def test_who_is_meant_by_a_context() -> None:
    assert study_of("Chest radiograph, PA view. 49-year-old man.").sex == "M"
    assert study_of("12-year-old girl.").sex == "F"
    assert study_of("A woman; her husband, a man, is present.").sex is None
    assert study_of("").views == frozenset()


@pytest.mark.parametrize(
    ("parts", "fills", "fault"),
    [
        (("Heart normal. Pleura ", None, ". Bones intact."), ("",), "empty"),
        (("The heart is ", None), (" ",), "empty"),
        (("FINDINGS:\nHeart: ", None, "\nLungs: clear."), ("",), "empty"),
        (("No evidence of ", None, " pneumothorax"), ("",), "empty"),
        (("The lungs are clear. ", None, "."), ("The heart is normal.",), "stop"),
        (("FINDINGS:\nThe lungs are clear.\n", None), ("FINDINGS:\nNo effusion.",), "heading"),
        (("FINDINGS:\n", None, f"{IMPRESSION}Clear."), ("",), "heading"),
        (("Clear. There is a ", None, " upper lobe nodule."), ("28",), "broken"),
        (("The lungs are clear. ", None, " No effusion."), ("Pleura.",), "broken"),
        (("The lungs are clear. ", None), ("There is no evidence of.",), "unclosed"),
    ],
)
def test_faults_of_form(parts: Sequence[str | None], fills: Sequence[str], fault: str) -> None:
    assert fault in judge(report(*parts), fills).faults


@pytest.mark.parametrize(
    "parts",
    [
        ("The lungs are clear. ", None, " No effusion."),
        ("The lungs are clear.\n", None, "\nNo effusion."),
        (f"{FINDINGS} ", None, f"{IMPRESSION}Large right effusion. ", None),
        (None, FINDINGS),
    ],
)
def test_nothing_to_add_between_sentences_is_an_answer(parts: Sequence[str | None]) -> None:
    assert judge(report(*parts), [""] * parts.count(None)).agrees


def test_an_answer_has_no_form_of_its_own() -> None:
    assert judge(report(None), ["Left lung"], is_answer=True).agrees
    assert judge(report(None), ["Left lung."], is_answer=True).agrees


@pytest.mark.parametrize(
    ("fill", "words", "banned"),
    [
        ("Clear. Large left pleural effusion.", "Large left pleural effusion", "left"),
        ("No acute findings.", "No acute findings", "No"),
    ],
)
def test_the_words_to_blame(fill: str, words: str, banned: str) -> None:
    (blame, *_) = judge(report(FINDINGS + IMPRESSION, None), [fill]).blamed
    assert (blame.words.of(fill), blame.banned.of(fill)) == (words, banned)


def test_a_gap_that_has_to_be_filled_has_no_words_to_blame() -> None:
    verdict = judge(report("The heart is ", None, " in size. ", None), ["normal", ""])
    assert verdict.agrees
    (blame,) = judge(report("The ", None, " is ", None, "."), ["heart", ""]).blamed
    assert (blame.gap, *blame.words, *blame.banned) == (1, 0, 0, 0, 0)


def test_each_candidate_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Sequence[str]] = []
    monkeypatch.setattr("inference.agreement.judge", lambda _, fills, **__: read.append(fills))
    reader = Judge(report(None))
    for fill in ("a", "b", "a"):
        reader.verdict((fill,))
    assert read == [("a",), ("b",)]


def test_true_reports_agree() -> None:
    """What is wrong often costs forwards, and is soon not read."""
    for seed in range(300):
        rng = random.Random(seed)
        whole = write_report(sample_case(seed), rng)
        removed = remove_sentence(whole, rng)
        verdict = judge(report(removed.left, None, removed.right), [removed.sentence])
        assert verdict.agrees, (removed, verdict)
        assert judge(report(None), [whole]).agrees, whole


parts = st.lists(st.none() | st.text("aB .\n:", max_size=5), max_size=7)


@given(parts, st.lists(st.text("xY .\n", max_size=4), max_size=7))
def test_whose_characters_are_whose(told: list[str | None], texts: list[str]) -> None:
    pieces = report(*told)
    fills = texts[: told.count(None)]
    filled = fill_in(pieces, fills)
    assert [fill.of(filled.text) for fill in filled.fills] == fills
    assert len(filled.open_gaps) == told.count(None) - len(fills)
    assert filled.without_fills == "".join(part for part in told if part)
    written = [
        filled.fills[number].start + place
        for number, span in filled.within(Span(0, len(filled.text)))
        for place in range(*span)
    ]
    assert written == [place for fill in filled.fills for place in range(*fill)]
    judge(pieces, fills)
