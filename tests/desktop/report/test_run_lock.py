"""A run that lives is told from one that was killed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.report.run_lock import RunLock, lives

HOLDER = """
import os, sys
from pathlib import Path
from desktop.report.run_lock import RunLock
mark = f"{os.getpid()}-abcd"
lock = RunLock(mark)
lock.hold(Path(sys.argv[1]))
print(mark, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_a_lock_goes_with_its_process_however_that_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        mark = holder.stdout.readline().strip()
        assert lives(tmp_path, mark)
        assert list(tmp_path.iterdir()), "it lives on"
        holder.kill()
    assert not lives(tmp_path, mark)
    assert not list(tmp_path.iterdir()), "the rest of a dead run is removed"


def test_a_run_without_a_lock_and_one_of_this_process_are_over(tmp_path: Path) -> None:
    assert not lives(tmp_path, "1-abcd")
    own = f"{os.getpid()}-abcd"
    RunLock(own).hold(tmp_path)
    assert not lives(tmp_path, own)
