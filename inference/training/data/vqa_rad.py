"""VQA-RAD: ``trainset.json`` and ``testset.json``, arrays of questions; ``images/*.jpg``."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from inference.training.data.fields import answer_type, figure, line, record
from inference.training.data.files import elements
from inference.training.data.layout import Layout, Read, Request, attempt, files_by_split
from inference.training.data.rows import Origin, Row, Split

_FILES: Final[dict[str, Split]] = {"trainset.json": "train", "testset.json": "test"}


def _rows(request: Request) -> Iterator[Read]:
    for number, element in elements(request.source):
        origin = Origin(request.source, number)
        yield attempt(origin, partial(_row, element, origin, request))


def _row(element: Any, origin: Origin, request: Request) -> Row:
    fields = record(element)
    image = line(fields, "image_name")
    return Row(
        id=f"vqa-rad/{figure(fields, 'qid')}",
        origin=origin,
        image=request.gallery.find(image, request.source.parent / "images"),
        question=line(fields, "question"),
        context="",
        answer=figure(fields, "answer"),
        kind=answer_type(fields),
        group=f"vqa-rad/{image}",
    )


VQA_RAD: Final = Layout(
    name="VQA-RAD",
    splits=partial(files_by_split, names=_FILES),
    rows=_rows,
    language="en",
)
