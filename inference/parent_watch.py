"""Ends a worker whose parent has died, however it died."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def watch_parent(parent_pid: int, on_death: Callable[[], None]) -> None:
    """Call ``on_death`` on the running loop once the process ``parent_pid`` is gone.

    The parent holds the write end of our standard input and never writes: the end of that file is
    its end, on every system. Linux tells as well by a signal, which holds even when a sibling
    has inherited the pipe.
    """
    loop = asyncio.get_running_loop()

    def read_to_the_end() -> None:
        with contextlib.suppress(OSError):
            while os.read(0, 4096):
                pass
        with contextlib.suppress(RuntimeError):  # the loop is closed: we are ending already
            loop.call_soon_threadsafe(on_death)

    # A daemon, and os.read rather than sys.stdin.read: neither holds up the interpreter's end.
    threading.Thread(target=read_to_the_end, name="parent-watch", daemon=True).start()
    if sys.platform == "linux":
        _ask_for_death_signal(loop, parent_pid, on_death)


def _ask_for_death_signal(
    loop: asyncio.AbstractEventLoop, parent_pid: int, on_death: Callable[[], None]
) -> None:
    def check() -> None:
        # The kernel also signals when only the thread that started us has ended.
        if os.getppid() != parent_pid:
            on_death()

    loop.add_signal_handler(signal.SIGHUP, check)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGHUP, 0, 0, 0)
    check()  # it may have died before we asked
