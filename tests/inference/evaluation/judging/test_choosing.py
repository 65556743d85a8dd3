"""The judge that a command's options name, and what is said where they do not suffice."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

import pytest

from inference.evaluation.judging.choosing import add_judge_arguments, judge_of
from inference.evaluation.judging.verdicts import Item, Judge, JudgeError
from tests.inference.evaluation.judging.endpoint_server import Reply, serving


def chosen(*arguments: str) -> Judge:
    parser = argparse.ArgumentParser()
    add_judge_arguments(parser)
    return judge_of(parser.parse_args(arguments))


def test_rules_on_this_machine_are_the_default(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(chosen()) as judge:
        assert judge.description == "rules, not a language model"
        assert judge.verdict(Item("", "Clear lungs.", "The lungs are clear.")).equivalent
    assert capsys.readouterr().err == ""


def test_an_endpoint_is_asked_what_rules_leave_open_and_once(tmp_path: Path) -> None:
    kept = tmp_path / "verdicts.jsonl"
    open_one = Item("Where is it?", "left", "On the left-hand side.")
    with serving(Reply()) as server:
        options = ["--judge", "endpoint", "--judge-url", server.url, "--judge-model", "m"]
        for _ in range(2):
            with closing(chosen(*options, "--judge-may-send", "--verdicts", str(kept))) as judge:
                assert judge.verdict(open_one).by == "m"
                assert judge.verdict(Item("Is it?", "no", "No.", kind="closed")).equivalent
    assert len(server.received) == 1
    assert len(kept.read_text().splitlines()) == 2


ENDPOINT = ("--judge", "endpoint", "--judge-url", "http://127.0.0.1:9/v1")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--judge", "endpoint"), "name them with --judge-url and --judge-model"),
        (ENDPOINT, "name them with --judge-url and --judge-model"),
        ((*ENDPOINT, "--judge-model", "m"), "add --judge-may-send if they may be"),
        (
            (*ENDPOINT, "--judge-model", "m", "--judge-may-send", "--judge-timeout", "nan"),
            "more than 0 seconds",
        ),
        (("--judge", "local"), "--judge-checkpoint"),
        (("--judge", "local", "--judge-checkpoint", "nowhere"), "no checkpoint folder"),
        (("--verdicts", "/"), "name another file"),
    ],
)
def test_what_is_missing_is_one_sentence(arguments: tuple[str, ...], told: str) -> None:
    with pytest.raises(JudgeError, match=told) as raised:
        chosen(*arguments)
    assert raised.value.final


def test_nothing_is_sent_without_consent(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(Reply()) as server:
        with pytest.raises(JudgeError, match=f"would be sent to {server.url}"):
            chosen("--judge", "endpoint", "--judge-url", server.url, "--judge-model", "m")
        assert server.received == []
    assert capsys.readouterr().err == ""
