"""The demo corpus: rendered studies, cached as the vision tower will see them.

Rendering costs more than a training step, so that images are drawn once, in shards that a later
run picks up where an earlier one stopped. A shard is named by everything that its content depends
on; change the renderer and raise :data:`REVISION`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from inference.training.demo_model import SOFT_TOKENS_SIDE
from inference.training.findings import LABELS, Case, Kind, Lobe, Side, Size, sample_case
from inference.training.progress import Progress

REVISION: Final = 1
RENDER_ROWS: Final = 512
TOWER_ROWS: Final = 16 * 16
SHARD: Final = 250

HELD_OUT_FROM: Final = 1_000_000
"""Seeds from here on are never trained on."""

_LOCATED: Final = (Kind.CONSOLIDATION, Kind.ATELECTASIS, Kind.NODULE, Kind.MASS)
_GRADED: Final = ("cardiomegaly", "effusion", "pneumothorax", "oedema")


def _attributes() -> tuple[str, ...]:
    names = list(LABELS)
    names += [f"{label}:{size}" for label in LABELS if label.startswith(_GRADED) for size in Size]
    names += [f"{kind}:{lobe}" for kind in _LOCATED for lobe in Lobe]
    names += [f"{kind}:{side}" for kind in (Kind.RIB_FRACTURE, Kind.CENTRAL_LINE) for side in Side]
    return tuple(names)


ATTRIBUTES: Final[tuple[str, ...]] = _attributes()
"""What the vision tower learns to name: every label, then its size, lobe or side."""

_INDEX: Final = {name: index for index, name in enumerate(ATTRIBUTES)}


def attributes(case: Case) -> NDArray[np.float32]:
    """The truth about a case as a vector over :data:`ATTRIBUTES`, 1 where it holds."""
    vector = np.zeros(len(ATTRIBUTES), np.float32)
    for finding in case.findings:
        names = [finding.label]
        names += [f"{finding.label}:{finding.size}"] if finding.size else []
        names += [f"{finding.kind}:{finding.lobe}"] if finding.lobe else []
        names += [f"{finding.kind}:{finding.side}"]
        for name in names:
            if name in _INDEX:
                vector[_INDEX[name]] = 1
    return vector


@dataclass(frozen=True)
class Images:
    """``pixels`` (N, 256, 256) uint8 as the tower sees them; ``places`` (N, 17, 8, 8) bool says
    in which soft tokens each label shows; ``truth`` (N, attributes) as :func:`attributes`."""

    seeds: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    places: NDArray[np.bool_]
    truth: NDArray[np.float32]


def display_image(case: Case, rows: int = RENDER_ROWS) -> NDArray[np.uint8]:
    """The 8-bit image (rows, rows) that a workstation hands to the model."""
    return _render(case, rows)[0]


def _render(case: Case, rows: int) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.bool_]]]:
    from inference.training.display import window_to_8bit
    from inference.training.phantom import render

    phantom = render(case, rows=rows, grid=SOFT_TOKENS_SIDE)
    return window_to_8bit(phantom.pixels), phantom.masks


def tower_image(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the checkpoint's image processor makes of an image, before it is cut into patches."""
    size = (TOWER_ROWS, TOWER_ROWS)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def _shard(first: int, count: int) -> Images:
    seeds = np.arange(first, first + count)
    pixels = np.empty((count, TOWER_ROWS, TOWER_ROWS), np.uint8)
    places = np.zeros((count, len(LABELS), SOFT_TOKENS_SIDE, SOFT_TOKENS_SIDE), np.bool_)
    truth = np.empty((count, len(ATTRIBUTES)), np.float32)
    for row, seed in enumerate(seeds):
        case = sample_case(int(seed))
        image, masks = _render(case, RENDER_ROWS)
        pixels[row] = tower_image(image)
        truth[row] = attributes(case)
        for label, mask in masks.items():
            places[row, LABELS.index(label)] = mask
    return Images(seeds, pixels, places, truth)


def _write_shard(first: int, count: int, path: Path) -> Path:
    images = _shard(first, count)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        np.savez_compressed(part, **vars(images))
    os.replace(part.name, path)
    return path


def load_images(
    first: int, count: int, cache: Path, progress: Progress, workers: int | None = None
) -> Images:
    """Images of the seeds ``first`` to ``first + count``, rendered where the cache lacks them.

    ``count`` is rounded up to whole shards.
    """
    cache.mkdir(parents=True, exist_ok=True)
    starts = range(first, first + count, SHARD)
    paths = [cache / f"images-r{REVISION}-{RENDER_ROWS}-{start}-{SHARD}.npz" for start in starts]
    missing = [
        (start, path) for start, path in zip(starts, paths, strict=True) if not path.exists()
    ]
    if missing:
        with one_thread_each(workers) as pool:
            jobs = [pool.submit(_write_shard, start, SHARD, path) for start, path in missing]
            for job in progress.track(jobs, "rendering studies"):
                job.result()
    return _concatenate([_read_shard(path) for path in paths])


@contextmanager
def one_thread_each(workers: int | None) -> Iterator[ProcessPoolExecutor]:
    """A pool whose processes do not start BLAS threads that would fight for the same cores."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _read_shard(path: Path) -> Images:
    with np.load(path) as shard:
        return Images(shard["seeds"], shard["pixels"], shard["places"], shard["truth"])


def _concatenate(shards: Sequence[Images]) -> Images:
    return Images(
        *(
            np.concatenate([getattr(shard, name) for shard in shards])
            for name in ("seeds", "pixels", "places", "truth")
        )
    )
