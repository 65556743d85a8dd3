"""What a benchmark leaves in its folder: every item's results, the figures, a table, a drawing."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ITEMS: Final = "items.jsonl"
"""Results item by item, from which a run that was broken off goes on."""

_DOTS_PER_INCH: Final = 160


class OutputError(Exception):
    """One sentence: why results cannot be written, and what to do."""


def open_folder(folder: Path) -> Path:
    """Make the folder, and find out before a long run what would fail after it.

    Returns where results are kept item by item. Raises :class:`OutputError`.
    """
    items = folder / ITEMS
    _try_folder(folder, items)
    return items


def check_folder(folder: Path) -> None:
    """The same for a run that is too short to be gone on with. Raises :class:`OutputError`."""
    trial = folder / ".trial"
    _try_folder(folder, trial)
    trial.unlink(missing_ok=True)


def _try_folder(folder: Path, touched: Path) -> None:
    check_drawing("--out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        touched.touch()
    except OSError as error:
        raise OutputError(f"{folder} cannot be written to ({error}). Name another --out.") from None


def check_drawing(option: str) -> None:
    """Raises :class:`OutputError` without matplotlib."""
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError:
        raise OutputError(
            f"{option} needs matplotlib, which is not installed: pip install 'pinfill[bench]'."
        ) from None


def write_outputs(
    folder: Path,
    result: Mapping[str, Any],
    rows: Sequence[Mapping[str, object]],
    draw: Callable[[Figure], None],
) -> None:
    """``result.json``, ``table.csv`` of ``rows`` (the keys of the first are its columns), and
    ``figure.png`` and ``figure.svg``.

    What was there before is replaced file by file. Raises :class:`OutputError`.
    """
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    try:
        _replace(folder / "result.json", (json.dumps(result, indent=2) + "\n").encode())
        _replace(folder / "table.csv", table.getvalue().encode())
        for name, drawn in drawings(draw).items():
            _replace(folder / f"figure.{name}", drawn)
    except OSError as error:
        kept = f" Every item's are kept in {ITEMS}." if (folder / ITEMS).exists() else ""
        raise OutputError(
            f"The results cannot be written to {folder} ({error}).{kept} Make room and run the "
            "same command again."
        ) from error


def drawings(draw: Callable[[Figure], None]) -> dict[str, bytes]:
    """A figure as PNG and as SVG, by the ending of the file."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure)
    made = {}
    for ending in ("png", "svg"):
        buffer = io.BytesIO()
        # Without the time of day and with names that stay: equal results give equal files.
        told = {"Date": None} if ending == "svg" else {}
        with rc_context({"svg.hashsalt": "pinfill"}):
            figure.savefig(buffer, format=ending, dpi=_DOTS_PER_INCH, metadata=told)
        made[ending] = buffer.getvalue()
    return made


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
