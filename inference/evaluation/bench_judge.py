"""``pinfill bench judge``: does a judge say what people said?

A judge is asked of pairs that were labelled by hand, and its agreement with the labels is told:
accuracy, Cohen's kappa and the four counts. Pairs with an even number were there to develop rules
by, those with an odd one were not, so that these are what tells of new pairs. Of pairs that were
not all judged there is no figure, but the ends between which the accuracy lies: those that rules
settle are the plain ones.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import msgspec

import inference
from inference.arguments import ArgumentParser
from inference.evaluation.judged import possible_share, unjudged_told
from inference.evaluation.judging.choosing import add_judge_arguments, judge_of
from inference.evaluation.judging.verdicts import (
    Item,
    JudgeError,
    Kind,
    Unjudged,
    Verdict,
    judge_all,
)
from inference.evaluation.statistics import bootstrap_interval, cohens_kappa, kappa_interval
from inference.training.data.fields import NOT_UTF_8
from inference.training.data.files import is_utf_8, lines
from inference.training.data.rows import BadRow, DataError, Malformed, Origin
from inference.training.data.telling import tell_malformed
from inference.training.progress import Progress

LABELLED: Final = Path("tests/inference/evaluation/judging/labelled.jsonl")
"""The project's own pairs, in its source tree; they are not installed with the application."""


class Labelled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the file. ``about`` names what is hard about it."""

    id: int
    about: str
    kind: Kind
    question: str
    reference: str
    answer: str
    alternatives: tuple[str, ...] = ()
    equivalent: bool

    @property
    def item(self) -> Item:
        return Item(self.question, self.reference, self.answer, self.alternatives, self.kind)


def main(argv: Sequence[str] | None = None) -> int:
    parser = ArgumentParser("pinfill bench judge", description=__doc__)
    parser.add_argument("--labelled", type=Path, metavar="FILE.jsonl", help="pairs with labels")
    parser.add_argument("--seed", type=int, default=0, help="of the order that they are asked in")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_judge_arguments(parser)
    arguments = parser.parse_args(argv)
    progress = Progress()
    try:
        path, pairs = read_labelled(arguments.labelled)
        with closing(judge_of(arguments)) as judge:
            verdicts = judge_all(
                judge,
                [pair.item for pair in pairs],
                seed=arguments.seed,
                track=lambda order: progress.track(order, "judging"),
            )
            told = {"labelled": str(path), "judge": judge.description}
    except (JudgeError, DataError) as error:
        print(f"pinfill: {error}", file=sys.stderr)
        return 2
    result = told | summarise(pairs, verdicts)
    if missing := [one["reason"] for one in result["unjudged"]]:
        print(f"pinfill: {unjudged_told(missing, len(pairs))}", file=sys.stderr)
    print(json.dumps(result, indent=2) if arguments.json else as_table(result))
    return 1 if result["all"]["unjudged"] else 0


def read_labelled(path: Path | None) -> tuple[Path, list[Labelled]]:
    """The pairs of a file, or the project's own; lines that hold none are named on the terminal.

    Raises :class:`~inference.training.data.rows.DataError`.
    """
    if path is None:
        path = Path(inference.__file__).parents[1] / LABELLED
        if not path.is_file():
            raise DataError(
                "The project's labelled pairs are in its source tree alone: name a file of your "
                "own with --labelled."
            )
    pairs: list[Labelled] = []
    malformed: list[Malformed] = []
    for number, line in lines(path):
        try:
            pairs.append(_labelled(line))
        except BadRow as error:
            malformed.append(Malformed(Origin(path, number), str(error)))
    tell_malformed(malformed, "left out: ")
    if not pairs:
        raise DataError(f"{path} holds no labelled pair: name another file.")
    return path, pairs


def _labelled(line: str) -> Labelled:
    if not is_utf_8(line):
        raise BadRow(NOT_UTF_8)
    try:
        return msgspec.json.decode(line, type=Labelled)
    except msgspec.MsgspecError as error:
        raise BadRow(f"The line is no labelled pair ({error}); mend it.") from None


def summarise(pairs: Sequence[Labelled], verdicts: Sequence[Verdict | Unjudged]) -> dict[str, Any]:
    """The figures of all pairs, of both halves and by what is hard; intervals are 95 %
    bootstrap ones over the pairs."""
    both = list(zip(pairs, verdicts, strict=True))
    disagreed = [
        {"id": pair.id, "labelled": pair.equivalent, "by": verdict.by, "reason": verdict.reason}
        for pair, verdict in both
        if isinstance(verdict, Verdict) and verdict.equivalent != pair.equivalent
    ]
    unjudged = [
        {"id": pair.id, "reason": verdict.reason}
        for pair, verdict in both
        if isinstance(verdict, Unjudged)
    ]
    return {
        "all": _agreement(both),
        "even": _agreement([one for one in both if one[0].id % 2 == 0]),
        "odd": _agreement([one for one in both if one[0].id % 2 == 1]),
        "about": {
            about: _agreement([one for one in both if one[0].about == about])
            for about in dict.fromkeys(pair.about for pair in pairs)
        },
        "disagreed": disagreed,
        "unjudged": unjudged,
    }


def _agreement(both: Sequence[tuple[Labelled, Verdict | Unjudged]]) -> dict[str, Any]:
    judged = [
        (pair.equivalent, verdict.equivalent)
        for pair, verdict in both
        if isinstance(verdict, Verdict)
    ]
    labels = [label for label, _ in judged]
    said = [verdict for _, verdict in judged]
    agreed = [float(label == verdict) for label, verdict in judged]
    complete = bool(agreed) and len(judged) == len(both)
    return {
        "n": len(both),
        "unjudged": len(both) - len(judged),
        "accuracy": fmean(agreed) if complete else None,
        "accuracy_95": bootstrap_interval(agreed) if complete else None,
        "accuracy_between": None
        if complete or not both
        else possible_share(int(sum(agreed)), len(judged), len(both)),
        "kappa": cohens_kappa(labels, said) if complete else None,
        "kappa_95": kappa_interval(labels, said) if complete else None,
        "same_said_same": judged.count((True, True)),
        "same_said_different": judged.count((True, False)),
        "different_said_same": judged.count((False, True)),
        "different_said_different": judged.count((False, False)),
    }


def as_table(result: dict[str, Any]) -> str:
    """The same figures for people."""
    lines = [
        f"{result['all']['n']} labelled pairs, {result['labelled']}",
        f"judge: {result['judge']}",
        "",
        f"{'':24} {'n':>4} {'unjudged':>8} {'accuracy':>22} {'kappa':>22} {'same':>11} "
        f"{'different':>11}",
    ]
    titles = {
        "all": "all",
        "even": "even, rules made by them",
        "odd": "odd, held back",
    }
    lines += [_line(title, result[name]) for name, title in titles.items()]
    lines += ["", *(_line(about, figures) for about, figures in result["about"].items())]
    for one in result["disagreed"]:
        label = "same" if one["labelled"] else "different"
        lines += ["", f"{one['id']}: labelled {label}. {one['by']}: {one['reason']}"]
    alike: dict[str, list[int]] = {}
    for one in result["unjudged"]:
        alike.setdefault(one["reason"], []).append(one["id"])
    for reason, ids in alike.items():
        lines += ["", f"{', '.join(map(str, ids))}: not judged. {reason}"]
    return "\n".join(lines)


def _line(title: str, figures: dict[str, Any]) -> str:
    same = f"{figures['same_said_same']}+{figures['same_said_different']}"
    different = f"{figures['different_said_different']}+{figures['different_said_same']}"
    return (
        f"{title:24} {figures['n']:4} {figures['unjudged']:8} "
        f"{_with_interval(figures, 'accuracy'):>22} {_with_interval(figures, 'kappa'):>22} "
        f"{same:>11} {different:>11}"
    )


def _with_interval(figures: dict[str, Any], name: str) -> str:
    value, interval = figures[name], figures[f"{name}_95"]
    if name == "accuracy" and figures["accuracy_between"] is not None:
        low, high = figures["accuracy_between"]
        return f"{low:.2f} to {high:.2f}"
    if value is None or interval is None:
        return "-"
    return f"{value:.2f} ({interval[0]:.2f} … {interval[1]:.2f})"
