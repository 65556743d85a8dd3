"""The cells of the matrix: what is combined with what."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from desktop.studies.conformance import encoding


class Unused(StrEnum):
    """What the bits of a word hold that are no part of the value (PS3.5 8.1.1)."""

    ZEROS = "zeros"
    SIGNS = "signs"
    NOISE = "noise"


class Lookup(StrEnum):
    """Modality and VOI transformations."""

    LINEAR = "linear"
    NARROW = "narrow"
    EXACT = "exact"
    SIGMOID = "sigmoid"
    RESCALED = "rescaled"
    MODALITY_TABLE = "modality table"
    VOI_TABLE = "VOI table"
    RESCALED_VOI_TABLE = "rescaled VOI table"
    BOTH_TABLES = "both tables"
    NONE = "none"


@dataclass(frozen=True)
class Layout:
    """Bits Allocated, Bits Stored and High Bit."""

    allocated: int
    stored: int
    high: int


LAYOUTS: Final = (
    Layout(8, 8, 7),
    Layout(8, 6, 5),
    Layout(16, 16, 15),
    Layout(16, 12, 11),
    Layout(16, 12, 15),
    Layout(16, 9, 8),
    Layout(16, 8, 7),
)
_BARE: Final = frozenset(encoding.NATIVE) - {DeflatedExplicitVRLittleEndian}
"""Transfer syntaxes that can be told without a file header."""

_GREY_LOOKUPS: Final = tuple(lookup for lookup in Lookup if lookup is not Lookup.NONE)
_SAMPLES: Final = (Layout(8, 8, 7), Layout(16, 16, 15), Layout(16, 12, 11))


@dataclass(frozen=True)
class Cell:
    """One file of the matrix. ``planes`` is Planar Configuration 1, or a packed palette."""

    syntax: UID
    layout: Layout
    photometric: str
    lookup: Lookup = Lookup.NONE
    signed: bool = False
    unused: Unused = Unused.ZEROS
    planes: bool = False
    preamble: bool = True

    def __str__(self) -> str:
        layout = self.layout
        parts = [
            self.syntax.name,
            self.photometric,
            f"{'signed' if self.signed else 'unsigned'} {layout.stored} of {layout.allocated} bits",
            f"high bit {layout.high}",
            f"{self.unused} in unused bits",
            f"lookup {self.lookup}",
        ]
        parts += ["planes or packed"] * self.planes + ["no preamble"] * (not self.preamble)
        return ", ".join(parts)


def all_cells() -> Iterator[Cell]:
    """Every cell, always in the same order."""
    yield from _grey_cells()
    yield from _colour_cells()


def _grey_cells() -> Iterator[Cell]:
    for syntax, layout, signed, unused, photometric, lookup in itertools.product(
        (*encoding.NATIVE, *encoding.COMPRESSED),
        LAYOUTS,
        (False, True),
        Unused,
        ("MONOCHROME1", "MONOCHROME2"),
        _GREY_LOOKUPS,
    ):
        same = unused is not Unused.ZEROS and layout.stored == layout.allocated
        if same or (unused is Unused.SIGNS and not signed):
            continue
        yield Cell(syntax, layout, photometric, lookup, signed, unused)
        if syntax in _BARE and lookup in (Lookup.LINEAR, Lookup.BOTH_TABLES):
            yield Cell(syntax, layout, photometric, lookup, signed, unused, preamble=False)


def _colour_cells() -> Iterator[Cell]:
    for syntax, layout, unused, photometric, planes in itertools.product(
        encoding.COLOUR,
        _SAMPLES,
        (Unused.ZEROS, Unused.NOISE),
        ("RGB", "YBR_FULL", "PALETTE COLOR"),
        (False, True),
    ):
        if unused is Unused.NOISE and layout.stored == layout.allocated:
            continue
        if planes and syntax not in encoding.NATIVE and photometric != "PALETTE COLOR":
            continue
        yield Cell(syntax, layout, photometric, unused=unused, planes=planes)
