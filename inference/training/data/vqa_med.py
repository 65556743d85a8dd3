"""VQA-Med 2019: lines of ``image|question|answer``, and ``image|category|question|answer`` to test.

``All_QA_Pairs_train.txt`` lies beside ``Train_images/``, ``All_QA_Pairs_val.txt`` beside
``Val_images/``, the test file beside ``VQAMed2019_Test_Images/`` or the images themselves; the
three may lie in folders of their own, as their archives unpack. Images are ``.jpg``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

from inference.counting import counted
from inference.training.data.fields import NOT_UTF_8, kind_of, line
from inference.training.data.files import is_utf_8, lines
from inference.training.data.layout import Layout, Read, Request, attempt, files_by_split
from inference.training.data.rows import BadRow, Origin, Row, Split

_FILES: Final[dict[str, Split]] = {
    "All_QA_Pairs_train.txt": "train",
    "All_QA_Pairs_val.txt": "validate",
    "VQAMed2019_Test_Questions_w_Ref_Answers.txt": "test",
}
_IMAGES: Final[dict[Split, str]] = {
    "train": "Train_images",
    "validate": "Val_images",
    "test": "VQAMed2019_Test_Images",
}
_FIELDS: Final[dict[Split, tuple[str, ...]]] = {
    "train": ("image", "question", "answer"),
    "validate": ("image", "question", "answer"),
    "test": ("image", "category", "question", "answer"),
}


def _splits(path: Path) -> dict[Split, Path]:
    found = files_by_split(path, _FILES)
    if path.is_dir():
        for folder in sorted(below for below in path.iterdir() if below.is_dir()):
            found = files_by_split(folder, _FILES) | found
    return found


def _rows(request: Request) -> Iterator[Read]:
    for number, text in lines(request.source):
        origin = Origin(request.source, number)
        yield attempt(origin, partial(_row, text, origin, request))


def _row(text: str, origin: Origin, request: Request) -> Row:
    if not is_utf_8(text):
        raise BadRow(NOT_UTF_8)
    names, values = _FIELDS[request.split], text.split("|")
    if len(values) != len(names):
        raise BadRow(
            f"The line has {counted(len(values), 'fields')}; write {len(names)}, as in "
            f"{'|'.join(names)}."
        )
    fields = dict(zip(names, values, strict=True))
    image, question = line(fields, "image"), line(fields, "question")
    # Any one of several answers is right.
    answers = [line({"answer": part}, "answer") for part in fields["answer"].split("#")]
    folder = request.source.parent
    return Row(
        id=f"vqa-med-2019/{image}/{hashlib.sha256(question.encode()).hexdigest()[:8]}",
        origin=origin,
        image=request.gallery.find(f"{image}.jpg", folder / _IMAGES[request.split], folder),
        question=question,
        context="",
        answer=answers[0],
        kind=kind_of(answers[0]),
        group=f"vqa-med-2019/{image}",
        alternatives=tuple(answers[1:]),
    )


VQA_MED: Final = Layout(name="VQA-Med 2019", splits=_splits, rows=_rows, language="en")
