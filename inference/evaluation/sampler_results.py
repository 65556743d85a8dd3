"""What ``pinfill bench sampler`` measured of each item, and what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, median
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.counting import counted
from inference.evaluation.metrics import token_f1
from inference.evaluation.statistics import bootstrap_interval, ratio_interval

BUDGETS: Final = (4, 6, 8, 12, 16, 24, 32, 48)
"""Step budgets of the sweep."""

SWEPT: Final = ("paper_clamp", "pinfill_single")
"""The samplers that are held against each other at every budget."""

_PAIRS: Final = (
    ("pinfill_single", "paper_clamp"),
    ("pinfill_single", "logits_processor"),
    ("pinfill", "pinfill_single"),
    ("pinfill_unknown_length", "pinfill"),
    ("pinfill_unknown_length", "pinfill_unknown_length_single"),
    ("pinfill_ranking", "pinfill"),
    ("best_of_five", "first_of_five"),
    ("pinfill", "pinfill_left_only"),
    ("pinfill_unknown_length", "pinfill_unknown_length_left_only"),
)
"""Differences of token-F1 that are worth an interval."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """``forwards`` counts decoder forwards, ``rows`` the canvases in them (``None``: not seen).

    ``seconds`` leaves out the encoding of image and prompt.
    """

    forwards: int
    rows: int | None
    steps: int
    seconds: float

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            forwards=self.forwards + other.forwards,
            rows=None if self.rows is None or other.rows is None else self.rows + other.rows,
            steps=self.steps + other.steps,
            seconds=self.seconds + other.seconds,
        )


class Result(msgspec.Struct, frozen=True):
    """One fill of an item's gaps. ``token_f1`` and ``exact`` are means over the gaps."""

    fills: tuple[str, ...]
    token_f1: float
    exact: float
    cost: Cost


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One item: its results by sampler, or why it was skipped."""

    seed: int
    sentences: tuple[str, ...] = ()
    results: dict[str, Result] = {}
    skipped: str = ""


def at(sampler: str, budget: int) -> str:
    """The name of a sampler's result at a step budget."""
    return f"{sampler}@{budget}"


def score(fills: Sequence[str], sentences: Sequence[str], cost: Cost) -> Result:
    """Hold fills against what stood there."""
    pairs = [(fill.strip(), true) for fill, true in zip(fills, sentences, strict=True)]
    return Result(
        tuple(fills),
        fmean(token_f1(fill, true) for fill, true in pairs),
        fmean(fill == true for fill, true in pairs),
        cost,
    )


def summarise(measured: Sequence[Measured]) -> dict[str, Any]:
    """The figures over all items that were not skipped, of which there must be one.

    Intervals are 95 % bootstrap intervals over items, those of differences paired.
    """
    items = [item for item in sorted(measured, key=lambda item: item.seed) if not item.skipped]
    names = [name for name in items[0].results if "@" not in name]
    return {
        "n": len(items),
        "skipped": len(measured) - len(items),
        "samplers": {name: _figures(_of(items, name)) for name in names},
        "sweep": [
            {"budget": budget} | {name: _figures(_of(items, at(name, budget))) for name in SWEPT}
            for budget in BUDGETS
        ],
        "differences": _differences(items, names),
    }


def _of(items: Sequence[Measured], name: str) -> list[Result]:
    return [item.results[name] for item in items]


def _figures(results: Sequence[Result]) -> dict[str, Any]:
    scores = _scores(results)
    rows = [result.cost.rows for result in results if result.cost.rows is not None]
    return {
        "token_f1": float(scores.mean()),
        "token_f1_95": bootstrap_interval(scores),
        "exact": fmean(result.exact for result in results),
        "forwards": fmean(result.cost.forwards for result in results),
        "rows": fmean(rows) if len(rows) == len(results) else None,
        "steps": fmean(result.cost.steps for result in results),
        "seconds": median(result.cost.seconds for result in results),
    }


def _scores(results: Sequence[Result]) -> NDArray[np.float64]:
    return np.array([result.token_f1 for result in results])


def _differences(items: Sequence[Measured], names: Sequence[str]) -> dict[str, Any]:
    swept = {
        name: np.array([_scores(_of(items, at(name, budget))) for budget in BUDGETS])
        for name in SWEPT
    }
    gains = swept["pinfill_single"] - swept["paper_clamp"]
    differences: dict[str, Any] = {
        "sweep": [
            {"budget": budget} | _difference(gain)
            for budget, gain in zip(BUDGETS, gains, strict=True)
        ],
        "sweep_mean": _difference(gains.mean(axis=0)),
    }
    for ours, theirs in _PAIRS:
        if ours in names:
            gain = _scores(_of(items, ours)) - _scores(_of(items, theirs))
            differences[f"{ours}_minus_{theirs}"] = _difference(gain)
    paper = _forwards(_of(items, "paper_clamp"))
    for ours in ("pinfill_single", "pinfill"):
        forwards = _forwards(_of(items, ours))
        differences[f"forwards_paper_clamp_over_{ours}"] = {
            "ratio": float(paper.mean() / forwards.mean()),
            "interval_95": ratio_interval(paper, forwards),
        }
    return differences


def _forwards(results: Sequence[Result]) -> NDArray[np.float64]:
    return np.array([result.cost.forwards for result in results], np.float64)


def _difference(gains: NDArray[np.float64]) -> dict[str, Any]:
    return {"token_f1": float(gains.mean()), "interval_95": bootstrap_interval(gains)}


def as_table(result: dict[str, Any]) -> str:
    """The same figures for people."""
    columns = f"{'token-F1':>9} {'95 % interval':>15} {'exact':>6} {'forwards':>9} {'seconds':>8}"
    skipped = f", {result['skipped']} left out" if result["skipped"] else ""
    lines = [
        f"{counted(result['n'], 'reports')}, {counted(result['gaps'], 'gaps')} each"
        f"{skipped}, {result['checkpoint']}",
        "",
        f"{'sampler':34} {columns}",
    ]
    lines += [f"{name:34} {_row(figures)}" for name, figures in result["samplers"].items()]
    for name in SWEPT:
        lines += ["", f"{f'{name}, step budget':34} {columns}"]
        lines += [f"{row['budget']:<34} {_row(row[name])}" for row in result["sweep"]]
    differences = dict(result["differences"])
    lines += ["", f"{'difference of token-F1':58} {'':9} 95 % interval"]
    lines += [
        _difference_row(
            f"pinfill_single - paper_clamp, {row['budget']} steps", row["token_f1"], row
        )
        for row in differences.pop("sweep")
    ]
    for name, row in differences.items():
        if "ratio" in row:
            low, high = row["interval_95"]
            lines.append(f"{name:58} {row['ratio']:9.2f} {low:.2f} … {high:.2f}")
        else:
            lines.append(_difference_row(name.replace("_minus_", " - "), row["token_f1"], row))
    return "\n".join(lines)


def _row(figures: dict[str, Any]) -> str:
    low, high = figures["token_f1_95"]
    return (
        f"{figures['token_f1']:9.3f} {f'{low:.3f} … {high:.3f}':>15} {figures['exact']:6.2f} "
        f"{figures['forwards']:9.1f} {figures['seconds']:8.2f}"
    )


def _difference_row(name: str, gain: float, row: dict[str, Any]) -> str:
    low, high = row["interval_95"]
    return f"{name:58} {gain:+9.3f} {low:+.3f} … {high:+.3f}"
