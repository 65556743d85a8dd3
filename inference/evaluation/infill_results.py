"""What ``pinfill bench infill`` measured of each item, and what that comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from statistics import fmean, median
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from inference.counting import counted
from inference.evaluation.infill_runs import LENGTHS, Context, Length, result_name
from inference.evaluation.judged import Verdicts, judged_same
from inference.evaluation.judging.verdicts import Item
from inference.evaluation.report_metrics import score_pairs
from inference.evaluation.sampler_results import Measured
from inference.evaluation.statistics import (
    bootstrap_interval,
    interaction,
    paired_t_test,
    shown_p,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIFFUSION: Final = "diffusion"

_CONTEXTS: Final[tuple[Context, ...]] = ("both", "left", "forced")
_COLOURS: Final = {"both": "#00539c", "left": "#9a5b00", "forced": "#5c6b73"}
_HATCHES: Final = {"both": "", "left": "//", "forced": ".."}


def fills_to_judge(measured: Sequence[Measured]) -> dict[tuple[int, str], Item]:
    """Every fill beside the sentence that stood there, by seed and name."""
    return {
        (item.seed, name): Item("", item.sentences[0], result.fills[0].strip(), kind="fill")
        for item in measured
        for name, result in item.results.items()
    }


def _usable(measured: Sequence[Measured]) -> list[Measured]:
    return [item for item in sorted(measured, key=lambda item: item.seed) if not item.skipped]


def with_metrics(result: dict[str, Any], measured: Sequence[Measured]) -> dict[str, Any]:
    """The same result with the metrics of report text that can be had here, as means.

    Why another is left out is told under ``metrics_left_out``.
    """
    items = _usable(measured)
    left_out: dict[str, str] = {}
    for length, told in result["lengths"].items():
        for writer, contexts in told["writers"].items():
            for context, figures in contexts.items():
                name = result_name(writer, context, length)
                pairs = [(item.results[name].fills[0].strip(), item.sentences[0]) for item in items]
                scored = score_pairs(pairs)
                left_out |= scored.left_out
                figures["metrics"] = {
                    metric: fmean(scores) for metric, scores in scored.scores.items()
                }
    # A metric that failed for one writer is no column of the table.
    for told in result["lengths"].values():
        for contexts in told["writers"].values():
            for figures in contexts.values():
                for name in left_out:
                    figures["metrics"].pop(name, None)
    return result | {"metrics_left_out": left_out}


def summarise(
    measured: Sequence[Measured], writers: Sequence[str], verdicts: Verdicts | None = None
) -> dict[str, Any]:
    """The figures over all items that were not skipped, of which there must be two.

    ``writers`` begin with ``"diffusion"``; all others are autoregressive. Differences are paired.
    """
    items = _usable(measured)
    return {
        "n": len(items),
        "skipped": len(measured) - len(items),
        "lengths": {
            length: _of_length(items, writers, length, verdicts or {}) for length in LENGTHS
        },
    }


def _of_length(
    items: Sequence[Measured], writers: Sequence[str], length: Length, verdicts: Verdicts
) -> dict[str, Any]:
    def scores(writer: str, context: Context) -> NDArray[np.float64]:
        name = result_name(writer, context, length)
        return np.array([item.results[name].token_f1 for item in items])

    there = {
        writer: [
            context
            for context in _CONTEXTS
            if result_name(writer, context, length) in items[0].results
        ]
        for writer in writers
    }
    told: dict[str, Any] = {
        "writers": {
            writer: {
                context: _figures(items, result_name(writer, context, length), verdicts)
                for context in contexts
            }
            for writer, contexts in there.items()
        }
    }
    told["gains"] = {
        f"{writer}, {context} - left": _difference(scores(writer, context), scores(writer, "left"))
        for writer, contexts in there.items()
        for context in contexts
        if context != "left"
    }
    told["interactions"] = {
        f"{DIFFUSION} (both - left) - {writer} ({context} - left)": asdict(
            interaction(
                diffusion_left=scores(DIFFUSION, "left"),
                diffusion_both=scores(DIFFUSION, "both"),
                autoregressive_left=scores(writer, "left"),
                autoregressive_both=scores(writer, context),
            )
        )
        for writer, contexts in there.items()
        for context in contexts
        if writer != DIFFUSION and context != "left"
    }
    told["models"] = {
        f"{DIFFUSION} both - {writer} {context}": _difference(
            scores(DIFFUSION, "both"), scores(writer, context)
        )
        for writer, contexts in there.items()
        for context in contexts
        if writer != DIFFUSION and context != "left"
    }
    return told


def _figures(items: Sequence[Measured], name: str, verdicts: Verdicts) -> dict[str, Any]:
    results = [item.results[name] for item in items]
    scores = [result.token_f1 for result in results]
    figures: dict[str, Any] = {
        "token_f1": fmean(scores),
        "token_f1_95": bootstrap_interval(scores),
        "exact": fmean(result.exact for result in results),
        "forwards": fmean(result.cost.forwards for result in results),
        "seconds": median(result.cost.seconds for result in results),
    }
    judged = [verdicts[item.seed, name] for item in items if (item.seed, name) in verdicts]
    return figures | judged_same(judged, len(items))


def _difference(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> dict[str, Any]:
    return {
        "token_f1": float((ours - theirs).mean()),
        "bootstrap_95": bootstrap_interval(ours - theirs),
        "t_test": asdict(paired_t_test(ours, theirs)),
    }


def table_rows(result: Mapping[str, Any]) -> list[dict[str, object]]:
    """One row a writer, context and length, as a CSV file has them."""
    return [
        {
            "length": length,
            "writer": writer,
            "context": context,
            "n": result["n"],
            "token_f1": figures["token_f1"],
            "token_f1_low": figures["token_f1_95"][0],
            "token_f1_high": figures["token_f1_95"][1],
            "exact": figures["exact"],
            "equivalent": figures.get("equivalent"),
            "judged": figures.get("judged", 0),
            "forwards": figures["forwards"],
            "seconds": figures["seconds"],
            **figures.get("metrics", {}),
        }
        for length, told in result["lengths"].items()
        for writer, contexts in told["writers"].items()
        for context, figures in contexts.items()
    ]


def as_table(result: Mapping[str, Any]) -> str:
    """The same figures for people."""
    skipped = f", {result['skipped']} left out" if result["skipped"] else ""
    lines = [f"{counted(result['n'], 'reports')}, one sentence taken out of each{skipped}"]
    if "judge" in result:
        lines.append(f"judge: {result['judge']['by']}")
    for length, told in result["lengths"].items():
        columns = f"{'token-F1':>9} {'95 % interval':>15} {'exact':>6} {'judged the same':>16}"
        lines += ["", f"{f'length {length}':34} {columns} {'forwards':>9} {'seconds':>8}"]
        for writer, contexts in told["writers"].items():
            lines += [f"{f'{writer}, {name}':34} {_row(it)}" for name, it in contexts.items()]
        lines += _metrics_table(told["writers"])
        lines += ["", f"{'difference of token-F1':58} {'':9} {'95 % interval':>18} {'t':>7} p"]
        for name, gain in {**told["gains"], **told["models"]}.items():
            lines.append(_tested(name, gain["t_test"], gain["bootstrap_95"]))
        lines += ["", "interaction of model and context"]
        for name, found in told["interactions"].items():
            lines.append(_tested(name, found["test"], found["bootstrap_95"]))
    for why in result.get("metrics_left_out", {}).values():
        lines += ["", f"left out: {why}"]
    return "\n".join(lines)


def _metrics_table(writers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    rows = [
        (f"{writer}, {context}", figures["metrics"])
        for writer, contexts in writers.items()
        for context, figures in contexts.items()
        if "metrics" in figures
    ]
    if not rows:
        return []
    names = [name for name in rows[0][1] if name != "token-F1"]
    lines = ["", f"{'':34} " + " ".join(f"{name:>12}" for name in names)]
    return lines + [
        f"{title:34} " + " ".join(f"{scores[name]:12.3f}" for name in names)
        for title, scores in rows
    ]


def _row(figures: Mapping[str, Any]) -> str:
    low, high = figures["token_f1_95"]
    same = "-"
    if figures.get("equivalent") is not None:
        same = f"{figures['equivalent']:.2f} of {figures['judged']}"
    return (
        f"{figures['token_f1']:9.3f} {f'{low:.3f} … {high:.3f}':>15} {figures['exact']:6.2f} "
        f"{same:>16} {figures['forwards']:9.1f} {figures['seconds']:8.2f}"
    )


def _tested(name: str, test: Mapping[str, Any], interval: Sequence[float]) -> str:
    low, high = interval
    t = "-" if test["t"] is None else f"{test['t']:.2f}"
    p = shown_p(test["p"])
    return f"{name:58} {test['mean']:+9.3f} {f'{low:+.3f} … {high:+.3f}':>18} {t:>7} {p}"


def drawing(result: Mapping[str, Any]) -> Callable[[Figure], None]:
    """Draws token-F1 by writer and context, one panel a length."""

    def draw(figure: Figure) -> None:
        lengths = result["lengths"]
        panels = figure.subplots(1, len(lengths), sharey=True, squeeze=False)[0]
        for axes, (length, told) in zip(panels, lengths.items(), strict=True):
            for place, writer, context, figures in _bars(told["writers"]):
                low, high = figures["token_f1_95"]
                mean = figures["token_f1"]
                axes.bar(
                    place,
                    mean,
                    0.26,
                    color=_COLOURS[context],
                    hatch=_HATCHES[context],
                    edgecolor="white",
                    yerr=[[mean - low], [high - mean]],
                    capsize=3,
                    label=context if writer == _most(told["writers"]) else None,
                )
            axes.set_xticks(range(len(told["writers"])), list(told["writers"]))
            axes.set_title(f"length {length}")
            axes.set_ylim(0, 1)
            axes.grid(axis="y", alpha=0.3)
        panels[0].set_ylabel("token-F1 of the fill")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(
            handles,
            labels,
            title=f"what the writer sees; {counted(result['n'], 'reports')}, 95 % intervals",
            loc="outside lower center",
            ncols=len(labels),
        )

    return draw


def _bars(
    writers: Mapping[str, Mapping[str, Any]],
) -> Iterator[tuple[float, str, str, Mapping[str, Any]]]:
    for number, (writer, contexts) in enumerate(writers.items()):
        for context, figures in contexts.items():
            yield number + 0.28 * (_CONTEXTS.index(context) - 1), writer, context, figures


def _most(writers: Mapping[str, Mapping[str, Any]]) -> str:
    """The writer that was asked in the most ways: its bars have all the labels."""
    return max(writers, key=lambda writer: len(writers[writer]))
