"""Memory: what tells that there is none left, and what keeps it from going to and fro.

A denoising step allocates and frees the same buffers of a megabyte or so again and again. By
default glibc returns such memory to the system and asks for it anew, and the system clears every
page of it: on a CPU that took as long as all of the sampler's arithmetic.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Final

# <malloc.h>
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3

_LARGEST_KEPT: Final = 32 * 2**20
"""Bytes of one buffer; glibc takes no larger threshold than this."""

_KEPT: Final = 256 * 2**20
"""Bytes that may lie unused at the end of the heap."""


_NO_ROOM: Final = ("can't allocate memory", "out of memory", "ALLOC_FAILED")
"""What the libraries of a processor and of a GPU say of it."""


def is_exhaustion(error: BaseException) -> bool:
    """Whether an error says that there is not enough memory, of a GPU or of the machine."""
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_ROOM)


def first_line(error: BaseException) -> str:
    """What an error says, without the trace that some carry behind it."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def keep_freed_memory() -> bool:
    """Ask the process's allocator to; returns whether it does. Other systems are left as they are.

    mallopt(3) sets both thresholds for the whole process, as often as it is called.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is None:
        return False
    kept = mallopt(_M_MMAP_THRESHOLD, _LARGEST_KEPT) and mallopt(_M_TRIM_THRESHOLD, _KEPT)
    return bool(kept)
