"""What is said of a long run, where there is no terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference.training.progress import Progress


def test_a_sentence_is_neither_broken_nor_taken_for_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sentence = f"wrote /data/[run] {'and so on ' * 20}"
    Progress().say(sentence)
    assert capsys.readouterr().err == f"{sentence}\n"


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (0, ""),
        (1, "adapter: going on from step 1 of 2, as state.pt has it\n"),
        (2, "adapter: all 2 steps are done, as state.pt has them. Nothing is left to train.\n"),
    ],
)
def test_where_a_run_stands_is_said(
    capsys: pytest.CaptureFixture[str], done: int, said: str
) -> None:
    Progress().say_resumed("adapter", done, 2, Path("state.pt"))
    assert capsys.readouterr().err == said
