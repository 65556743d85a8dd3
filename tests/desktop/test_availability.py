from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop import actions
from desktop.availability import Situation, refusals

ALL_WELL = Situation(
    study=True,
    text=True,
    selection=True,
    candidates=True,
    clashes=True,
    clash_here=True,
    can_undo=True,
    can_redo=True,
    has_previous=True,
    has_next=True,
)
JOBS = {"draft", "infill", "refill", "revise", "impression", "findings"}
situations = st.builds(Situation, **{field.name: st.booleans() for field in fields(Situation)})


def refused(now: Situation) -> set[str]:
    return {name for name, why_not in refusals(now) if why_not is not None}


def test_with_a_selection_in_a_report_all_is_allowed_that_makes_sense() -> None:
    assert refused(ALL_WELL) == {"cancel"}


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ({"text": False}, {"pin", "unpin", "copy", "revise", "impression", "findings"}),
        ({"selection": False}, {"refill"}),
        ({"candidates": False}, {"next_candidate", "previous_candidate", "candidates"}),
        ({"clashes": False}, {"next_clash", "previous_clash", "dismiss_clash"}),
        ({"clash_here": False}, {"dismiss_clash"}),
        ({"worker": False}, JOBS),
        ({"ready": False}, {"adapter"}),
        ({"changing": True}, {"adapter", "checkpoint"}),
        (
            {"stopping": True},
            JOBS | {"restart", "checkpoint", "adapter"},
        ),
        ({"can_undo": False}, {"undo"}),
        ({"can_redo": False}, {"redo"}),
        ({"has_previous": False}, {"previous"}),
        ({"has_next": False}, {"next"}),
    ],
)
def test_what_is_missing_takes_away_what_needs_it(change: dict[str, bool], lost: set[str]) -> None:
    assert refused(replace(ALL_WELL, **change)) - refused(ALL_WELL) == lost


def test_while_the_model_writes_the_report_is_left_alone_and_cancel_is_there() -> None:
    now = refused(replace(ALL_WELL, writing=True))
    assert {"draft", "infill", "refill", "pin", "unpin", "undo", "redo"} <= now
    assert {"gap", "gap_of_length", "revise", "next_candidate", "candidates"} <= now
    assert not {"cancel", "restart", "copy", "fit", "invert", "next"} & now


def test_a_worker_that_makes_room_for_another_is_not_restarted() -> None:
    assert "restart" in refused(replace(ALL_WELL, comparing=True, worker=False))
    assert "restart" not in refused(replace(ALL_WELL, comparing=True))


def test_a_search_can_be_stopped_though_the_model_is_silent() -> None:
    assert "cancel" not in refused(replace(ALL_WELL, moving=True))


def test_a_dead_worker_can_be_restarted_and_the_report_be_edited() -> None:
    now = refused(replace(ALL_WELL, worker=False))
    assert not {"restart", "pin", "gap", "undo", "copy"} & now


@given(situations)
def test_every_command_is_known_and_every_refusal_has_a_reason(now: Situation) -> None:
    known = {command.name for command in actions.commands()}
    for name, why_not in refusals(now):
        assert name in known
        assert why_not is None or why_not.strip()
