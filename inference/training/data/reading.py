"""Reading a data set: the layout is found by what lies at a path, and every fault is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

from inference.counting import counted, is_or_are
from inference.training.data.images import Gallery
from inference.training.data.layout import Layout, Request
from inference.training.data.mimic_cxr import MIMIC_CXR
from inference.training.data.plain import FILE, PLAIN
from inference.training.data.rows import (
    DataError,
    LeftOut,
    Malformed,
    Note,
    Reading,
    Row,
    Split,
)
from inference.training.data.slake import SLAKE
from inference.training.data.vqa_med import VQA_MED
from inference.training.data.vqa_rad import VQA_RAD

_LAYOUTS: Final = (PLAIN, VQA_RAD, SLAKE, VQA_MED, MIMIC_CXR)


def read(
    path: Path,
    split: Split | None = None,
    language: str = "en",
    images: Literal["required", "ignored"] = "required",
) -> Reading:
    """Read one split of the data set in a folder, or of the file at ``path``.

    Without a ``split`` that is the one that a file is named for, else the one to train on.
    ``language`` chooses rows where the data tells them apart, as SLAKE does; a plain file is read
    whole. Where images are ``"required"``, each is looked for and looked into, not decoded; where
    they are ``"ignored"``, rows have none.

    Rows that cannot be used come back as malformed, never in silence. Raises :class:`DataError`
    where a file cannot be used as a whole, or none of its rows.
    """
    try:
        layout, offered = _find(path)
        split = split or _implied(path, offered)
        if split not in offered:
            raise DataError(
                f"{path} has no split {split!r} of {layout.name}; it has {_and(offered)}."
            )
        if layout.language not in (None, language):
            raise DataError(
                f"{layout.name} is not in {language!r}; ask for {layout.language!r}, its language."
            )
        gallery = Gallery(wanted=images == "required")
        return _collect(layout, Request(offered[split], split, language, gallery))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}); check it.") from error


def _find(path: Path) -> tuple[Layout, Mapping[Split, Path]]:
    if not path.exists():
        raise DataError(f"{path} does not exist; name a folder or a file.")
    found = [(layout, offered) for layout in _LAYOUTS if (offered := layout.splits(path))]
    if not found:
        names = [layout.name for layout in _LAYOUTS if layout is not PLAIN]
        raise DataError(
            f"{path} is no data set in a known layout ({', '.join(names)}, or a {FILE}); "
            f"name the folder that holds one, or write a {FILE}."
        )
    if len(found) > 1:
        names = [layout.name for layout, _ in found]
        raise DataError(f"{path} holds several data sets ({_and(names)}); name the file of one.")
    return found[0]


def _implied(path: Path, offered: Mapping[Split, Path]) -> Split:
    return next(iter(offered)) if path.is_file() and len(offered) == 1 else "train"


def _collect(layout: Layout, request: Request) -> Reading:
    rows: dict[str, Row] = {}
    malformed: list[Malformed] = []
    left_out: Counter[str] = Counter()
    notes: list[str] = []
    for read_one in layout.rows(request):
        if isinstance(read_one, LeftOut):
            left_out[read_one.why] += 1
        elif isinstance(read_one, Note):
            notes.append(read_one.sentence)
        elif isinstance(read_one, Malformed):
            malformed.append(read_one)
        elif (twin := rows.setdefault(read_one.id, read_one)) is not read_one:
            malformed.append(_repeated(read_one, twin))
    if not rows:
        raise _nothing(request, malformed, left_out)
    return Reading(
        layout.name,
        request.split,
        tuple(rows.values()),
        tuple(malformed),
        left_out,
        tuple(notes),
    )


def _repeated(row: Row, twin: Row) -> Malformed:
    reason = f"The row has the id {row.id!r} of {twin.origin}; give it another, or delete it."
    return Malformed(row.origin, reason)


def _nothing(
    request: Request, malformed: list[Malformed], left_out: Mapping[str, int]
) -> DataError:
    source, split = request.source, request.split
    if wrong := len(malformed):
        return DataError(
            f"No row of {source} can be used, and {wrong:,} {is_or_are(wrong)} malformed; "
            f"begin with {malformed[0]}",
            tuple(malformed),
        )
    if left_out:
        found = _and([counted(count, why) for why, count in left_out.items()])
        return DataError(
            f"{source} has no row for the split {split!r} in {request.language!r}, but {found}; "
            "ask for another split or language."
        )
    return DataError(f"{source} is empty; fetch it again from its source.")


def _and(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
