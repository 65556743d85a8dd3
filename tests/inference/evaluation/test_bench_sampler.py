"""The samplers on one item each, and the command around them; its real run is tested elsewhere."""

from __future__ import annotations

import json
import sys
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inference.engines.diffusion import Checkpoint
from inference.evaluation import bench_sampler, sampler_results, sampler_runs
from inference.evaluation.sampler_items import FictionalStudy, Source, StudyReport
from inference.evaluation.sampler_results import Measured
from inference.evaluation.sampler_runs import Samplers, Setup, measure
from inference.training.demo_corpus import HELD_OUT_FROM
from tests.inference.training.data.factory import row

REPORTS = [
    "FINDINGS:\nHeart is large. Lungs are clear. No effusion.\n\nIMPRESSION:\nBones are intact.",
    "No effusion is seen. The heart is not enlarged. No nodule. The lungs are clear.",
]
NAMES = {
    "paper_clamp",
    "logits_processor",
    "pinfill_single",
    "pinfill",
    "pinfill_unknown_length",
    "pinfill_unknown_length_single",
    "pinfill_left_only",
    "pinfill_unknown_length_left_only",
    "best_of_five",
    "first_of_five",
}


@pytest.fixture
def samplers(loaded: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> Samplers:
    """Random weights never come to rest: three steps are enough of them."""
    for module in (sampler_runs, sampler_results):
        monkeypatch.setattr(module, "BUDGETS", (2, 4))
    samplers = Samplers.of(replace(loaded, settings=replace(loaded.settings, max_steps=3)))
    monkeypatch.setattr(sampler_runs, "_samplers", lambda *_: samplers)
    return samplers


def report(seed: int, text: str) -> StudyReport:
    return StudyReport(seed, row(str(seed), answer=text))


@pytest.mark.parametrize("source", [FictionalStudy(HELD_OUT_FROM), report(1, REPORTS[0])])
def test_every_sampler_fills_every_gap(samplers: Samplers, source: Source) -> None:
    item = source.item(gaps=2)
    measured = samplers.run(item)
    assert measured.seed == item.seed
    assert measured.sentences == item.removed.sentences
    named = {name: result for name, result in measured.results.items() if "@" not in name}
    assert set(named) - {"pinfill_ranking"} == NAMES
    for result in measured.results.values():
        assert len(result.fills) == 2
        assert 0 <= result.exact <= result.token_f1 <= 1
        assert result.cost.rows is not None
        assert result.cost.rows >= result.cost.forwards >= result.cost.steps > 0
        assert result.cost.seconds > 0
    for name in ("paper_clamp", "pinfill_single"):
        assert measured.results[name] == measured.results[f"{name}@3"], "the default, once"
        assert [measured.results[f"{name}@{budget}"].cost.steps for budget in (2, 4)] == [2, 4]
    assert named["best_of_five"].token_f1 >= named["first_of_five"].token_f1
    again = samplers.run(item).results
    assert {name: result.fills for name, result in again.items()} == {
        name: result.fills for name, result in measured.results.items()
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [("Normal.", "at least 2 are needed"), (" ".join([REPORTS[1]] * 30), "canvas")],
)
def test_a_report_that_cannot_be_asked_is_skipped_and_says_why(
    samplers: Samplers, text: str, reason: str
) -> None:
    setup = Setup(Path("unused"), "cpu", gaps=1)
    measured = measure(setup, report(9, text))
    assert (measured.seed, measured.results) == (9, {})
    assert reason in measured.skipped


class SameProcess(Executor):
    """Runs what it is given at once, here."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.fixture
def here(samplers: Samplers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "inference.evaluation.pool.one_thread_each", lambda _: nullcontext(SameProcess())
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "reports.jsonl"
    rows = [{"text": text} for text in (*REPORTS, "Too short.")]
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), "utf-8")
    return path


@pytest.mark.usefixtures("here")
def test_a_run_on_reports_goes_on_where_it_stopped(
    data: Path,
    random_checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = ["--data", str(data), "--checkpoint", str(random_checkpoint), "--device", "cpu"]
    kept = ["--resume", str(tmp_path / "log"), "--json"]
    assert bench_sampler.main([*asked, *kept, "--n", "1"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 1

    measured: list[int] = []

    def noting(setup: Setup, report: StudyReport) -> Measured:
        measured.append(report.seed)
        return measure(setup, report)

    monkeypatch.setattr(sampler_runs, "measure", noting)
    for _ in range(2):
        figure = tmp_path / "frontier.svg"
        assert bench_sampler.main([*asked, *kept, "--figure", str(figure)]) == 0
        result = json.loads(capsys.readouterr().out)
        assert (result["n"], result["skipped"], result["gaps"]) == (2, 1, 1)
        assert set(result["samplers"]) - {"pinfill_ranking"} == NAMES
        assert [row["budget"] for row in result["sweep"]] == [2, 4]
        assert "<svg" in figure.read_text()
    assert measured == [1, 2]

    assert bench_sampler.main([*asked, *kept, "--gaps", "2"]) == 2
    assert "another number of gaps" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_when_no_report_can_be_used_it_says_why(
    data: Path, random_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--data", str(data), "--checkpoint", str(random_checkpoint), "--device", "cpu"]
    assert bench_sampler.main([*asked, "--gaps", "3"]) == 2
    assert "No report could be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--checkpoint", "/absent"], "There is no checkpoint folder at /absent"),
        (["--data", "/absent.jsonl"], "/absent.jsonl does not exist"),
        (["--figure", "picture.docx"], "cannot be drawn as picture.docx"),
        (["--figure", "/absent/picture.png"], "There is no folder /absent"),
        (["--device", "tpu"], "There is no device 'tpu'"),
    ],
)
def test_what_cannot_be_done_is_said_before_the_run(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench_sampler.main(arguments) == 2
    assert sentence in capsys.readouterr().err


def test_matplotlib_is_named_where_it_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert bench_sampler.main(["--figure", "picture.png"]) == 2
    assert "pip install 'pinfill[bench]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["--n", "0"], ["--gaps", "0"], ["--data", "x.jsonl", "--first", "3"]]
)
def test_figures_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        bench_sampler.main(arguments)
    assert refused.value.code == 2
