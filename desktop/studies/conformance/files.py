"""The file of a cell, and what the standard makes of it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, SecondaryCaptureImageStorage

from desktop.studies.conformance import encoding, reference
from desktop.studies.conformance.cells import Cell, Lookup, Unused
from desktop.studies.conformance.reference import Integers

_SHAPE: Final = (12, 20)
_UID: Final = "1.2.826.0.1.3680043.8.498.1"
_PALETTE: Final = 200
"""Entries of a palette, fewer than there are values."""


@dataclass(frozen=True, eq=False)
class Expected:
    """Stored values, the luma where there is colour, and grey levels of eight bits."""

    stored: Integers
    grey: Integers


@dataclass(eq=False)
class _Draft:
    """A file in the making."""

    cell: Cell
    draw: np.random.Generator
    dataset: Dataset = field(default_factory=Dataset)

    @property
    def lowest(self) -> int:
        return -(2 ** (self.cell.layout.stored - 1)) if self.cell.signed else 0

    @property
    def range(self) -> int:
        return int(2**self.cell.layout.stored)


def write(cell: Cell, path: Path) -> Expected:
    """Write the file of a cell; the same bytes each time."""
    draft = _Draft(cell, np.random.default_rng(zlib.crc32(str(cell).encode())))
    _describe(draft)
    if cell.photometric.startswith("MONOCHROME"):
        expected = _grey(draft)
    elif cell.photometric == "PALETTE COLOR":
        expected = _palette(draft)
    else:
        expected = _samples(draft)
    _save(draft, path)
    return expected


def _describe(draft: _Draft) -> None:
    cell, dataset = draft.cell, draft.dataset
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID = dataset.StudyInstanceUID = dataset.SeriesInstanceUID = _UID
    dataset.PatientName, dataset.PatientID = "Matrix", "0"
    dataset.Rows, dataset.Columns = _SHAPE
    dataset.PhotometricInterpretation = cell.photometric
    dataset.SamplesPerPixel = 3 if cell.photometric in ("RGB", "YBR_FULL") else 1
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = int(cell.planes)
    layout = cell.layout
    dataset.BitsAllocated, dataset.BitsStored = layout.allocated, layout.stored
    dataset.HighBit, dataset.PixelRepresentation = layout.high, int(cell.signed)


def _drawn(draft: _Draft, shape: tuple[int, ...] = _SHAPE) -> Integers:
    """Stored values of the whole range, its ends among them, put into the pixel data."""
    cell, layout = draft.cell, draft.cell.layout
    words = draft.draw.integers(0, 2**layout.allocated, shape)  # noise in all bits
    words.reshape(-1)[:4] = [0, 2**layout.allocated - 1, 2 ** (layout.high), 2**layout.high - 1]
    values = reference.stored_values(words, layout.stored, layout.high, signed=cell.signed)
    if cell.unused is not Unused.NOISE:
        bits = values if cell.unused is Unused.SIGNS else values & (2**layout.stored - 1)
        words = bits << (layout.high + 1 - layout.stored)
    pixels = (words & (2**layout.allocated - 1)).astype(f"u{layout.allocated // 8}")
    signed = cell.signed and cell.unused is Unused.SIGNS
    data = encoding.pixel_data(
        pixels, cell.syntax, planes=cell.planes and len(shape) == 3, signed=signed
    )
    compressed = cell.syntax not in encoding.NATIVE
    vr = "OB" if compressed or layout.allocated == 8 else "OW"
    draft.dataset.add_new("PixelData", vr, data)
    return values


def _grey(draft: _Draft) -> Expected:
    stored = _drawn(draft)
    values, unit = _modality(draft, stored)
    grey = _voi(draft, values, unit)
    inverted = draft.cell.photometric == "MONOCHROME1"
    return Expected(stored, reference.inverted(grey) if inverted else grey)


def _modality(draft: _Draft, stored: Integers) -> tuple[Integers, int]:
    """Modality values in whole numbers of ``1 / unit``."""
    lookup, dataset = draft.cell.lookup, draft.dataset
    if lookup is Lookup.RESCALED:
        dataset.RescaleSlope, dataset.RescaleIntercept = "0.25", "-100"
        return stored - 400, 4
    if lookup is Lookup.RESCALED_VOI_TABLE:
        dataset.RescaleSlope, dataset.RescaleIntercept = "-1", "5"
        return 5 - stored, 1
    if lookup not in (Lookup.MODALITY_TABLE, Lookup.BOTH_TABLES):
        return stored, 1
    least, count = (40000, 1000) if lookup is Lookup.BOTH_TABLES else (0, 65536)
    entries = least + draft.draw.integers(0, count, draft.range - 9)
    item, values = _table(draft, stored, draft.lowest + 4, 16, entries)
    dataset.ModalityLUTSequence = Sequence([item])
    return values, 1


def _voi(draft: _Draft, values: Integers, unit: int) -> Integers:
    lookup, dataset = draft.cell.lookup, draft.dataset
    if lookup in (Lookup.VOI_TABLE, Lookup.RESCALED_VOI_TABLE, Lookup.BOTH_TABLES):
        first = max(int(values.min()) + 2, -32768)
        count = max(2, min(int(values.max()) - first, 60000))
        entries = draft.draw.integers(0, 4096, count)
        entries[-1] = 4095
        item, levels = _table(draft, values, first, 12, entries)
        dataset.VOILUTSequence = Sequence([item])
        return reference.scaled(levels, 12)
    low, high = int(values.min()) // unit, int(values.max()) // unit
    center, width = (low + high) // 2, max(2, (high - low) * 2 // 3)
    if lookup is Lookup.NARROW:
        width = 1
    dataset.WindowCenter, dataset.WindowWidth = str(center), str(width)
    if lookup is Lookup.EXACT:
        dataset.VOILUTFunction = "LINEAR_EXACT"
        return reference.linear_exact(values, unit, center, width)
    if lookup is Lookup.SIGMOID:
        dataset.VOILUTFunction = "SIGMOID"
        return reference.sigmoid(values, unit, center, width)
    return reference.linear(values, unit, center, width)


def _table(
    draft: _Draft, inputs: Integers, first: int, bits: int, entries: Integers
) -> tuple[Dataset, Integers]:
    """A LUT item and what it makes of ``inputs``."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [len(entries) & 0xFFFF, first & 0xFFFF, bits])
    item.add_new("LUTData", "OW", encoding.words_as_bytes(entries, draft.cell.syntax))
    return item, reference.through_table(inputs, first, entries)


def _palette(draft: _Draft) -> Expected:
    stored = _drawn(draft)
    packed, first = draft.cell.planes, draft.range // 8
    bits = 8 if packed else 16
    bands = draft.draw.integers(0, 2**bits, (3, _PALETTE))
    bands[:, 0] = 2**bits - 1
    for colour, band in zip(("Red", "Green", "Blue"), bands, strict=True):
        keyword = f"{colour}PaletteColorLookupTable"
        draft.dataset.add_new(f"{keyword}Descriptor", "US", [_PALETTE, first, bits])
        data = encoding.words_as_bytes(band, draft.cell.syntax, packed=packed)
        draft.dataset.add_new(f"{keyword}Data", "OW", data)
    luma = reference.luma(*(reference.through_table(stored, first, band) for band in bands))
    return Expected(luma, reference.scaled(luma, bits))


def _samples(draft: _Draft) -> Expected:
    samples = _drawn(draft, (*_SHAPE, 3))
    bands = [samples[..., band] for band in range(3)]
    luma = bands[0] if draft.cell.photometric == "YBR_FULL" else reference.luma(*bands)
    return Expected(luma, reference.scaled(luma, draft.cell.layout.stored))


def _save(draft: _Draft, path: Path) -> None:
    cell, dataset = draft.cell, draft.dataset
    order: dict[str, Any] = {
        "implicit_vr": cell.syntax == ImplicitVRLittleEndian,
        "little_endian": cell.syntax != ExplicitVRBigEndian,
    }
    if not cell.preamble:
        dataset.save_as(path, **order)
        return
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = cell.syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    dataset.save_as(path, enforce_file_format=True)
