"""A fingerprint of rows, for a model card: two that are equal were trained on the same data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from inference.training.data.rows import DataError, Row


def fingerprint(rows: Iterable[Row]) -> str:
    """The SHA-256, in hexadecimal, over all that is learnt from and the bytes of the images.

    Neither the order of the rows counts nor where the files lie. Each image is read once: names
    and sizes alone would be quicker on a large data set, but stay the same when an image is
    exported anew or taken out of another study, which is what a card must be able to show.
    Raises :class:`DataError` where an image cannot be read.
    """
    digests: dict[Path, str] = {}
    whole = hashlib.sha256()
    for row in sorted(rows, key=lambda row: row.id):
        if row.image is not None and row.image not in digests:
            digests[row.image] = _digest(row.image)
        said = [
            *(row.id, row.kind, row.question, row.context, row.answer, list(row.alternatives)),
            digests[row.image] if row.image is not None else None,
        ]
        whole.update(json.dumps(said).encode() + b"\n")
    return whole.hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"The image {path} cannot be read ({error.strerror}); check the file."
        ) from error
