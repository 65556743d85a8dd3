"""Sentences filled again by both paradigms, from both sides and from the left alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from inference.evaluation import bench_infill
from inference.evaluation.held_out import held_out
from inference.training.demo_corpus import HELD_OUT_FROM
from resources import demo_checkpoint


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    lines = [{"report": "Clear.", "split": "test"}, {"report": "Clear.", "split": "train"}]
    for seed in (HELD_OUT_FROM, HELD_OUT_FROM + 1):
        study, name = held_out(seed), f"{seed}.png"
        Image.fromarray(study.image).save(folder / name)
        lines.append({"image": name, "report": study.report, "split": "test"})
    (folder / "reports.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def command(*more: str) -> list[str]:
    return ["--device", "cpu", "--processes", "1", "--json", *more]


def test_reports_of_a_data_set_are_filled(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_infill.main(command("--data", str(data))) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["n"], result["skipped"]) == (2, 1)


def test_a_run_that_was_broken_off_gives_the_same_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = command("--n", "3", "--out", str(out))
    assert bench_infill.main(arguments) == 0
    whole = json.loads(capsys.readouterr().out)
    assert (whole["n"], whole["data"]) == (3, "fictional")
    assert set(whole["lengths"]["open"]["writers"]["sibling"]) == {"both", "left", "forced"}
    table = (out / "table.csv").read_bytes()

    items = out / "items.jsonl"
    first, *lines = items.read_bytes().splitlines(keepends=True)
    items.write_bytes(first + b"".join(lines[:-1]))
    assert bench_infill.main(arguments) == 0
    said = capsys.readouterr()
    assert "filling gaps: 2 of 3 items measured by an earlier run, going on" in said.err
    again = json.loads(said.out)

    def without_times(told: object) -> object:
        if isinstance(told, dict):
            return {name: without_times(it) for name, it in told.items() if name != "seconds"}
        return told

    assert without_times(again) == without_times(whole)
    assert bench_infill.main(arguments) == 0
    assert "nothing is left to measure" in capsys.readouterr().err
    assert len((out / "table.csv").read_bytes().splitlines()) == len(table.splitlines())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--data", "nowhere"), "does not exist"),
        (("--sibling", str(demo_checkpoint())), "holds a diffusion checkpoint"),
        (("--diffusion-adapter", "nowhere"), "There is no folder"),
        (("--n", "1"), "At least two reports are needed"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...], told: str
) -> None:
    assert bench_infill.main(command(*more)) == 2
    said_last = capsys.readouterr().err.splitlines()[-1]
    assert said_last.startswith("pinfill: ")
    assert told in said_last


def test_a_data_set_of_questions_is_no_data_set_of_reports(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"question": "Is it?", "answer": "no", "split": "test"}
    (tmp_path / "reports.jsonl").write_text(json.dumps(line) + "\n")
    assert bench_infill.main(command("--data", str(tmp_path))) == 2
    assert "bench vqa is for questions" in capsys.readouterr().err


def test_results_of_other_writers_are_never_put_together(
    random_sibling: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", str(tmp_path), "--n", "2")
    assert bench_infill.main(command(*out)) == 0
    assert bench_infill.main(command(*out, "--sibling", str(random_sibling))) == 2
    assert "another sibling checkpoint" in capsys.readouterr().err
