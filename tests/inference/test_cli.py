"""The commands that need the models but no window."""

from __future__ import annotations

import pytest

from inference import cli


@pytest.mark.parametrize("asked", ["-h", "--help"])
def test_the_benchmarks_are_listed(asked: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["bench", asked]) == 0
    said = capsys.readouterr().out
    assert all(f"  {name} " in said for name in ("infill", "speed", "vqa", "window"))


@pytest.mark.parametrize("named", [["bench"], ["bench", "nothing"], []])
def test_what_is_no_command_is_told_in_a_sentence(
    named: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(named) == 2
    assert capsys.readouterr().err.startswith("pinfill: ")
