"""The verdicts on all answers of a benchmark, and what is told of them."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, Final, TypeVar

from inference.evaluation.judging.choosing import judge_of
from inference.evaluation.judging.verdicts import Item, Judge, Unjudged, judge_all
from inference.evaluation.statistics import bootstrap_interval
from inference.training.progress import Progress

Key = TypeVar("Key")

Verdicts = Mapping[tuple[int, str], bool]
"""What a judge made of results, by item and name; what is missing was not judged."""

VERDICTS: Final = "verdicts.jsonl"
"""In a benchmark's folder: every verdict, for whoever audits it."""


def judge_for(arguments: argparse.Namespace, folder: Path | None) -> Judge:
    """The judge that the options name, made before the long run; it wants to be closed.

    Its verdicts are kept in ``folder``, where no other file is named. Raises
    :class:`~inference.evaluation.judging.verdicts.JudgeError`.
    """
    if arguments.verdicts is None and folder is not None:
        arguments.verdicts = folder / VERDICTS
    return judge_of(arguments)


def judged_same(given: Sequence[bool], asked: int) -> dict[str, Any]:
    """How many of ``asked`` answers say the same as the reference, by the verdicts ``given``.

    While some have no verdict there is no share: which those are is no accident, since rules settle
    the plain ones. Then it is told between which ends the share lies, whatever the verdicts were.
    Nothing at all where nobody judged.
    """
    if not given:
        return {}
    told: dict[str, Any] = {"judged": len(given), "of": asked}
    if len(given) == asked:
        return told | {"equivalent": fmean(given), "equivalent_95": bootstrap_interval(given)}
    between = possible_share(sum(given), len(given), asked)
    return told | {"equivalent": None, "equivalent_between": between}


def possible_share(found: int, judged: int, asked: int) -> tuple[float, float]:
    """The ends of a share of ``asked``, where ``judged`` are known and ``found`` of them count."""
    return found / asked, (found + asked - judged) / asked


def judge_answers(
    judge: Judge, items: Mapping[Key, Item]
) -> tuple[dict[Key, bool], dict[str, Any]]:
    """The verdicts there are, and who judged; what nobody could judge is missing, and is told."""
    progress = Progress()
    keys = list(items)
    given = judge_all(
        judge, [items[key] for key in keys], track=lambda order: progress.track(order, "judging")
    )
    told: dict[str, Any] = {"by": judge.description}
    verdicts = {
        key: verdict.equivalent
        for key, verdict in zip(keys, given, strict=True)
        if not isinstance(verdict, Unjudged)
    }
    missing = [verdict.reason for verdict in given if isinstance(verdict, Unjudged)]
    told |= {"judged": len(verdicts), "unjudged": len(missing)}
    if missing:
        print(
            f"pinfill: {unjudged_told(missing, len(given))} The same command asks for them again.",
            file=sys.stderr,
        )
    return verdicts, told


def unjudged_told(reasons: Sequence[str], asked: int) -> str:
    """How many answers could not be judged, and why, the commonest reason first."""
    [(reason, count), *others] = Counter(reasons).most_common()
    more = f" (so {count} times; {len(others)} other reasons)" if others else ""
    return (
        f"{len(reasons)} of {asked} answers could not be judged, so that no figure is made of "
        f"them: {reason}{more}"
    )
