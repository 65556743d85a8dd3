"""Items of a long benchmark, measured one by one or side by side in processes of one thread."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import as_completed
from functools import cache
from typing import TypeVar

import msgspec
import torch

from inference.counting import counted
from inference.evaluation.item_log import ItemLog
from inference.training.demo_corpus import one_thread_each
from inference.training.progress import Progress

Record = TypeVar("Record", bound=msgspec.Struct)
Setup = TypeVar("Setup")
Source = TypeVar("Source")
Key = TypeVar("Key")


def usual_processes(device: str) -> int:
    """One a core; on a GPU one."""
    return (os.cpu_count() or 1) if device == "cpu" else 1


def measure_missing(
    measure: Callable[[Setup, Source], Record],
    setup: Setup,
    sources: Mapping[Key, Source],
    log: ItemLog[Record, Key],
    processes: int,
    what: str,
) -> None:
    """Run ``measure(setup, source)`` for all ``sources`` that the log has no result of.

    ``measure`` is a module's function that calls :func:`settle_in` first; its arguments and what it
    returns are sent between processes. Raises what it raises, and
    :class:`concurrent.futures.process.BrokenProcessPool`; results until then are kept.
    """
    missing = [source for key, source in sources.items() if key not in log.results]
    progress = Progress()
    if there := len(sources) - len(missing):
        rest = "going on with the rest" if missing else "nothing is left to measure"
        items = counted(len(sources), "items")
        progress.say(f"{what}: {there:,} of {items} measured by an earlier run, {rest}")
    if not missing:
        return
    bar = progress.bar(what, len(sources), len(sources) - len(missing))
    if processes == 1:  # here, where the models are loaded already
        with bar as advance:
            for source in missing:
                log.add(measure(setup, source))
                advance(1, "")
        return
    with one_thread_each(min(processes, len(missing))) as pool, bar as advance:
        jobs = [pool.submit(measure, setup, source) for source in missing]
        try:
            for job in as_completed(jobs):
                log.add(job.result())
                advance(1, "")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@cache
def settle_in() -> None:
    """Make this process a good worker: one thread, and no longer there than its parent."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends it without a word

    def end_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end_with_parent, daemon=True).start()
