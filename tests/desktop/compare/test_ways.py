"""What each side is asked: the same pins, the same seed, and the sibling's own ways."""

from __future__ import annotations

import pytest

from desktop.compare.ways import TOLD, Way, asked_of, common_plan
from desktop.report.model import NothingToFill, Report
from inference.protocol import Fixed, Gap, Mode, Options


def pinned_report() -> Report:
    report = Report()
    report.apply(report.pieces_for_draft(), ["FINDINGS:\nThe heart is large. No effusion."])
    start = report.text.index("No effusion.")
    report.pin(start, start + len("No effusion."))
    return report


def test_both_sides_get_the_same_pieces_and_the_same_seed() -> None:
    report = pinned_report()
    plan = common_plan(report)
    diffusion = asked_of("diffusion", report.content, plan, Way.LEFT, 7)
    assert diffusion.options == Options(seed=7, candidates=1)
    modes: dict[Way, Mode] = {Way.BOTH: "both", Way.LEFT: "left", Way.FORCED: "forced"}
    for way, mode in modes.items():
        asked = asked_of("autoregressive", report.content, plan, way, 7)
        assert asked.plan == diffusion.plan == plan
        assert asked.options == Options(seed=7, candidates=1, mode=mode)
        assert asked.question is None


def test_the_whole_report_is_asked_for_with_the_pins_shown() -> None:
    report = pinned_report()
    asked = asked_of("autoregressive", report.content, common_plan(report), Way.WHOLE, 7)
    assert asked.plan.pieces == (Gap(),)
    assert len(asked.plan.holes) == 1
    assert asked.question is not None
    assert asked.question.endswith("\n\nFINDINGS:\n[GAP] No effusion.")
    assert asked.options.mode == "both"


def test_without_pins_the_whole_report_is_a_plain_draft() -> None:
    report = Report()
    asked = asked_of("autoregressive", report.content, common_plan(report), Way.WHOLE, 7)
    assert asked.question is None
    assert asked.plan.pieces == (Gap(),)


def test_a_report_that_is_pinned_from_end_to_end_has_nothing_to_compare() -> None:
    report = Report()
    report.insert(0, "The heart is normal.")
    with pytest.raises(NothingToFill, match="Every word is pinned"):
        common_plan(report)
    report.insert_gap(20)
    assert common_plan(report).pieces == (Fixed("The heart is normal."), Gap())


def test_every_way_has_a_name_and_a_sentence() -> None:
    assert set(TOLD) == set(Way)
