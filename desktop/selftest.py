"""``pinfill selftest FOLDER``: open what lies below a folder as the product does, and tell.

DICOM images, report files, checkpoints and adapters. Stored values of images are compared with
those of an independent decoder where pydicom has one.
"""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.utils import get_j2k_parameters
from pydicom.uid import JPEG2000Lossless, RLELossless

from desktop.fuzz.trials import FAILURES, MAX_SECONDS, Ending, Outcome, Trials
from desktop.report.coding import decode_any
from desktop.report.errors import StoreError
from desktop.report.files import read_regular
from desktop.studies.codecs import PLUGIN
from desktop.studies.folders import looks_like_dicom
from desktop.studies.reading import Study
from inference.client import Client, RequestFailed, WorkerError
from resources import demo_checkpoint

BAD: Final = FAILURES | {Ending.CRASHED, Ending.GIVEN_UP}

_AS_DECODED: Final = {
    "correct_unused_bits": False,
    "apply_jls_sign_correction": False,
    "apply_j2k_sign_correction": False,
}
"""Words as they lie: pydicom's corrections presume that values lie at the bottom of their words."""

_LOADING_SECONDS: Final = 300.0
"""For a checkpoint: a large one on a slow disk takes minutes."""


def run(folder: Path) -> int:
    """Print a line for each file and a summary; 1 where anything crashed or went over a limit."""
    endings: Counter[Ending] = Counter()
    with Trials() as trials:
        for kind, path in openable(folder):
            outcome = _open(kind, path, trials)
            endings[outcome.ending] += 1
            told = f": {outcome.told}" if outcome.told else ""
            size = f"{outcome.seconds:.2f} s, {outcome.memory / 2**20:.0f} MiB"
            print(f"{kind} {path.relative_to(folder)}: {outcome.ending} ({size}){told}")
    for ending, count in endings.most_common():
        print(f"{count} {ending}")
    if not endings:
        print(f"There is nothing below {folder} that Pinfill opens.")
    return int(any(endings[ending] for ending in BAD))


def openable(folder: Path) -> Iterator[tuple[str, Path]]:
    """What lies below a folder and is opened: its kind and its path."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        if "adapter_config.json" in names:
            yield "adapter", Path(parent)
        elif "config.json" in names:
            yield "checkpoint", Path(parent)
        else:
            for name in sorted(names):
                path = Path(parent, name)
                if path.suffix.lower() == ".json":
                    yield "report", path
                elif path.suffix.lower() in (".dcm", ".dicom") or looks_like_dicom(path):
                    yield "image", path
            continue
        folders.clear()


def _open(kind: str, path: Path, trials: Trials) -> Outcome:
    if kind == "image":
        outcome, study = trials.open(path)
        if study is None or outcome.ending is not Ending.OPENED:
            return outcome
        told = difference(study)
        return Outcome(Ending.UNTRUE, told, outcome.seconds, outcome.memory) if told else outcome
    start = time.perf_counter()
    if kind == "report":
        ending, told, limit = *_open_report(path), MAX_SECONDS
    else:
        ending, told, limit = *asyncio.run(_open_weights(kind, path)), _LOADING_SECONDS
    seconds = time.perf_counter() - start
    return Outcome(Ending.LATE if seconds > limit else ending, told, seconds)


def _open_report(path: Path) -> tuple[Ending, str]:
    try:
        decode_any(read_regular(path))
    except (StoreError, OSError, ValueError) as error:
        return Ending.REFUSED, str(error)
    except Exception as error:  # what no file may bring about
        return Ending.FAULT, f"{type(error).__name__}: {error}"
    return Ending.OPENED, ""


async def _open_weights(kind: str, path: Path) -> tuple[Ending, str]:
    """A checkpoint, or an adapter on top of the demo's."""
    client = None
    try:
        async with asyncio.timeout(_LOADING_SECONDS):
            client = await Client.launch(path if kind == "checkpoint" else demo_checkpoint())
            if kind == "adapter":
                await client.load_adapter(path.resolve())
    except RequestFailed as error:
        return Ending.REFUSED, str(error)
    except WorkerError as error:
        return Ending.CRASHED, str(error)
    except TimeoutError:
        return Ending.LATE, ""
    finally:
        if client is not None:
            await client.close()
    return Ending.OPENED, ""


def difference(study: Study) -> str:
    """How the stored values differ from those of a decoder of another make; empty where they do
    not, or where there is none for a lossless grey image.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            reference = _reference(study.path)
    except Exception:  # what another decoder cannot read says nothing of ours
        return ""
    if reference is None or np.array_equal(reference, study.image.stored):
        return ""
    if reference.shape != study.image.stored.shape:
        return f"another decoder gives {reference.shape} values"
    count = int(np.count_nonzero(reference != study.image.stored))
    return f"another decoder gives {count} other values"


def _reference(path: Path) -> NDArray[np.int64] | None:
    dataset = pydicom.dcmread(path)
    syntax = dataset.file_meta.TransferSyntaxUID
    is_grey = str(dataset.PhotometricInterpretation).startswith("MONOCHROME")
    if not is_grey or int(dataset.SamplesPerPixel) != 1:
        return None  # what is shown of several samples is their luma
    options: dict[str, Any] = {**_AS_DECODED}
    depth = int(dataset.BitsAllocated)
    if syntax.is_encapsulated:
        others = [name for name in get_decoder(syntax).available_plugins if name != PLUGIN]
        if syntax not in (RLELossless, JPEG2000Lossless) or not others:
            return None
        options["decoding_plugin"] = others[0]
    if syntax == JPEG2000Lossless:
        stream = get_j2k_parameters(get_frame(dataset.PixelData, 0, number_of_frames=1))
        depth = int(stream["precision"])
        # Signed samples are shifted by the decoder, whatever the file says of them.
        options["pixel_representation"] = int(stream["is_signed"])
    frame, _ = get_decoder(syntax).as_array(dataset, index=0, raw=True, **options)
    return _in_bits(frame, dataset, depth)


def _in_bits(frame: NDArray[np.integer], dataset: pydicom.Dataset, depth: int) -> NDArray[np.int64]:
    """The bits that belong to a value, with its sign (PS3.5 section 8.1.1), in plain arithmetic.

    ``depth`` is that of the words. A codestream no deeper than the values has them at its bottom,
    wherever the words had them before compression.
    """
    stored = int(dataset.BitsStored)
    below = int(dataset.HighBit) + 1 - stored if depth > stored else 0
    words: NDArray[np.int64] = frame.astype(np.int64) & 0xFFFF
    values: NDArray[np.int64] = words >> below & (2**stored - 1)
    if int(dataset.PixelRepresentation) == 1:
        values[values >= 2 ** (stored - 1)] -= 2**stored
    return values
