"""What a step frees is there for the next one, without asking the system for it anew.

Buffers come and go in a thread that is not the main one, as in the worker: glibc gives such a
thread an arena of its own.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

CHURN = """
import resource, torch
from concurrent.futures import ThreadPoolExecutor
from inference.allocator import keep_freed_memory

def faults():
    \"\"\"Pages that the system had to map while buffers of 4 MiB came and went.\"\"\"
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(50):
        one = torch.ones(2**20)
        two = one * 2
        del one, two
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def churn():
    first = faults()
    assert keep_freed_memory()
    faults()
    return first, faults()

torch.set_num_threads(1)
with ThreadPoolExecutor() as pool:
    print(*pool.submit(churn).result())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's allocator")
def test_freed_memory_is_used_again_without_new_pages() -> None:
    told = subprocess.run(
        [sys.executable, "-c", CHURN], capture_output=True, text=True, check=True
    ).stdout
    before, after = map(int, told.split())
    assert after < 200 < before, "50 times 8 MiB are 102,400 pages"
