"""What answers to questions come to."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.evaluation.judging.verdicts import Item
from inference.evaluation.outputs import drawings
from inference.evaluation.vqa_results import (
    answers_to_judge,
    as_table,
    drawing,
    summarise,
    table_rows,
)
from inference.evaluation.vqa_runs import Asked, Said
from inference.evaluation.writers import Writer
from inference.training.data.rows import Kind, Origin, Row

WRITERS = (
    Writer("diffusion", "diffusion", Path("d")),
    Writer("autoregressive", "autoregressive", Path("a")),
)


def row(number: int, answer: str, kind: Kind = "closed") -> Row:
    origin = Origin(Path("made.jsonl"), number)
    return Row(str(number), origin, None, "Is it?", "", answer, kind, "one")


def asked(number: int, **said: str) -> Asked:
    return Asked(
        number=number,
        id=str(number),
        said={name.replace("__", "/"): Said(text, 2) for name, text in said.items()},
    )


ROWS = {
    0: row(0, "no"),
    1: row(1, "no"),
    2: row(2, "yes"),
    3: row(3, "the left lung", "open"),
    4: row(4, "two nodules", "open"),
}
ANSWERS = [
    asked(0, diffusion__own="no", diffusion__blank="no", autoregressive__own="yes"),
    asked(1, diffusion__own="No.", diffusion__blank="no", autoregressive__own="yes"),
    asked(2, diffusion__own="yes", diffusion__blank="no", autoregressive__own="yes"),
    asked(3, diffusion__own="left", diffusion__blank="", autoregressive__own="left lung"),
    asked(4, diffusion__own="two", diffusion__blank="", autoregressive__own="two nodules"),
]


def test_the_commonest_answer_is_what_is_to_be_beaten() -> None:
    result = summarise(ROWS, ANSWERS, WRITERS)
    assert result["majority"] == {"answer": "no", "accuracy": pytest.approx(2 / 3)}
    own, blank = result["answers"]["diffusion/own"], result["answers"]["diffusion/blank"]
    assert (own["closed"]["right"], blank["closed"]["right"]) == (3, 2)
    assert blank["closed"]["beyond_majority_95"] == [0.0, 0.0]
    assert own["open"]["recall"] == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert blank["open"]["recall"] == 0.0


def test_writers_are_held_against_each_other_and_against_their_controls() -> None:
    result = summarise(ROWS, ANSWERS, WRITERS)
    pairs = {(pair["first"], pair["second"]): pair for pair in result["comparisons"]}
    assert set(pairs) == {
        ("diffusion/own", "autoregressive/own"),
        ("diffusion/own", "diffusion/blank"),
    }
    models = pairs["diffusion/own", "autoregressive/own"]
    assert (models["closed"]["only_first"], models["closed"]["only_second"]) == (2, 0)
    assert models["closed"]["p"] == 0.5  # two discordant pairs, both on one side
    assert models["open"]["mean"] == pytest.approx(-(1 / 3 + 1 / 2) / 2)


def test_of_answers_that_were_not_all_judged_there_is_no_share() -> None:
    items = answers_to_judge(ROWS, ANSWERS)
    assert items[3, "autoregressive/own"] == Item(
        "Is it?", "the left lung", "left lung", kind="open"
    )
    verdicts = {(3, "diffusion/own"): True, (0, "diffusion/own"): True, (2, "diffusion/own"): False}
    figures = summarise(ROWS, ANSWERS, WRITERS, verdicts)["answers"]
    judged = figures["diffusion/own"]["judged"]
    assert judged["closed"] == {
        "judged": 2,
        "of": 3,
        "equivalent": None,
        "equivalent_between": (1 / 3, 2 / 3),
    }
    assert (judged["open"]["judged"], judged["open"]["equivalent"]) == (1, None)
    verdicts[1, "diffusion/own"] = True
    figures = summarise(ROWS, ANSWERS, WRITERS, verdicts)["answers"]
    assert figures["diffusion/own"]["judged"]["closed"]["equivalent"] == pytest.approx(2 / 3)
    assert "judged" not in figures["diffusion/blank"]


def test_a_question_that_could_not_be_asked_is_counted_apart() -> None:
    skipped = Asked(number=5, id="5", skipped="too long")
    result = summarise({**ROWS, 5: row(5, "no")}, [*ANSWERS, skipped], WRITERS)
    assert (result["n"], result["skipped"], result["closed"]) == (5, 1, 3)


def test_without_closed_questions_there_is_no_majority() -> None:
    result = summarise({3: ROWS[3]}, [ANSWERS[3]], WRITERS[:1])
    assert result["majority"]["accuracy"] is None
    assert "closed" not in result["answers"]["diffusion/own"]
    assert "always" not in as_table(result | {"data": "d"})
    assert drawings(drawing(result))["png"].startswith(b"\x89PNG")


def test_table_and_drawing_have_every_writer_and_image() -> None:
    result = summarise(ROWS, ANSWERS, WRITERS) | {"data": "d"}
    table = as_table(result)
    assert "always no" in table
    assert "blank image" in table
    assert [(line["writer"], line["image"]) for line in table_rows(result)] == [
        ("diffusion", "own"),
        ("diffusion", "blank"),
        ("autoregressive", "own"),
    ]
    drawn = drawings(drawing(result))
    assert drawn == drawings(drawing(result))
    assert drawn["svg"].startswith(b"<?xml")
