"""Questions about images, asked of both paradigms, alone and with adapters."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from inference.evaluation import bench_vqa
from inference.evaluation.answering import is_right, plain
from inference.training.data.rows import Kind, Origin, Row
from resources import demo_checkpoint
from tests.inference.random_adapters import MakeAdapter


def row(answer: str, kind: Kind = "closed", *alternatives: str) -> Row:
    origin = Origin(Path("made.jsonl"), 1)
    return Row(answer, origin, None, "Is it?", "", answer, kind, "one", alternatives)


@pytest.mark.parametrize(
    ("text", "right"),
    [("Yes", True), ("yes.", True), (" YES ", True), ("yes it is", False), ("", False)],
)
def test_letter_case_and_punctuation_do_not_count(text: str, right: bool) -> None:
    assert is_right(text, row("yes")) is right


def test_alternatives_are_as_right() -> None:
    assert is_right("x-ray", row("radiograph", "closed", "X ray"))
    assert plain("X-ray!") == "x ray"


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


def asked(data: Path, *more: str) -> list[str]:
    return ["--data", str(data), "--device", "cpu", "--processes", "1", "--json", *more]


def ran(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> dict[str, Any]:
    assert bench_vqa.main(arguments) == 0
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def test_checkpoints_answer_alone_and_with_an_adapter(
    make_adapter: MakeAdapter,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    adapter = make_adapter("loud", 1, 1.0, demo_checkpoint())  # untrained ones repeat their canvas
    out = tmp_path / "out"
    # Another maker's adapter does not say whose it is.
    assert bench_vqa.main(asked(data, "--adapter", str(adapter))) == 2
    assert "--paradigm" in capsys.readouterr().err

    more = ("--paradigm", "diffusion", "--adapter", str(adapter), "--out", str(out), "--n", "2")
    result = ran(capsys, asked(data, *more))
    names = [
        f"{who}/{image}"
        for who in ("diffusion", "diffusion + loud")
        for image in ("own", "blank", "shuffled")
    ]
    assert list(result["answers"]) == names
    assert result["n"] == 2
    lines = [json.loads(line) for line in (out / "items.jsonl").read_text().splitlines()[1:]]
    assert {line["id"] for line in lines} == set(result["ids"])
    assert any(
        line["said"]["diffusion/own"]["text"] != line["said"]["diffusion + loud/own"]["text"]
        for line in lines
    )
    assert {path.name for path in out.iterdir()} == {
        "items.jsonl",
        "result.json",
        "table.csv",
        "figure.png",
        "verdicts.jsonl",
        "figure.svg",
    }


def test_a_run_that_was_broken_off_gives_the_same_table(
    random_sibling: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = asked(
        data, "--paradigm", "autoregressive", "--sibling", str(random_sibling), "--out", str(out)
    )
    whole = ran(capsys, arguments)
    items = out / "items.jsonl"
    first, *lines = items.read_bytes().splitlines(keepends=True)
    items.write_bytes(first + lines[0] + lines[1][:-10])
    (out / "result.json").unlink()
    assert ran(capsys, arguments) == whole
    assert json.loads((out / "result.json").read_text()) == whole


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--data", "nowhere"), "does not exist"),
        (("--split", "train"), "no row for the split"),
        (("--dataset", "slake"), "laid out as plain"),
        (("--adapter", "nowhere"), "There is no folder"),
        (("--sibling", "nowhere"), "no checkpoint folder"),
        (("--sibling", str(demo_checkpoint())), "holds a diffusion checkpoint"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    random_sibling: Path,
    data: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    told: str,
) -> None:
    usual = ("--paradigm", "autoregressive", "--sibling", str(random_sibling))
    assert bench_vqa.main(asked(data, *usual, *more)) == 2
    said_last = capsys.readouterr().err.splitlines()[-1]
    assert said_last.startswith("pinfill: ")
    assert told in said_last


def test_a_question_whose_image_is_damaged_is_named_and_left_out(
    random_sibling: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(data, tmp_path / "data")
    last = copy / "2.png"
    last.write_bytes(last.read_bytes()[:60])
    arguments = asked(copy, "--paradigm", "autoregressive", "--sibling", str(random_sibling))
    assert bench_vqa.main(arguments) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["n"] == 2
    assert "reports.jsonl:3" in told.err
    assert "2.png" in told.err
