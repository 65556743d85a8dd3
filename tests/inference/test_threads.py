"""Waiting threads are told when to sleep, in time: OpenMP asks once, when torch is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from inference.threads import SPINS

MAINS = (
    "from inference import server as module; module.run = told; module.main(['--checkpoint', 'x'])",
    *(
        f"from inference import cli as module; module._run = told; module.main(['{command}'])"
        for command in ("bench", "train", "train-demo", "train-sibling")
    ),
)


@pytest.mark.parametrize(
    "call", MAINS, ids=["worker", "bench", "train", "train-demo", "train-sibling"]
)
@pytest.mark.parametrize("wish", [None, "7"])
def test_it_is_said_before_torch_is_there_unless_the_user_says_otherwise(
    call: str, wish: str | None
) -> None:
    code = (
        "import os, sys\n"
        "def told(*_): print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules); return 0\n"
        f"{call}"
    )
    env = {name: value for name, value in os.environ.items() if name != "GOMP_SPINCOUNT"}
    if wish is not None:
        env["GOMP_SPINCOUNT"] = wish
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    assert done.stdout == f"{wish or SPINS} False\n"
