"""What ``pinfill bench vqa`` was answered, and what that comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from inference.counting import counted
from inference.evaluation.answering import is_right, plain
from inference.evaluation.judged import Verdicts, judged_same
from inference.evaluation.judging.verdicts import Item
from inference.evaluation.metrics import token_recall
from inference.evaluation.statistics import bootstrap_interval, mcnemar, paired_t_test, shown_p
from inference.evaluation.vqa_runs import IMAGES, Asked, answer_name
from inference.evaluation.writers import Writer
from inference.training.data.rows import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLOURS: Final = {"own": "#00539c", "blank": "#5c6b73", "shuffled": "#9a5b00"}
_HATCHES: Final = {"own": "", "blank": "..", "shuffled": "//"}


def answers_to_judge(
    rows: Mapping[int, Row], asked: Sequence[Asked]
) -> dict[tuple[int, str], Item]:
    """Every answer beside what was expected, by question and name."""
    return {
        (item.number, name): Item(
            row.question or "",
            row.answer,
            said.text,
            row.alternatives,
            "closed" if row.kind == "closed" else "open",
        )
        for item in asked
        for name, said in item.said.items()
        for row in [rows[item.number]]
    }


def summarise(
    rows: Mapping[int, Row],
    asked: Sequence[Asked],
    writers: Sequence[Writer],
    verdicts: Verdicts | None = None,
) -> dict[str, Any]:
    """The figures over all questions that could be asked; intervals are 95 % bootstrap ones.

    ``rows`` holds a question by its number. Closed questions are right word for word; of open ones
    it is told how many of the answer's words came. Beside that stands what a judge made of them.
    """
    there = [item for item in sorted(asked, key=lambda item: item.number) if not item.skipped]
    closed = [item for item in there if rows[item.number].kind == "closed"]
    opened = [item for item in there if rows[item.number].kind != "closed"]
    names = [
        name
        for writer in writers
        for image in IMAGES
        if any((name := answer_name(writer.name, image)) in item.said for item in there)
    ]
    commonest, by_rote = _by_rote([rows[item.number] for item in closed])
    right = {name: _right(rows, closed, name) for name in names}
    return {
        "n": len(there),
        "skipped": len(asked) - len(there),
        "closed": len(closed),
        "open": len(opened),
        "majority": {"answer": commonest, "accuracy": fmean(by_rote) if by_rote else None},
        "answers": {
            name: _closed(right[name], by_rote)
            | _open(rows, opened, name)
            | _steps(there, name)
            | _judged(name, {"closed": closed, "open": opened}, verdicts or {})
            for name in names
        },
        "comparisons": [
            _compared(one, other, right, rows, opened)
            for one, other in _worth_comparing(writers, names)
        ],
    }


def _by_rote(rows: Sequence[Row]) -> tuple[str, list[bool]]:
    """The commonest closed answer, and which questions it is right on."""
    if not rows:
        return "", []
    said = Counter(plain(row.answer) for row in rows)
    [(commonest, _)] = said.most_common(1)
    return commonest, [plain(row.answer) == commonest for row in rows]


def _right(rows: Mapping[int, Row], items: Sequence[Asked], name: str) -> list[bool | None]:
    """Who is right; ``None`` where there was no such image to ask with."""
    return [
        is_right(item.said[name].text, rows[item.number]) if name in item.said else None
        for item in items
    ]


def _closed(right: Sequence[bool | None], by_rote: Sequence[bool]) -> dict[str, Any]:
    pairs = [(one, rote) for one, rote in zip(right, by_rote, strict=True) if one is not None]
    if not pairs:
        return {}
    told = np.array(pairs, np.float64)
    return {
        "closed": {
            "asked": len(pairs),
            "right": int(told[:, 0].sum()),
            "accuracy": float(told[:, 0].mean()),
            "accuracy_95": bootstrap_interval(told[:, 0]),
            "beyond_majority_95": bootstrap_interval(told[:, 0] - told[:, 1]),
        }
    }


def _open(rows: Mapping[int, Row], items: Sequence[Asked], name: str) -> dict[str, Any]:
    recalled = [
        token_recall(item.said[name].text, rows[item.number].answer)
        for item in items
        if name in item.said
    ]
    if not recalled:
        return {}
    return {
        "open": {
            "asked": len(recalled),
            "recall": fmean(recalled),
            "recall_95": bootstrap_interval(recalled),
        }
    }


def _steps(items: Sequence[Asked], name: str) -> dict[str, float]:
    return {"steps": fmean(item.said[name].steps for item in items if name in item.said)}


def _judged(name: str, kinds: Mapping[str, Sequence[Asked]], verdicts: Verdicts) -> dict[str, Any]:
    told = {}
    for kind, items in kinds.items():
        given = [verdicts[item.number, name] for item in items if (item.number, name) in verdicts]
        asked = sum(name in item.said for item in items)
        if figures := judged_same(given, asked):
            told[kind] = figures
    return {"judged": told} if told else {}


def _worth_comparing(writers: Sequence[Writer], names: Sequence[str]) -> list[tuple[str, str]]:
    """Every two writers on the questions' own images, and each writer's two controls."""
    own = [name for writer in writers if (name := answer_name(writer.name, "own")) in names]
    controls = [
        (answer_name(writer.name, "own"), answer_name(writer.name, image))
        for writer in writers
        for image in ("blank", "shuffled")
        if answer_name(writer.name, image) in names
    ]
    return [*combinations(own, 2), *controls]


def _compared(
    one: str,
    other: str,
    right: Mapping[str, Sequence[bool | None]],
    rows: Mapping[int, Row],
    opened: Sequence[Asked],
) -> dict[str, Any]:
    told: dict[str, Any] = {"first": one, "second": other}
    pairs = [
        (ours, theirs)
        for ours, theirs in zip(right[one], right[other], strict=True)
        if ours is not None and theirs is not None
    ]
    if pairs:
        ours, theirs = zip(*pairs, strict=True)
        told["closed"] = asdict(mcnemar(ours, theirs))
        difference = np.subtract(ours, theirs, dtype=np.float64)
        told["closed"]["difference"] = float(difference.mean())
        told["closed"]["difference_95"] = bootstrap_interval(difference)
    both = [item for item in opened if one in item.said and other in item.said]
    if len(both) > 1:
        recalled = np.array(
            [
                [token_recall(item.said[name].text, rows[item.number].answer) for item in both]
                for name in (one, other)
            ]
        )
        told["open"] = asdict(paired_t_test(recalled[0], recalled[1]))
        told["open"]["bootstrap_95"] = bootstrap_interval(recalled[0] - recalled[1])
    return told


def table_rows(result: Mapping[str, Any]) -> list[dict[str, object]]:
    """One row a writer and image, as a CSV file has them."""
    rows: list[dict[str, object]] = []
    for name, figures in result["answers"].items():
        writer, _, image = name.rpartition("/")
        closed, opened = figures.get("closed"), figures.get("open")
        rows.append(
            {
                "writer": writer,
                "image": image,
                "closed_asked": closed["asked"] if closed else 0,
                "closed_accuracy": closed["accuracy"] if closed else None,
                "closed_low": closed["accuracy_95"][0] if closed else None,
                "closed_high": closed["accuracy_95"][1] if closed else None,
                "open_asked": opened["asked"] if opened else 0,
                "open_recall": opened["recall"] if opened else None,
                "open_low": opened["recall_95"][0] if opened else None,
                "open_high": opened["recall_95"][1] if opened else None,
                "closed_judged_same": _same(figures, "closed"),
                "open_judged_same": _same(figures, "open"),
                "steps": figures["steps"],
            }
        )
    return rows


def _same(figures: Mapping[str, Any], kind: str) -> float | None:
    judged = figures.get("judged", {}).get(kind)
    return None if judged is None else judged["equivalent"]


def as_table(result: Mapping[str, Any]) -> str:
    """The same figures for people."""
    skipped = f", {result['skipped']} left out" if result["skipped"] else ""
    lines = [
        f"{result['data']}: {result['closed']} closed and {result['open']} open questions{skipped}",
        "",
        f"{'':32} {'closed right':>23} {'beyond majority':>17} {'open recall':>23} {'steps':>6} "
        "judged the same, closed and open",
    ]
    majority = result["majority"]
    if result["closed"]:
        lines.append(f"{'always ' + majority['answer']:32} {majority['accuracy']:7.3f}")
    for name, figures in result["answers"].items():
        writer, _, image = name.rpartition("/")
        shown = writer if image == "own" else f"  {image} image"
        cells = [f"{shown:32}", f"{'-':>23}", f"{'-':>17}", f"{'-':>23}"]
        if closed := figures.get("closed"):
            cells[1] = f"{closed['accuracy']:7.3f} {_interval(closed['accuracy_95'], ''):>15}"
            cells[2] = f"{_interval(closed['beyond_majority_95'], '+'):>17}"
        if opened := figures.get("open"):
            cells[3] = f"{opened['recall']:7.3f} {_interval(opened['recall_95'], ''):>15}"
        same = [_same(figures, kind) for kind in ("closed", "open")]
        shown_same = " ".join("    -" if share is None else f"{share:.3f}" for share in same)
        lines.append(f"{' '.join(cells)} {figures['steps']:6.1f} {shown_same}")
    if "judge" in result:
        lines.append(f"judge: {result['judge']['by']}")
    lines += ["", "closed questions, McNemar's test; open ones, paired t-test of the recall"]
    for pair in result["comparisons"]:
        lines.append(f"{pair['first']} against {pair['second']}")
        if closed := pair.get("closed"):
            lines.append(
                f"    closed: right alone {closed['only_first']} and {closed['only_second']}, "
                f"{closed['test']}, p {shown_p(closed['p'])}"
            )
        if opened := pair.get("open"):
            lines.append(f"    open: {opened['mean']:+.3f}, p {shown_p(opened['p'])}")
    return "\n".join(lines)


def _interval(ends: Sequence[float], sign: str) -> str:
    low, high = ends
    return f"{low:{sign}.3f} … {high:{sign}.3f}"


def drawing(result: Mapping[str, Any]) -> Callable[[Figure], None]:
    """Draws closed accuracy and open recall by writer and image."""

    def draw(figure: Figure) -> None:
        writers = list(dict.fromkeys(name.rpartition("/")[0] for name in result["answers"]))
        panels = figure.subplots(1, 2)
        wanted = (("closed", "accuracy", "closed questions right"), ("open", "recall", "recall"))
        for axes, (kind, figure_name, label) in zip(panels, wanted, strict=True):
            for image in IMAGES:
                for place, writer in enumerate(writers):
                    told = result["answers"].get(f"{writer}/{image}", {}).get(kind)
                    if told is None:
                        continue
                    mean, (low, high) = told[figure_name], told[f"{figure_name}_95"]
                    axes.bar(
                        place + 0.28 * (IMAGES.index(image) - 1),
                        mean,
                        0.26,
                        yerr=[[mean - low], [high - mean]],
                        capsize=2,
                        color=_COLOURS[image],
                        hatch=_HATCHES[image],
                        edgecolor="white",
                        label=f"{image} image" if place == 0 else None,
                    )
            axes.set_xticks(range(len(writers)), writers, rotation=30, ha="right")
            axes.set_ylim(0, 1)
            axes.set_title(label if kind == "closed" else "open questions, share of words")
            axes.grid(axis="y", alpha=0.3)
        if (rote := result["majority"]["accuracy"]) is not None:
            label = f"always {result['majority']['answer']}"
            panels[0].axhline(rote, color="black", linestyle="--", linewidth=1, label=label)
        handles, labels = panels[0].get_legend_handles_labels()
        if not handles:
            handles, labels = panels[1].get_legend_handles_labels()
        title = f"{counted(result['n'], 'questions')}, 95 % intervals"
        figure.legend(
            handles, labels, title=title, loc="outside lower center", ncols=max(1, len(labels))
        )

    return draw
