"""The plain layout: ``reports.jsonl``, one JSON object a line.

=============  ==================================================================================
key            value
=============  ==================================================================================
``image``      the image's file, named from the folder of the file; left out where there is none
``report``     the report's text, or
``question``   a question, and
``answer``     its answer
``context``    what stands beside the image, e.g. the indication
``id``         tells the row from all others; by default made from what it says
``patient``    rows of one patient are held out together; by default those of one image
``split``      ``train`` (the default), ``validate`` or ``test``
=============  ==================================================================================
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from inference.training.data.fields import kind_of, line, record, text
from inference.training.data.files import decode, lines
from inference.training.data.images import relative_name
from inference.training.data.layout import Layout, Read, Request, attempt
from inference.training.data.rows import SPLITS, BadRow, Kind, LeftOut, Origin, Row, Split

FILE: Final = "reports.jsonl"

_KEYS: Final = frozenset(
    {"image", "report", "question", "answer", "context", "id", "patient", "split"}
)


def _splits(path: Path) -> dict[Split, Path]:
    file = path / FILE if path.is_dir() else path
    return dict.fromkeys(SPLITS, file) if file.suffix == ".jsonl" and file.is_file() else {}


def _rows(request: Request) -> Iterator[Read]:
    unknown: set[str] = set()
    for number, written in lines(request.source):
        origin = Origin(request.source, number)
        yield attempt(origin, partial(_row, written, origin, request, unknown))
    for key in sorted(unknown):
        yield LeftOut(f"keys that mean nothing here ({key})")


def _row(written: str, origin: Origin, request: Request, unknown: set[str]) -> Row | LeftOut:
    try:
        value = decode(written)
    except ValueError as error:
        raise BadRow("The line is not valid JSON; write one object on it.") from error
    fields = {key: value for key, value in record(value).items() if value is not None}
    unknown |= fields.keys() - _KEYS
    kind, question, answer = _asked(fields)
    context = _optional(fields, "context")
    named = _optional(fields, "image")
    image = relative_name(named) if named else ""
    split = _optional(fields, "split") or "train"
    if split not in SPLITS:
        raise BadRow(f"The split is {split!r}; write {', '.join(SPLITS[:-1])} or {SPLITS[-1]}.")
    if split != request.split:
        return LeftOut("rows of other splits")
    said = json.dumps([image, question, context, answer])
    name = _optional(fields, "id") or hashlib.sha256(said.encode()).hexdigest()[:16]
    return Row(
        id=name,
        origin=origin,
        image=request.gallery.find(image, request.source.parent) if image else None,
        question=question,
        context=context,
        answer=answer,
        kind=kind,
        group=_optional(fields, "patient") or image or name,
    )


def _asked(fields: Mapping[str, Any]) -> tuple[Kind, str | None, str]:
    """Kind, question and answer."""
    asks = "question" in fields or "answer" in fields
    if "report" in fields and asks:
        raise BadRow("The row has a report and a question or an answer; make two rows of it.")
    if asks:
        answer = line(fields, "answer")
        return kind_of(answer), line(fields, "question"), answer
    return "report", None, text(fields, "report")


def _optional(fields: Mapping[str, Any], key: str) -> str:
    """The text on one line, ``""`` where it is missing or empty."""
    if fields.get(key, "") == "":
        return ""
    return line(fields, key)


PLAIN: Final = Layout(name="plain", splits=_splits, rows=_rows)
