"""Questions about images, asked of a checkpoint alone and with adapters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.evaluation import bench_vqa
from inference.evaluation.answering import Answer, is_right, plain
from inference.evaluation.bench_vqa import Answered, as_table, summarise
from inference.training.data.rows import Kind, Origin, Row
from resources import demo_checkpoint
from tests.inference.random_adapters import MakeAdapter


def row(answer: str, kind: Kind = "closed", *alternatives: str) -> Row:
    origin = Origin(Path("made.jsonl"), 1)
    return Row(answer, origin, None, "Is it?", "", answer, kind, "one", alternatives)


def said(name: str, *texts: str) -> Answered:
    return Answered(name, tuple(Answer(text, 2) for text in texts))


@pytest.mark.parametrize(
    ("text", "right"),
    [("Yes", True), ("yes.", True), (" YES ", True), ("yes it is", False), ("", False)],
)
def test_letter_case_and_punctuation_do_not_count(text: str, right: bool) -> None:
    assert is_right(text, row("yes")) is right


def test_alternatives_are_as_right() -> None:
    assert is_right("x-ray", row("radiograph", "closed", "X ray"))
    assert plain("X-ray!") == "x ray"


def test_the_commonest_answer_is_what_is_to_be_beaten() -> None:
    rows = [row("no"), row("no"), row("yes"), row("the left lung", "open")]
    result = summarise(
        rows,
        [said("one", "no", "yes", "yes", "left"), said("other", "no", "No.", "yes", "right heart")],
    )
    assert result["majority"] == {"answer": "no", "accuracy": pytest.approx(2 / 3)}
    one, other = result["models"]["one"], result["models"]["other"]
    assert (one["closed"]["right"], other["closed"]["right"]) == (2, 3)
    assert one["open_recall"] == pytest.approx(1 / 3)
    assert other["open_recall"] == 0.0
    low, high = other["closed"]["beyond_majority_95"]
    assert low >= 0.0
    assert high == 1.0
    assert "always no" in as_table(result | {"data": "d", "checkpoint": "c"})


def test_without_closed_questions_there_is_no_majority() -> None:
    result = summarise([row("heart", "open")], [said("one", "heart")])
    assert result["majority"]["accuracy"] is None
    assert "closed" not in result["models"]["one"]
    assert "always" not in as_table(result | {"data": "d", "checkpoint": "c"})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    rng = np.random.default_rng(0)
    lines = []
    for number in range(3):
        name = f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(folder / name)
        lines.append(
            {"image": name, "question": f"Number {number}?", "answer": "no", "split": "test"}
        )
    lines.append({"report": "Clear.", "split": "test"})
    (folder / "reports.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def test_the_checkpoint_answers_alone_and_with_an_adapter(
    make_adapter: MakeAdapter,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    adapter = make_adapter("loud", 1, 1.0, demo_checkpoint())  # untrained ones repeat their canvas
    answers = tmp_path / "answers.jsonl"
    named = ["--data", str(data), "--device", "cpu"]
    more = ["--adapter", str(adapter), "--n", "2", "--json", "--answers", str(answers)]
    assert bench_vqa.main([*named, *more]) == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["models"]) == ["checkpoint alone", "loud"]
    assert result["closed"] == 2
    written = [json.loads(line) for line in answers.read_text().splitlines()]
    assert len(written) == 2
    assert any(line["said"]["checkpoint alone"] != line["said"]["loud"] for line in written)


def test_the_sibling_answers_too(
    random_sibling: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = ["--checkpoint", str(random_sibling), "--data", str(data), "--device", "cpu"]
    assert bench_vqa.main([*named, "--n", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["models"]["checkpoint alone"]["steps"] > 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--data", "nowhere"), "does not exist"),
        (("--split", "train"), "no row for the split"),
        (("--adapter", "nowhere"), "holds no adapter"),
        (("--checkpoint", "nowhere"), "no checkpoint folder"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    random_checkpoint: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    told: str,
) -> None:
    named = ["--checkpoint", str(random_checkpoint), "--data", str(data), "--device", "cpu"]
    assert bench_vqa.main([*named, *more]) == 2
    said_last = capsys.readouterr().err.splitlines()[-1]
    assert said_last.startswith("pinfill: ")
    assert told in said_last
