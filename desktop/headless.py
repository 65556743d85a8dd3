"""Without a window: ``pinfill draft``, ``pinfill infill`` and ``pinfill ask``."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from desktop import checking
from desktop.report.candidates import FILLED, Place
from desktop.report.clashes import ReportClash, report_clashes
from desktop.report.empty_fills import left_open
from desktop.report.faults import unread
from desktop.report.marks import FaultMark
from desktop.report.spans import GAP_MARK, Builder, Origin
from desktop.report_file import gap_mark, mask_gaps, mask_line_ends
from desktop.studies.context import prompt_context
from desktop.studies.header import Header, study_facts
from desktop.studies.isolation import read_study
from desktop.studies.made_for import fit
from desktop.studies.reading import Study
from desktop.terminal import LiveCanvas, printable
from desktop.viewer.pixels import model_image
from inference.client import ANYWHERE, Client, Placement
from inference.protocol import (
    Candidate,
    Filled,
    Fixed,
    Gap,
    ModelInfo,
    Options,
    Paradigm,
    Piece,
    join,
)

SILENT: Final = "The worker does not answer. Wait whether it comes back, or end with Ctrl-C."
AGAIN: Final = "The worker answers again."


class WrongParadigm(Exception):
    """The checkpoint is of another kind than was asked for; ``str()`` says what to do."""


class OutsideDeclaration(Exception):
    """The model was made for other images; ``str()`` says which, and how to ask all the same."""


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Which model writes. ``paradigm`` is the one that the checkpoint has to be of, ``adapter`` a
    folder that is put on top; with ``anyway`` it writes of images that it was not made for."""

    checkpoint: Path
    placement: Placement = ANYWHERE
    paradigm: Paradigm | None = None
    adapter: Path | None = None
    anyway: bool = False


@dataclass(frozen=True)
class _Asked:
    """What is asked for: gaps to be filled, of which a question has one."""

    pieces: Sequence[Piece]
    options: Options
    question: str | None = None


def run(
    study_path: Path,
    pieces: Sequence[Piece],
    writer: Writer,
    *,
    options: Options,
    as_json: bool = False,
) -> None:
    """Fill the gaps of ``pieces`` from a study, and write the outcome to standard output.

    What a reader must know of it beside its text goes to standard error.

    Raises :class:`WrongParadigm`, :class:`OutsideDeclaration`,
    :class:`~desktop.studies.errors.StudyError`, :class:`~inference.client.WorkerError`, and
    :class:`KeyboardInterrupt` on Ctrl-C, once the worker has ended: by itself where it answers,
    else by force.
    """
    study, filled, told = _answered(study_path, _Asked(pieces, options), writer)
    written = written_out(pieces, filled.fills)
    text, clashes = read_clashes(study, pieces, filled.candidates[0])
    if as_json:
        found = checking.as_object(text, clashes)
        _write({**as_object(pieces, filled), "text": written, **found, "cautions": told})
    else:
        _write(written)
    _warn([*told, *checking.lines(text, clashes)])


def ask(
    study_path: Path, question: str, writer: Writer, *, seed: int | None, as_json: bool = False
) -> None:
    """Put a question about a study, and write the answer; all else as :func:`run`."""
    asked = _Asked((Gap(),), Options(seed=seed, candidates=1), question)
    _, filled, told = _answered(study_path, asked, writer)
    answer = filled.fills[0].strip()
    result = {"question": question, "answer": answer, **_figures(filled), "cautions": told}
    _write(result if as_json else answer)
    _warn(told)


def _answered(study_path: Path, asked: _Asked, writer: Writer) -> tuple[Study, Filled, list[str]]:
    """The study, what came of it, and what a reader must know of file, model and text."""
    study = read_study(study_path)
    filled, model = asyncio.run(_fill(study, asked, writer))
    fitting = fit(study, model)
    told = [
        *study.cautions,
        *filter(None, (fitting.against, fitting.unknown, model.adapter_doubt)),
        *unread(filled),
    ]
    return study, filled, told


def written_out(pieces: Sequence[Piece], fills: Sequence[str]) -> str:
    """The report with its fills; an empty one inside a sentence leaves its gap mark."""
    texts, opened = _texts(pieces, fills)
    return "".join(
        gap_mark(piece) if is_open and isinstance(piece, Gap) else text
        for piece, text, is_open in zip(pieces, texts, opened, strict=True)
    )


def read_clashes(
    study: Header, pieces: Sequence[Piece], candidate: Candidate
) -> tuple[str, tuple[ReportClash, ...]]:
    """The report that a candidate makes, its gap marks as U+FFFC, and what clashes in it."""
    builder = Builder()
    faults: list[FaultMark] = []
    for piece, text, is_open in zip(pieces, *_texts(pieces, candidate.fills), strict=True):
        start = builder.length
        if is_open and isinstance(piece, Gap):
            mark = mask_gaps(gap_mark(piece))
            builder.add(mark, GAP_MARK, [piece.tokens] * len(mark))
            continue
        is_fixed = isinstance(piece, Fixed)
        builder.add(mask_line_ends(text), (Origin.TYPED, True) if is_fixed else FILLED)
        if candidate.faults and not is_fixed:
            faults.append(FaultMark(Place(start, builder.length), candidate.faults))
    content = builder.build()
    return content.text, report_clashes(content, study_facts(study), faults)


def _texts(pieces: Sequence[Piece], fills: Sequence[str]) -> tuple[list[str], list[bool]]:
    """The texts of the pieces, and which of them are gaps that stay open."""
    rest = iter(fills)
    texts = [piece.text if isinstance(piece, Fixed) else next(rest) for piece in pieces]
    return texts, left_open(texts, [isinstance(piece, Gap) for piece in pieces])


def _warn(told: Sequence[str]) -> None:
    for caution in told:
        print(f"pinfill: {printable(caution)}", file=sys.stderr)


async def _fill(study: Study, asked: _Asked, writer: Writer) -> tuple[Filled, ModelInfo]:
    """What came of it, and the model that wrote it."""
    with LiveCanvas(asked.pieces, sys.stderr) as live:
        client = await Client.launch(
            writer.checkpoint,
            placement=writer.placement,
            on_loading=live.say,
            on_answering=lambda answering: live.warn(AGAIN if answering else SILENT),
        )
        try:
            if writer.paradigm not in (None, client.model.paradigm):
                raise WrongParadigm(
                    f"{writer.checkpoint} is no {writer.paradigm} checkpoint. Name another, or "
                    "drop --engine."
                )
            if writer.adapter is not None:
                await client.load_adapter(writer.adapter.resolve())
            against = fit(study, client.model).against
            if against and not writer.anyway:
                raise OutsideDeclaration(
                    f"{against.removesuffix('.')}; give --anyway to let it write all the same."
                )
            filled = await client.infill(
                asked.pieces,
                image=model_image(study.image),
                context=prompt_context(study),
                question=asked.question,
                options=asked.options,
                on_canvas=live.show,
            )
            return filled, client.model
        finally:
            await client.close()


def as_object(pieces: Sequence[Piece], filled: Filled) -> dict[str, Any]:
    """What ``--json`` prints. ``pieces`` holds ``{"fixed": …}`` and ``{"fill": …}`` in order.

    ``candidates`` are all different, the best first; ``text`` and ``pieces`` are the best one's. In
    what is printed ``clashes`` and ``gaps`` come with it (:func:`desktop.checking.as_object`).
    """
    fills = iter(filled.fills)
    return {
        "text": join(pieces, filled.fills),
        "pieces": [
            {"fixed": piece.text} if isinstance(piece, Fixed) else {"fill": next(fills)}
            for piece in pieces
        ],
        **_figures(filled),
        "candidates": [
            {
                "text": join(pieces, candidate.fills),
                "fills": list(candidate.fills),
                "faults": list(candidate.faults),
            }
            for candidate in filled.candidates
        ],
    }


def _figures(filled: Filled) -> dict[str, Any]:
    """What a job took, and what it ran on."""
    return {
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
    }


def _write(result: str | dict[str, Any]) -> None:
    """Into a pipe or a file go the text's own bytes; a terminal gets a line end after them."""
    if isinstance(result, dict):
        text = json.dumps(result, ensure_ascii=False) + "\n"
    elif sys.stdout.isatty():
        text = printable(result) + "\n"
    else:
        text = result
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()
