"""Which commands can be given now, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_IMAGE_COMMANDS: Final = ("fit", "zoom_in", "zoom_out", "invert", "reset_window")

ELSEWHERE: Final = "The model still writes another report: wait, or press Esc"
REWORDING: Final = "The model looks for other wordings: wait, or press Esc"


@dataclass(frozen=True)
class Situation:
    """What decides: each is a plain fact about the window."""

    study: bool = False  # one is on screen
    moving: bool = False  # to another study
    writing: bool = False  # the model is, or waits to
    writing_elsewhere: bool = False  # it is, on a report that is not on screen
    rewording: bool = False  # it is, other candidates for a fill that stands
    comparing: bool = False  # two models are, one after the other
    worker: bool = True  # runs or is being started
    ready: bool = True  # the worker is
    changing: bool = False  # the worker is, to another adapter
    silent: bool = False  # the worker does not answer
    stopping: bool = False  # the worker is, for another to take its place
    text: bool = False  # the report has some
    selection: bool = False
    candidates: bool = False  # for the words at the caret
    clashes: bool = False  # in the report
    clash_here: bool = False  # at the caret
    can_undo: bool = False
    can_redo: bool = False
    has_previous: bool = False
    has_next: bool = False


def refusals(now: Situation) -> Iterator[tuple[str, str | None]]:
    """Each command with ``None`` where it can be given, else with a reason for the reader."""
    report = _refused_change(now)
    text = report or _first((not now.text, "The report is empty"))
    model = refused_job(now)
    for name in ("draft", "infill"):
        yield name, model
    # It leads to the field alone; what is written there waits for the model.
    yield "ask", _first((not now.study, "Open a study first"))
    yield "refill", model or _first((not now.selection, "Select some of the report first"))
    for name in ("impression", "findings"):
        yield name, model or _first((not now.text, "The report is empty: draft it first"))
    yield "revise", model or _first((not now.text, "The report is empty: draft it first"))
    several = report or _first(
        (
            not now.candidates,
            "No candidates here: put the caret on words that the model just wrote",
        )
    )
    for name in ("next_candidate", "previous_candidate", "candidates"):
        yield name, several
    writing = _first((not now.study, "Open a study first"), (now.writing, "Wait for the model"))
    clash = writing or _first((not now.clashes, "Nothing clashes in the report"))
    for name in ("next_clash", "previous_clash"):
        yield name, clash
    here = _first((not now.clash_here, "No clash here: press F8 to go to one"))
    yield "dismiss_clash", report or clash or here
    for name in ("pin", "unpin"):
        yield name, text
    for name in ("gap", "gap_of_length"):
        yield name, report
    yield "undo", report or _first((not now.can_undo, "There is nothing to take back"))
    yield "redo", report or _first((not now.can_redo, "There is nothing to make again"))
    yield "compare", _first((not now.study, "Open a study first"))
    yield "copy", _first((not now.study, "Open a study first"), (not now.text, "It is empty"))
    yield (
        "cancel",
        _first(
            (
                not (now.writing or now.writing_elsewhere or now.rewording or now.moving),
                "There is nothing to stop",
            )
        ),
    )
    other = _first(
        (now.writing, "Wait for the model, or cancel it"),
        (now.writing_elsewhere, ELSEWHERE),
        (now.rewording, REWORDING),
        (now.comparing, "Wait for the comparison, or cancel it"),
        (now.stopping, "Wait until the worker has stopped"),
        (now.changing, "Wait until the adapter has changed"),
    )
    yield "checkpoint", other
    yield "adapter", other or _first((not now.ready, "Wait until the model is loaded"))
    # Not only where it died: one that hangs looks like one that works.
    yield (
        "restart",
        _first(
            (now.stopping, "The worker is being stopped already"),
            # It makes room for the other model, and starts by itself.
            (now.comparing and not now.worker, "Wait for the comparison, or cancel it"),
        ),
    )
    for name in _IMAGE_COMMANDS:
        yield name, _first((not now.study, "Open a study first"))
    # While one moves, further steps are taken in order.
    yield "previous", _first((not (now.has_previous or now.moving), "This is the first study"))
    yield "next", _first((not (now.has_next or now.moving), "This is the last study"))


def refused_job(now: Situation) -> str | None:
    """Why the model can be given nothing to do now, if so."""
    return _refused_change(now) or _first(
        (now.writing_elsewhere, ELSEWHERE),
        (now.comparing, "Wait for the comparison, or cancel it"),
        (now.stopping, "Wait until the worker has stopped"),
        (not now.worker, "The worker is not running: restart it first"),
        (now.silent, "The worker does not answer: wait, or restart it"),
    )


def _refused_change(now: Situation) -> str | None:
    return _first(
        (not now.study, "Open a study first"),
        (now.moving, "Wait for the study to open"),
        (now.writing, "Wait for the model, or cancel it"),
    )


def _first(*reasons: tuple[bool, str]) -> str | None:
    return next((reason for holds, reason in reasons if holds), None)
