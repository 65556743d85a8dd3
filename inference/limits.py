"""The largest of everything that a request may ask for, in one place for client and worker.

Each limit is far above what a report, a study or a checkpoint has, and far below what would cost
the worker its memory or its patience. Both sides ask :func:`excess` before they allocate anything:
the client before it encodes a request, the worker before it lays out a canvas.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from inference.protocol import Infill, Prepare, Request

MAX_HEAT: Final = 8.0
"""So many times as high temperatures at most: beyond, every token is as likely as any other."""

MAX_STEPS: Final = 10_000
"""Denoising steps of a job."""

MAX_CANDIDATES: Final = 16
"""Candidates of a job."""

MAX_PIECES: Final = 4_096
"""Pieces of a report."""

MAX_TEXT: Final = 200_000
"""Characters of a report: fixed text, and the hints of its gaps."""

MAX_CONTEXT: Final = 100_000
"""Characters of what a study tells beside its image."""

MAX_QUESTION: Final = 10_000
"""Characters of a question."""

MAX_GAP_TOKENS: Final = 65_536
"""Tokens of all the gaps of given length together."""

MAX_SIDE: Final = 8_192
"""Pixels of an image's longer side; the model sees a few hundred."""

MAX_ASPECT: Final = 1_024
"""An image's longer side as a multiple of its shorter one."""

MAX_NAME: Final = 4_096
"""Characters of a path, of an adapter's name and of a request's id."""


def excess(request: Request) -> str | None:
    """A sentence on the first limit that a request breaks and what to do, or ``None``."""
    from inference.protocol import Infill, LoadAdapter, Prepare, PutImage, RemoveAdapter, UseAdapter

    match request:
        case PutImage(image_id=name, width=width, height=height):
            return _of_length(name, MAX_NAME, "The image's digest") or image_excess(width, height)
        case LoadAdapter(request_id=name, folder=path):
            return _of_id(name) or _of_length(path, MAX_NAME, "The adapter's folder")
        case UseAdapter(request_id=name, name=path) | RemoveAdapter(request_id=name, name=path):
            return _of_id(name) or _of_length(path or "", MAX_NAME, "The adapter's name")
        case Infill():
            return _of_study(request) or _of_job(request)
        case Prepare():
            return _of_study(request)
    return _of_id(request.request_id)


def image_excess(width: int, height: int) -> str | None:
    """The same for an image of so many pixels."""
    long, short = max(width, height), min(width, height)
    if long > MAX_SIDE:
        return (
            f"The image has {width} x {height} pixels, and {MAX_SIDE} on a side are the most that "
            "a worker takes; send a smaller one."
        )
    if long > MAX_ASPECT * short:
        return (
            f"The image of {width} x {height} pixels is a line, of which a model sees nothing; "
            "send one that is less long."
        )
    return None


def _of_study(request: Infill | Prepare) -> str | None:
    return (
        _of_id(request.request_id)
        or _of_length(request.image_id or "", MAX_NAME, "The image's digest")
        or _of_length(request.context, MAX_CONTEXT, "What the study tells beside its image")
    )


def _of_job(request: Infill) -> str | None:
    from inference.protocol import Fixed

    if (count := len(request.pieces)) > MAX_PIECES:
        return f"The report has {count} pieces, and {MAX_PIECES} are the most; fill it in parts."
    text = tokens = 0
    for piece in request.pieces:
        text += len(piece.text) if isinstance(piece, Fixed) else len(piece.hint)
        tokens += 0 if isinstance(piece, Fixed) else piece.tokens or 0
    if text > MAX_TEXT:
        return f"The report has {text} characters, and {MAX_TEXT} are the most; shorten it."
    if tokens > MAX_GAP_TOKENS:
        return (
            f"The gaps ask for {tokens} tokens, and {MAX_GAP_TOKENS} are the most; ask for "
            "shorter gaps."
        )
    options = request.options
    if options.entropy_bound is not None and not math.isfinite(options.entropy_bound):
        return f"An entropy bound of {options.entropy_bound} is no number; give a finite one."
    if options.heat is not None and not 0 < options.heat <= MAX_HEAT:
        return f"A heat of {options.heat} is none; give a number up to {MAX_HEAT:.0f}."
    if (options.candidates or 1) > MAX_CANDIDATES:
        return f"{options.candidates} candidates are too many; ask for {MAX_CANDIDATES} at most."
    if (options.max_steps or 1) > MAX_STEPS:
        return f"{options.max_steps} steps are too many; ask for {MAX_STEPS} at most."
    return _of_length(request.question or "", MAX_QUESTION, "The question")


def _of_id(request_id: str) -> str | None:
    return _of_length(request_id, MAX_NAME, "The request's id")


def _of_length(text: str, most: int, what: str) -> str | None:
    if len(text) <= most:
        return None
    return f"{what} has {len(text)} characters, and {most} are the most; shorten it."
