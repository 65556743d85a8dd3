"""What is unresolved in a report, told on the command line: ``pinfill check``, and after a fill."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from desktop.report.clashes import (
    UNKNOWN,
    DismissedClash,
    ReportClash,
    report_clashes,
    text_clashes,
    title,
    unresolved,
)
from desktop.report.coding import FORMAT, decode_any
from desktop.report.errors import NewerReport
from desktop.report.leaving import gap_told, gaps_of
from desktop.report.spans import GAP_CHAR
from desktop.report_file import ReportFileError, mask_gaps, read_text
from desktop.studies.header import study_facts
from desktop.studies.isolation import read_study
from desktop.terminal import printable

CLEAN = 0
UNRESOLVED = 1


def run(report: Path, study: Path | None = None, *, as_json: bool = False) -> int:
    """Print what is unresolved in a report; 1 where anything is, else 0.

    ``report`` is a text file, in which ``{{gap}}`` marks a gap, or a report that Pinfill saved.
    Raises :class:`~desktop.report_file.ReportFileError` and
    :class:`~desktop.studies.errors.StudyError`.
    """
    facts = study_facts(read_study(study)) if study is not None else UNKNOWN
    saved = read_text(report)
    if _is_saved_report(saved):
        try:
            document = decode_any(saved.encode())[0]
        except (ValueError, NewerReport) as error:
            told = f"{report}: this saved report cannot be read ({error})."
            raise ReportFileError(told) from None
        text, dismissed = document.text, document.dismissed
        found = report_clashes(document.content, facts)
    else:
        text, dismissed = mask_gaps(saved), ()
        found = text_clashes(text, facts)
    clashes = unresolved(found, dismissed)
    if as_json:
        answer = {**as_object(text, clashes), "dismissed": [_dismissal(each) for each in dismissed]}
        print(json.dumps(answer, ensure_ascii=False))
    else:
        for line in lines(text, clashes):
            print(printable(line))
    return UNRESOLVED if clashes or GAP_CHAR in text else CLEAN


def _is_saved_report(text: str) -> bool:
    return text.lstrip()[:1] == "{" and f'"{FORMAT}"' in text


def lines(text: str, clashes: Iterable[ReportClash]) -> list[str]:
    """A line for each clash and each open gap of ``text``, with line and column of its places."""
    told = []
    for clash in clashes:
        places = " and ".join("{}:{}".format(*_at(text, low)) for low, _ in clash.places)
        told.append(f"{places}: {title(clash)}: {clash.why}")
    told += [
        f"{_at(text, start)[0]}:{_at(text, start)[1]}: {gap_told(text, start)}"
        for start, _ in gaps_of(text)
    ]
    return told


def as_object(text: str, clashes: Sequence[ReportClash]) -> dict[str, Any]:
    """The same for ``--json``: ``clashes`` and ``gaps``, lines and columns counted from 1."""
    return {
        "clashes": [
            {
                "kind": clash.kind,
                "gravity": "major" if clash.is_grave else "minor",
                "form": clash.of_form,
                "why": clash.why,
                "places": [_place(text, low, high) for low, high in clash.places],
            }
            for clash in clashes
        ],
        "gaps": [_place(text, low, high) for low, high in gaps_of(text)],
    }


def _place(text: str, start: int, end: int) -> dict[str, Any]:
    line, column = _at(text, start)
    words = text[start:end].replace(GAP_CHAR, "")
    return {"line": line, "column": column, "start": start, "end": end, "text": words}


def _at(text: str, position: int) -> tuple[int, int]:
    return text.count("\n", 0, position) + 1, position - text.rfind("\n", 0, position)


def _dismissal(each: DismissedClash) -> dict[str, Any]:
    return {"kind": each.kind, "words": list(each.words), "reason": each.reason}
