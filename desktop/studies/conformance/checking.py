"""Reading the files of the matrix and comparing what comes of them with the reference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from desktop.studies.conformance.cells import Cell
from desktop.studies.conformance.files import write
from desktop.studies.errors import StudyError
from desktop.studies.reading import Study, read_study
from desktop.viewer.pixels import render_view
from desktop.viewer.resampling import Region


def deviations(
    cells: Iterable[Cell], folder: Path, read: Callable[[Path], Study] = read_study
) -> Iterator[str]:
    """A sentence for each cell whose stored values or grey levels are not those of the standard.

    One file at a time is written into ``folder``; that of a deviating cell stays there.
    """
    for number, cell in enumerate(cells):
        path = folder / f"cell-{number:05}.dcm"
        expected = write(cell, path)
        try:
            image = read(path).image
        except StudyError as error:
            yield f"{path.name} ({cell}) was refused: {error}"
            continue
        whole = Region(0, 0, image.rows, image.columns)
        shown = render_view(image, whole, (image.rows, image.columns))
        wrong = [
            f"{count} {what}"
            for what, count in (
                ("stored values", _differing(image.stored, expected.stored)),
                ("grey levels", _differing(shown, expected.grey)),
            )
            if count
        ]
        if wrong:
            yield f"{path.name} ({cell}) differs from the standard in {' and '.join(wrong)}."
        else:
            path.unlink()


def _differing(found: NDArray[np.integer], expected: NDArray[np.int64]) -> int:
    return int((found.astype(np.int64) != expected).sum())
