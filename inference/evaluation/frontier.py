"""The frontier of a sweep over step budgets: what quality costs in decoder forwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from inference.counting import counted

_SERIES: Final = (
    ("paper_clamp", "canvas clamp (arXiv 2607.01436)", "#9a5b00", "s", "--"),
    ("pinfill_single", "Pinfill, one candidate", "#00539c", "o", "-"),
)
"""Result, label, colour, marker, line: two of which tell the series apart without colour."""

_CLOSE: Final = (0.25, 0.01)
"""Forwards and token-F1 by which points have to differ to be labelled apart."""


def draw_frontier(result: dict[str, Any], path: Path) -> None:
    """Draw token-F1 against mean decoder forwards; the file's ending chooses its format.

    ``result`` is that of :func:`~inference.evaluation.sampler_results.summarise`. Raises
    :class:`ModuleNotFoundError` without matplotlib, :class:`OSError` and :class:`ValueError` where
    the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for name, label, colour, marker, line in _SERIES:
        points = [row[name] for row in result["sweep"]]
        forwards = [point["forwards"] for point in points]
        scores = [point["token_f1"] for point in points]
        lows, highs = zip(*(point["token_f1_95"] for point in points), strict=True)
        axes.errorbar(
            forwards,
            scores,
            yerr=[np.subtract(scores, lows), np.subtract(highs, scores)],
            label=label,
            color=colour,
            marker=marker,
            linestyle=line,
            elinewidth=0.8,
            capsize=2,
        )
        budgets = [row["budget"] for row in result["sweep"]]
        # Beyond the intervals, where nothing else is drawn.
        end, side = (max(highs), "bottom") if name == "pinfill_single" else (min(lows), "top")
        for label_text, (at, _) in labels(budgets, list(zip(forwards, scores, strict=True))):
            axes.annotate(
                label_text,
                (at, end),
                xytext=(0, 4 if side == "bottom" else -4),
                textcoords="offset points",
                ha="center",
                va=side,
                fontsize=8,
                color=colour,
            )
    axes.margins(x=0.1, y=0.1)
    axes.set_xlabel("decoder forwards (mean)")
    axes.set_ylabel("token-F1 of the fill")
    axes.set_title(
        f"{counted(result['gaps'], 'sentences')} removed and filled again, "
        f"{counted(result['n'], 'reports')}"
    )
    axes.grid(alpha=0.3)
    figure.legend(
        title="step budget at each point, 95 % interval", loc="outside lower center", ncols=2
    )
    figure.savefig(path, dpi=160)


def labels(
    budgets: Sequence[int], points: Sequence[tuple[float, float]]
) -> Iterator[tuple[str, tuple[float, float]]]:
    """One label a place: budgets whose points would be printed over each other share one."""
    first = 0
    for last, place in enumerate(points):
        following = points[last + 1] if last + 1 < len(points) else None
        if following is not None and all(map(_close, points[first], following, _CLOSE)):
            continue
        one, other = budgets[first], budgets[last]
        yield (f"{one}" if first == last else f"{one} to {other}"), place
        first = last + 1


def _close(one: float, other: float, distance: float) -> bool:
    return abs(one - other) < distance
