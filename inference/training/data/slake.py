"""SLAKE 1.0: ``train.json``, ``validate.json``, ``test.json``; ``imgs/xmlabN/source.jpg``.

Questions are in English and in Chinese, told apart by ``q_lang``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from inference.training.data.fields import answer_type, figure, line, record
from inference.training.data.files import elements
from inference.training.data.layout import Layout, Read, Request, attempt, files_by_split
from inference.training.data.rows import LeftOut, Origin, Row, Split

_FILES: Final[dict[str, Split]] = {
    "train.json": "train",
    "validate.json": "validate",
    "test.json": "test",
}


def _rows(request: Request) -> Iterator[Read]:
    for number, element in elements(request.source):
        origin = Origin(request.source, number)
        yield attempt(origin, partial(_row, element, origin, request))


def _row(element: Any, origin: Origin, request: Request) -> Row | LeftOut:
    fields = record(element)
    language = line(fields, "q_lang")
    if language != request.language:
        return LeftOut(f"rows in {language}")
    image = line(fields, "img_name")
    return Row(
        id=f"slake/{figure(fields, 'qid')}",
        origin=origin,
        image=request.gallery.find(image, request.source.parent / "imgs"),
        question=line(fields, "question"),
        context="",
        answer=figure(fields, "answer"),
        kind=answer_type(fields),
        group=f"slake/{image}",
    )


SLAKE: Final = Layout(name="SLAKE", splits=partial(files_by_split, names=_FILES), rows=_rows)
