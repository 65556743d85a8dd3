"""The plain layout: ``reports.jsonl``, one JSON object a line.

=============  ==================================================================================
key            value
=============  ==================================================================================
``image``      the image's file, named from the folder of the file; left out where there is none
``report``     the report's text (``text`` means the same), or
``question``   a question, and
``answer``     its answer
``context``    what stands beside the image, e.g. the indication
``id``         tells the row from all others; by default made from what it says
``patient``    rows of one patient are held out together; by default those of one image
``split``      ``train`` (the default), ``validate`` or ``test``
=============  ==================================================================================

Where no row has a ``split``, the file is not divided, and all of it is read for any split.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from inference.counting import counted
from inference.training.data.fields import figure, kind_of, line, record, text
from inference.training.data.files import decode, lines
from inference.training.data.images import relative_name
from inference.training.data.layout import Layout, Read, Request, attempt
from inference.training.data.rows import (
    SPLITS,
    BadRow,
    Kind,
    LeftOut,
    Note,
    Origin,
    Row,
    Split,
)

FILE: Final = "reports.jsonl"

_KEYS: Final = frozenset(
    {"image", "report", "text", "question", "answer", "context", "id", "patient", "split"}
)


def _splits(path: Path) -> dict[Split, Path]:
    file = path / FILE if path.is_dir() else path
    return dict.fromkeys(SPLITS, file) if file.suffix == ".jsonl" and file.is_file() else {}


def _rows(request: Request) -> Iterator[Read]:
    values = [(number, _decoded(written)) for number, written in lines(request.source)]
    divided = any(isinstance(value, dict) and value.get("split") for _, value in values)
    wanted = request.split if divided else None
    if values and wanted is None and request.split != "train":
        yield Note(
            f"No row of {request.source} has a 'split', so that all are taken for "
            f"{request.split!r}."
        )
    unknown: Counter[str] = Counter()
    for number, value in values:
        origin = Origin(request.source, number)
        yield attempt(origin, partial(_row, value, origin, request, wanted, unknown))
    for key, count in sorted(unknown.items()):
        rows = counted(count, "rows")
        yield Note(f"The key {key!r} in {rows} of {request.source} means nothing here.")


class _NotJson:
    """Stands for a line that is none."""


def _decoded(written: str) -> Any:
    try:
        return decode(written)
    except ValueError:
        return _NotJson()


def _row(
    value: Any, origin: Origin, request: Request, wanted: Split | None, unknown: Counter[str]
) -> Row | LeftOut:
    """A line as a row; ``wanted`` is ``None`` where the file is not divided into splits."""
    if isinstance(value, _NotJson):
        raise BadRow("The line is not valid JSON; write one object on it.")
    fields = {key: value for key, value in record(value).items() if value is not None}
    unknown.update(fields.keys() - _KEYS)
    kind, question, answer = _asked(fields)
    context = _optional(fields, "context")
    named = _optional(fields, "image")
    image = relative_name(named) if named else ""
    split = _optional(fields, "split") or "train"
    if split not in SPLITS:
        raise BadRow(f"The split is {split!r}; write {', '.join(SPLITS[:-1])} or {SPLITS[-1]}.")
    if wanted is not None and split != wanted:
        return LeftOut(f"rows of the split {split!r}")
    said = json.dumps([image, question, context, answer])
    name = _optional(fields, "id", figure) or hashlib.sha256(said.encode()).hexdigest()[:16]
    return Row(
        id=name,
        origin=origin,
        image=request.gallery.find(image, request.source.parent) if image else None,
        question=question,
        context=context,
        answer=answer,
        kind=kind,
        group=_optional(fields, "patient", figure) or image or name,
    )


def _asked(fields: Mapping[str, Any]) -> tuple[Kind, str | None, str]:
    """Kind, question and answer."""
    asks = "question" in fields or "answer" in fields
    reports = [key for key in ("report", "text") if key in fields]
    if reports and asks:
        raise BadRow("The row has a report and a question or an answer; make two rows of it.")
    if len(reports) > 1:
        raise BadRow("The row has a 'report' and a 'text', which mean the same; keep one of them.")
    if asks:
        answer = figure(fields, "answer")
        return kind_of(answer), line(fields, "question"), answer
    return "report", None, text(fields, reports[0] if reports else "report")


def _optional(
    fields: Mapping[str, Any],
    key: str,
    read: Callable[[Mapping[str, Any], str], str] = line,
) -> str:
    """The text on one line, ``""`` where it is missing or empty."""
    if fields.get(key, "") == "":
        return ""
    return read(fields, key)


PLAIN: Final = Layout(name="plain", splits=_splits, rows=_rows)
