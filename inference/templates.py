"""Chat templates: programs from a checkpoint's folder, in Jinja's sandbox and within bounds.

The sandbox keeps a template from the system, not from running for ever or filling the memory. So
its lines are counted while it runs; what single expressions can blow up is refused unrun.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import psutil

from inference.engines.base import BadRequest

MAX_TEMPLATE: Final = 262_144
"""Characters of a template; published ones have a tenth of that."""

_LINES: Final = 200_000
"""Lines of compiled template and of the library behind it; a prompt takes a few hundred."""

_GROWTH: Final = 256 * 2**20
"""Bytes by which the process may grow meanwhile."""

_LARGEST: Final = 1_000_000
"""Beyond every number that a template needs."""


_PAGE: Final = mmap.PAGESIZE


class TemplateExcess(BadRequest):
    """A template that does what no prompt needs; ``str()`` is a sentence for the reader."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The chat template {what}. Choose another checkpoint.")


def _held() -> int:
    """Bytes of memory that this process holds; asked at every line, so by the shortest way."""
    try:
        descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return int(psutil.Process().memory_info().rss)
    try:
        return int(os.read(descriptor, 64).split()[1]) * _PAGE
    finally:
        os.close(descriptor)


@contextmanager
def bounded_rendering() -> Iterator[None]:
    """A block in which templates are rendered: each step of theirs counts.

    Raises :class:`TemplateExcess`.
    """
    most = _held() + _GROWTH
    lines = 0

    def trace(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal lines
        if event == "line":
            lines += 1
            if lines > _LINES:
                raise TemplateExcess(f"does not end within {_LINES} steps")
            if frame.f_code.co_filename == "<template>" and _held() > most:
                raise TemplateExcess(f"takes more than {_GROWTH >> 20} MiB")
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def check_length(rendered: str, text: str) -> None:
    """Whether a prompt is much longer than the ``text`` in it. Raises :class:`TemplateExcess`."""
    if len(rendered) > len(text) + MAX_TEMPLATE:
        raise TemplateExcess(f"makes {len(rendered)} characters of {len(text)}")


def complaint(source: str) -> str | None:
    """What is wrong with a template that must not even be tried, or ``None``."""
    from jinja2 import Environment, TemplateSyntaxError, nodes

    if len(source) > MAX_TEMPLATE:
        return f"has {len(source)} characters, and {MAX_TEMPLATE} are the most"
    try:
        tree = Environment(extensions=["jinja2.ext.loopcontrols"]).parse(source)
    except TemplateSyntaxError:
        return None  # of a dialect that transformers may know
    except RecursionError:
        return "is nested too deeply"
    if tree.find(nodes.Mul) is not None or tree.find(nodes.Pow) is not None:
        return "multiplies, which no prompt needs"
    for constant in tree.find_all(nodes.Const):
        value = constant.value
        if isinstance(value, int | float) and abs(value) > _LARGEST:
            return f"holds a number beyond {_LARGEST}"
    return None
