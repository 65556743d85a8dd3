"""What the commands of long benchmarks do alike."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference.evaluation.outputs import ITEMS
from inference.evaluation.running import run_command


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (None, "Nothing was measured yet, so that the same command begins anew."),
        (1, "Nothing was measured yet, so that the same command begins anew."),
        (2, "The same command goes on from {}."),
    ],
)
def test_a_run_that_is_stopped_goes_on_from_what_is_there_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: int | None, told: str
) -> None:
    def stopped() -> dict[str, Any]:
        raise KeyboardInterrupt

    out = tmp_path / "out"
    if lines is not None:
        out.mkdir()
        (out / ITEMS).write_text("{}\n" * lines)
    assert run_command(stopped, str, as_json=False, kept_in=out, option="--out DIR") == 130
    assert capsys.readouterr().err == f"pinfill: stopped. {told.format(out)}\n"


@pytest.mark.parametrize(("unjudged", "status"), [(0, 0), (3, 1)])
def test_a_run_whose_answers_were_not_all_judged_has_not_come_to_its_end(
    capsys: pytest.CaptureFixture[str], unjudged: int, status: int
) -> None:
    result = {"judge": {"unjudged": unjudged}}
    done = run_command(lambda: result, str, as_json=True, kept_in=None, option="--out DIR")
    assert done == status
    assert "unjudged" in capsys.readouterr().out
