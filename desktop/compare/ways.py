"""What either model is asked: the same pieces, and how the sibling is asked for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from desktop.report.model import Content, Hole, NothingToFill, Plan, Report
from inference.protocol import Fixed, Gap, Mode, Options, Paradigm, Piece

GAP: Final = "[GAP]"
"""Stands in the question where words are missing: the mark that the sibling was trained with."""


class Way(StrEnum):
    """How an autoregressive model is asked for the words of the gaps."""

    BOTH = "both"
    LEFT = "left"
    FORCED = "forced"
    WHOLE = "whole"


TOLD: Final = {
    Way.BOTH: ("Both sides in the prompt", "Its prompt shows the report around each gap"),
    Way.LEFT: ("Left only", "It goes on from what stands left of a gap, and knows no more"),
    Way.FORCED: ("Forced", "Pinned words are read as they come; it ends each gap before them"),
    Way.WHOLE: (
        "Whole report rewritten",
        "It is told to write all of it anew and to keep the pinned words. Here it may lose them",
    ),
}
"""A name for each, and a sentence about it."""

_MODES: Final[dict[Way, Mode]] = {Way.BOTH: "both", Way.LEFT: "left", Way.FORCED: "forced"}


@dataclass(frozen=True)
class Asked:
    """One run as one model gets it. ``plan`` says where its fills belong in the report."""

    plan: Plan
    options: Options
    question: str | None = None


def common_plan(report: Report) -> Plan:
    """What both fill: all that is not pinned; of an empty report, all of it.

    Raises :class:`NothingToFill`.
    """
    try:
        return report.pieces_for_infill()
    except NothingToFill:
        if report.text.strip():
            raise
        return report.pieces_for_draft()


def asked_of(paradigm: Paradigm, content: Content, plan: Plan, way: Way, seed: int) -> Asked:
    """What a model of ``paradigm`` is asked for; one text, so that like is held against like."""
    options = Options(seed=seed, candidates=1)
    if paradigm == "diffusion":
        return Asked(plan, options)
    if way is not Way.WHOLE:
        return Asked(plan, _in_mode(options, _MODES[way]))
    if not any(isinstance(piece, Fixed) for piece in plan.pieces):
        return Asked(plan, _in_mode(options, "both"))  # nothing is pinned: a draft anyway
    end = len(content.text)
    whole = replace(plan, parts=(Hole(0, end),), pieces=(Gap(),))
    return Asked(whole, _in_mode(options, "both"), rewriting_question(plan.pieces))


def _in_mode(options: Options, mode: Mode) -> Options:
    return Options(seed=options.seed, candidates=options.candidates, mode=mode)


def rewriting_question(pieces: Sequence[Piece]) -> str:
    """Asks for the whole report, with its pinned words shown and the gaps between them marked."""
    shown = "".join(piece.text if isinstance(piece, Fixed) else GAP for piece in pieces)
    return (
        "Write the whole report anew. Keep every word of the report below as it stands, in its "
        f"place, and write what is missing at {GAP}.\n\n{shown}"
    )
