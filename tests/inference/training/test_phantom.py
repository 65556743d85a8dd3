"""The phantom radiograph: what must hold of every picture, and of every finding in one."""

from __future__ import annotations

import numpy as np
import pytest

from inference.training.findings import LABELS, Case, Finding, Kind, Lobe, Side, Size, sample_case
from inference.training.phantom import Phantom, render

ROWS = 256
SEED = 41

ONE_OF_EACH = (
    Finding(Kind.CARDIOMEGALY, size=Size.SMALL),
    *(Finding(Kind.EFFUSION, side=side, size=Size.SMALL) for side in Side),
    *(Finding(Kind.PNEUMOTHORAX, side=side, size=Size.SMALL) for side in Side),
    *(Finding(Kind.CONSOLIDATION, side=lobe.side, lobe=lobe) for lobe in Lobe),
    *(Finding(Kind.ATELECTASIS, side=lobe.side, lobe=lobe) for lobe in Lobe),
    Finding(Kind.OEDEMA, size=Size.SMALL),
    *(Finding(Kind.NODULE, side=lobe.side, lobe=lobe, millimetres=8) for lobe in Lobe),
    *(Finding(Kind.MASS, side=lobe.side, lobe=lobe, millimetres=32) for lobe in Lobe),
    Finding(Kind.HYPERINFLATION),
    Finding(Kind.HIATAL_HERNIA),
    *(Finding(Kind.RIB_FRACTURE, side=side, rib=rib) for side in Side for rib in (4, 9)),
    Finding(Kind.ENDOTRACHEAL_TUBE),
    *(Finding(Kind.CENTRAL_LINE, side=side) for side in Side),
    Finding(Kind.PACEMAKER, side=Side.LEFT),
    Finding(Kind.NASOGASTRIC_TUBE),
)


def case(*findings: Finding, seed: int = SEED) -> Case:
    return Case(seed=seed, sex="F", age=58, view="PA", findings=findings)


@pytest.fixture(scope="module")
def normal() -> Phantom:
    return render(case(), ROWS)


def change(picture: Phantom, before: Phantom) -> np.ndarray:
    return np.abs(picture.pixels.astype(float) - before.pixels.astype(float))


def upsampled(mask: np.ndarray, rows: int = ROWS) -> np.ndarray:
    return np.kron(mask, np.ones((rows // len(mask),) * 2)).astype(bool)


def test_same_case_gives_the_same_pixels(normal: Phantom) -> None:
    assert np.array_equal(render(case(), ROWS).pixels, normal.pixels)
    assert not np.array_equal(render(case(seed=SEED + 1), ROWS).pixels, normal.pixels)


def test_pixels_are_twelve_bits_and_use_them(normal: Phantom) -> None:
    assert normal.pixels.shape == (ROWS, ROWS)
    assert normal.pixels.dtype == np.uint16
    assert normal.pixels.max() <= 4095
    assert np.ptp(normal.pixels) > 3500
    assert normal.pixel_spacing_mm * ROWS == pytest.approx(400)


def test_lung_is_dark_between_white_bone_and_black_air(normal: Phantom) -> None:
    corner = normal.pixels[10:20, 10:20].mean()
    lung = normal.pixels[90:130, 60:90].mean()
    spine = normal.pixels[200:220, 122:134].mean()
    assert corner < 200 < lung < 0.6 * spine


def test_picture_does_not_depend_on_the_rows() -> None:
    shown = case(ONE_OF_EACH[1], Finding(Kind.PACEMAKER, side=Side.LEFT))
    fine, coarse = render(shown, 512), render(shown, ROWS)
    averaged = fine.pixels.reshape(ROWS, 2, ROWS, 2).mean(axis=(1, 3))
    assert np.abs(averaged - coarse.pixels).mean() < 0.01 * 4095
    for label, mask in fine.masks.items():
        assert np.array_equal(mask, coarse.masks[label])


@pytest.mark.parametrize("finding", ONE_OF_EACH, ids=lambda f: f"{f.label}-{f.lobe or f.side}")
def test_finding_shows_where_its_mask_says(finding: Finding, normal: Phantom) -> None:
    picture = render(case(finding), ROWS)
    (mask,) = picture.masks.values()
    assert mask.shape == (16, 16)
    difference = change(picture, normal)
    inside, outside = difference[upsampled(mask)], difference[~upsampled(mask)]
    assert inside.max() > 0.08 * 4095, "too faint to see"
    assert inside.mean() > 4 * outside.mean()


@pytest.mark.parametrize("kind", [Kind.EFFUSION, Kind.PNEUMOTHORAX])
@pytest.mark.parametrize("side", list(Side))
def test_left_of_the_patient_is_right_on_the_image(kind: Kind, side: Side) -> None:
    picture = render(case(Finding(kind, side=side, size=Size.LARGE)), ROWS)
    columns = np.flatnonzero(picture.masks[f"{kind}_{side}"].any(axis=0))
    assert bool(columns.mean() > 7.5) == (side is Side.LEFT)


@pytest.mark.parametrize("kind", [Kind.CARDIOMEGALY, Kind.EFFUSION, Kind.PNEUMOTHORAX, Kind.OEDEMA])
def test_larger_shows_more(kind: Kind, normal: Phantom) -> None:
    side = Side.RIGHT if kind in (Kind.EFFUSION, Kind.PNEUMOTHORAX) else None
    seen = [
        change(render(case(Finding(kind, side=side, size=size)), ROWS), normal).mean()
        for size in Size
    ]
    assert seen[0] < seen[1] < seen[2]


def test_small_finding_changes_nothing_elsewhere(normal: Phantom) -> None:
    """No stream of chance is shared: what a finding does not touch stays bit for bit."""
    finding = Finding(Kind.NODULE, side=Side.RIGHT, lobe=Lobe.RIGHT_UPPER, millimetres=20)
    picture = render(case(finding), ROWS)
    near = np.zeros((18, 18), bool)
    for down in range(3):
        for across in range(3):
            near[down : down + 16, across : across + 16] |= picture.masks["nodule"]
    far = ~upsampled(near[1:17, 1:17])
    assert np.array_equal(picture.pixels[far], normal.pixels[far])


def test_nodule_has_the_diameter_the_case_says(normal: Phantom) -> None:
    finding = Finding(Kind.NODULE, side=Side.LEFT, lobe=Lobe.LEFT_UPPER, millimetres=28)
    difference = change(render(case(finding), 512), render(case(), 512))
    area = (difference > 0.5 * np.percentile(difference[difference > 100], 75)).sum()
    diameter = 2 * np.sqrt(area / np.pi) * 400 / 512
    assert diameter == pytest.approx(28, abs=3)


def test_every_label_of_a_case_has_cells() -> None:
    seen: set[str] = set()
    seed = 0
    while len(seen) < len(LABELS):
        drawn = sample_case(seed)
        seed += 1
        if not drawn.labels - seen:
            continue
        masks = render(drawn, 64).masks
        assert masks.keys() == drawn.labels
        assert all(mask.any() for mask in masks.values())
        seen |= drawn.labels
