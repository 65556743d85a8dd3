"""The verdicts on all answers of a benchmark, and what is told of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from inference.evaluation.judging.choosing import judge_of
from inference.evaluation.judging.verdicts import Item, Judge, Unjudged, judge_all
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
            f"pinfill: {len(missing)} of {len(given)} answers could not be judged, and count "
            f"neither way; of the first one: {missing[0]} The same command asks for them again.",
            file=sys.stderr,
        )
    return verdicts, told
