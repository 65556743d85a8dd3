"""Drafting and infilling without a window: ``pinfill draft`` and ``pinfill infill``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from desktop.report.faults import cautions
from desktop.studies.context import prompt_context
from desktop.studies.isolation import read_study
from desktop.studies.reading import Study
from desktop.terminal import LiveCanvas, printable
from desktop.viewer.pixels import model_image
from inference.client import ANYWHERE, Client, Placement
from inference.protocol import Filled, Fixed, Options, Paradigm, Piece, join

SILENT: Final = "The worker does not answer. Wait whether it comes back, or end with Ctrl-C."
AGAIN: Final = "The worker answers again."


class WrongParadigm(Exception):
    """The checkpoint is of another kind than was asked for; ``str()`` says what to do."""


def run(
    study_path: Path,
    pieces: Sequence[Piece],
    *,
    checkpoint: Path,
    placement: Placement = ANYWHERE,
    options: Options,
    paradigm: Paradigm | None = None,
    adapter: Path | None = None,
    as_json: bool = False,
) -> None:
    """Fill the gaps of ``pieces`` from a study, and write the outcome to standard output.

    What a reader must know of it beside its text goes to standard error. ``paradigm`` is the one
    that the checkpoint has to be of, ``adapter`` a folder that is put on top of it.

    Raises :class:`WrongParadigm`, :class:`~desktop.studies.errors.StudyError`,
    :class:`~inference.client.WorkerError`, and :class:`KeyboardInterrupt` on Ctrl-C, once the
    worker has ended: by itself where it answers, else by force.
    """
    study = read_study(study_path)
    filled, doubt = asyncio.run(
        _fill(study, pieces, checkpoint, placement, options, paradigm, adapter)
    )
    _write(as_object(pieces, filled) if as_json else join(pieces, filled.fills))
    for caution in filter(None, (doubt, *cautions(filled))):
        print(f"pinfill: {caution}", file=sys.stderr)


async def _fill(
    study: Study,
    pieces: Sequence[Piece],
    checkpoint: Path,
    placement: Placement,
    options: Options,
    paradigm: Paradigm | None,
    adapter: Path | None,
) -> tuple[Filled, str]:
    """What came of it, and what speaks against the adapter."""
    doubt = ""
    with LiveCanvas(pieces, sys.stderr) as live:
        client = await Client.launch(
            checkpoint,
            placement=placement,
            on_loading=live.say,
            on_answering=lambda answering: live.warn(AGAIN if answering else SILENT),
        )
        try:
            if paradigm not in (None, client.model.paradigm):
                raise WrongParadigm(
                    f"{checkpoint} is no {paradigm} checkpoint. Name another, or drop --engine."
                )
            if adapter is not None:
                model = await client.load_adapter(adapter.resolve())
                doubt = model.adapter_doubt
            filled = await client.infill(
                pieces,
                image=model_image(study.image),
                context=prompt_context(study),
                options=options,
                on_canvas=live.show,
            )
            return filled, doubt
        finally:
            await client.close()


def as_object(pieces: Sequence[Piece], filled: Filled) -> dict[str, Any]:
    """What ``--json`` prints. ``pieces`` holds ``{"fixed": …}`` and ``{"fill": …}`` in order.

    ``candidates`` are all different, the best first; ``text`` and ``pieces`` are the best one's.
    """
    fills = iter(filled.fills)
    return {
        "text": join(pieces, filled.fills),
        "pieces": [
            {"fixed": piece.text} if isinstance(piece, Fixed) else {"fill": next(fills)}
            for piece in pieces
        ],
        "steps": filled.steps,
        "seconds": filled.seconds,
        "seed": filled.seed,
        "checkpoint": filled.checkpoint,
        "device": filled.device,
        "tokens": filled.tokens,
        "forwards": filled.forwards,
        "prefix_encodings": filled.prefix_encodings,
        "prefix_seconds": filled.prefix_seconds,
        "unseen": filled.unseen,
        "candidates": [
            {
                "text": join(pieces, candidate.fills),
                "fills": list(candidate.fills),
                "faults": list(candidate.faults),
            }
            for candidate in filled.candidates
        ],
    }


def _write(result: str | dict[str, Any]) -> None:
    """Into a pipe or a file go the report's own bytes; a terminal gets a line end after them."""
    if isinstance(result, dict):
        text = json.dumps(result, ensure_ascii=False) + "\n"
    elif sys.stdout.isatty():
        text = printable(result) + "\n"
    else:
        text = result
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()
