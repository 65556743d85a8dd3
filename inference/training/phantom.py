"""Phantom chest radiographs of the fictional cases: pixels, and where each finding shows.

A frontal chest is drawn as attenuation along parallel rays, so that overlapping structures add,
and developed with the sigmoid of a log-exposure display. Nothing here is, or comes from, a real
patient. Smooth tissue is drawn on a fixed coarse grid, so that the picture does not depend on the
number of rows asked for but for its finest detail and its noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference.training.findings import DEVICES, Case, Kind
from inference.training.phantom_anatomy import Patient, patient_of
from inference.training.phantom_bones import (
    add_rib,
    add_ribs,
    add_shoulders,
    add_spine,
    ribs_of,
    vessels,
)
from inference.training.phantom_canvas import FIELD_MM, Canvas, Field, block_mean, resample, stream
from inference.training.phantom_devices import add_device, exposed, marker
from inference.training.phantom_tissue import SIZE, tissue_of

_MAXIMUM: Final = 4095
_VISIBLE: Final = 0.010
"""Mean change of display value (0 to 1) that counts a grid cell as showing a finding."""
_VISIBLE_LINE: Final = 0.003
"""The same for tubes and wires, which cover little of a cell."""


@dataclass(frozen=True)
class Phantom:
    """A rendered case.

    ``pixels`` are 12-bit stored values, shape (rows, rows), bone white (MONOCHROME2). ``masks``
    has one boolean (grid, grid) map for every label of the case, with at least one cell set.
    """

    pixels: NDArray[np.uint16]
    masks: dict[str, NDArray[np.bool_]]
    pixel_spacing_mm: float


def render(case: Case, rows: int = 1024, grid: int = 16) -> Phantom:
    """Draw a case; the same case and rows always give the same pixels."""
    patient = patient_of(case)
    coarse, fine = Canvas(SIZE, patient.pose), Canvas(rows, patient.pose)
    tissue = tissue_of(patient, coarse)
    field = resample(tissue.attenuation, rows)
    field += vessels(patient, fine) * resample(tissue.markings, rows)
    bones = fine.zeros()
    add_ribs(patient, fine, bones)
    add_spine(fine, bones)
    add_shoulders(patient, fine, bones)
    inside = np.clip(field * np.float32(1.2), 0, 1)  # no bone outside the body
    field += bones * inside
    for finding in case.findings:
        if finding.kind in DEVICES:
            add_device(patient, fine, field, finding)
    masks = _masks(patient, coarse, tissue.attenuation, grid)
    return Phantom(_develop(patient, field), masks, FIELD_MM / rows)


def _display(patient: Patient, attenuation: Field) -> Field:
    """Display value, 0 to 1, of an attenuation: the shoulder and toe of a film."""
    rng = stream(patient.case.seed, "exposure")
    centre = np.float32(2.85 + rng.normal(0, 0.12))
    contrast = np.float32(1.12 + rng.normal(0, 0.05))

    def sigmoid(x: Field) -> Field:
        return 1 / (1 + np.exp((centre - x) * contrast))

    floor = sigmoid(np.zeros(1, np.float32))
    return np.clip((sigmoid(attenuation) - floor) / (1 - floor), 0, 1)


def _develop(patient: Patient, field: Field) -> NDArray[np.uint16]:
    rows = field.shape[0]
    rng = stream(patient.case.seed, "noise")
    dose = float(rng.uniform(0.8, 1.25)) * (1.25 if patient.case.view == "AP" else 1.0)
    np.clip(field, 0.0, 8.0, out=field)
    grain = rng.standard_normal((rows, rows), dtype=np.float32)
    # Fewer quanta reach the detector behind dense tissue; a pixel's share grows with its area.
    field += grain * np.exp(field * np.float32(0.30)) * np.float32(0.026 * dose * rows / 1024)
    shown = _display(patient, field)
    shown *= exposed(patient, rows)
    lead = marker(patient, rows)
    shown += (np.float32(0.96) - shown) * lead
    shown *= np.float32(_MAXIMUM * 0.985)
    shown += np.float32(_MAXIMUM * 0.008)
    return np.clip(np.rint(shown), 0, _MAXIMUM).astype(np.uint16)


def _masks(
    patient: Patient, canvas: Canvas, attenuation: Field, grid: int
) -> dict[str, NDArray[np.bool_]]:
    """For each label, the cells whose display value changes when its findings are left out."""
    case = patient.case
    masks: dict[str, NDArray[np.bool_]] = {}
    with_it = _display(patient, attenuation)
    for label in sorted(case.labels):
        mine = [finding for finding in case.findings if finding.label == label]
        added = canvas.zeros()
        if mine[0].kind in DEVICES:
            for finding in mine:
                add_device(patient, canvas, added, finding)
            change = np.abs(_display(patient, attenuation + added) - with_it)
        elif mine[0].kind is Kind.RIB_FRACTURE:
            for rib in ribs_of(patient):
                if any((rib.side, rib.number) == (f.side, f.rib) for f in mine):
                    whole = canvas.zeros()
                    add_rib(patient, canvas, added, rib, broken=True)
                    add_rib(patient, canvas, whole, rib, broken=False)
                    added -= whole
            change = np.abs(_display(patient, attenuation + added) - with_it)
        else:
            others = tuple(finding for finding in case.findings if finding.label != label)
            # A shifted heart is a sign of the finding, but not where it lies.
            bare = replace(patient_of(replace(case, findings=others)), shift=patient.shift)
            change = np.abs(_display(bare, tissue_of(bare, canvas).attenuation) - with_it)
        share = block_mean(change.astype(np.float32), grid)
        most = float(share.max())
        least = _VISIBLE_LINE if mine[0].kind in DEVICES else max(_VISIBLE, 0.16 * most)
        masks[label] = share >= min(least, most)
    return masks
