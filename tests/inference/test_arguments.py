from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

import pytest

from inference.arguments import ArgumentParser

COMMANDS: Final = (
    *(f"inference.evaluation.bench_{name}" for name in ("contract", "demo", "infill", "judge")),
    *(f"inference.evaluation.bench_{name}" for name in ("sampler", "speed", "vqa")),
    *(f"inference.training.train_{name}" for name in ("adapter", "demo", "sibling")),
)


def parser() -> ArgumentParser:
    result = ArgumentParser("pinfill try")
    result.add_argument("study", metavar="STUDY")
    result.add_argument("--report", required=True)
    result.add_argument("--count", type=int)
    result.add_argument("--engine", choices=("diffusion", "autoregressive"))
    result.add_argument("--adapter")
    return result


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "pinfill try needs STUDY and --report."),
        (["a", "--report", "b", "--nope", "x"], "pinfill try does not know --nope x."),
        (["a", "--report", "b", "--count", "x"], "--count cannot be 'x'."),
        (["a", "--report"], "--report needs a value."),
        (
            ["a", "--report", "b", "--engine", "steam"],
            "--engine cannot be 'steam': choose diffusion or autoregressive.",
        ),
    ],
)
def test_what_is_wrong_with_options_is_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parser().parse_args(arguments)
    assert caught.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"pinfill: {sentence} `pinfill try --help` tells what it takes.\n"


def test_a_sentence_of_the_command_itself_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().error("--steps must be at least 2")
    assert capsys.readouterr().err.startswith("pinfill: --steps must be at least 2. `pinfill")


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_answers_a_wrong_option_with_its_usage(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        importlib.import_module(command).main(["--no-such-option"])
    told = capsys.readouterr().err
    assert caught.value.code == 2
    assert told.startswith("pinfill: pinfill ")
    assert told.count("\n") == 1


def test_no_command_has_a_parser_of_another_kind() -> None:
    root = Path(__file__).parents[2]
    others = [
        path
        for folder in ("desktop", "inference", "plugins")
        for path in (root / folder).rglob("*.py")
        if "= argparse.ArgumentParser(" in path.read_text("utf-8")
    ]
    assert others == [], "use inference.arguments"
