"""The cached corpus is what the workstation and the processor would make of a study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from inference.prompt import patch
from inference.training import demo_corpus
from inference.training.demo_corpus import (
    ATTRIBUTES,
    attributes,
    display_image,
    load_images,
    tower_image,
)
from inference.training.demo_model import image_processor
from inference.training.findings import LABELS, sample_case
from inference.training.progress import Progress


def test_attributes_name_the_labels_first() -> None:
    for seed in range(200):
        case = sample_case(seed)
        vector = attributes(case)
        named = {name for name, value in zip(ATTRIBUTES, vector, strict=True) if value}
        assert named & set(LABELS) == case.labels
        for finding in case.findings:
            if finding.lobe:
                assert f"{finding.kind}:{finding.lobe}" in named


def patches_of(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    grid = pixels.astype(np.float32).reshape(16, 16, 16, 16).transpose(0, 2, 1, 3).reshape(256, 256)
    return grid.repeat(3, axis=1) / np.float32(255)


def test_the_tower_sees_what_the_processor_makes() -> None:
    image = display_image(sample_case(3), rows=512)
    patched = patch(image, image_processor())
    assert patched.soft_tokens == 64
    ours = patches_of(tower_image(image))
    assert np.allclose(patched.pixel_values[0, :256].numpy(), ours, atol=1e-6)


def test_shards_are_rendered_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_corpus, "SHARD", 2)
    progress = Progress()
    first = load_images(10, 4, tmp_path, progress, workers=1)
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = load_images(10, 4, tmp_path, progress, workers=1)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == stamps
    assert first.seeds.tolist() == [10, 11, 12, 13]
    assert np.array_equal(first.pixels, again.pixels)
    for row, seed in enumerate(first.seeds):
        shown = {LABELS[index] for index in np.flatnonzero(first.places[row].any(axis=(1, 2)))}
        assert shown == sample_case(int(seed)).labels
