"""The command line with a scripted worker: a real process and connection, without a model.

Run as a program: ``python -m tests.desktop.cli_helpers LOADER SCRIPT ARGUMENT…``, see
:mod:`tests.inference.scripted_engine` for the two first.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid


def write_study(
    path: Path, *, frames: int = 1, in_colour: bool = False, **elements: object
) -> Path:
    """A small DX image with an honest header, in which ``elements`` stand instead."""
    dataset = Dataset()
    dataset.SOPClassUID = DigitalXRayImageStorageForPresentation
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = generate_uid()
    dataset.SeriesInstanceUID = generate_uid()
    dataset.PatientName, dataset.PatientID = "Test^Tilda", "T-1"
    dataset.PatientSex, dataset.PatientAge = "F", "063Y"
    dataset.Modality, dataset.ViewPosition = "DX", "AP"
    dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "MONOCHROME2", 1
    dataset.Rows, dataset.Columns = 32, 24
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.PixelSpacing = [0.2, 0.2]
    pixels = np.linspace(0, 4095, 32 * 24).astype("<u2")
    dataset.PixelData = pixels.tobytes() * frames
    if in_colour:
        dataset.PhotometricInterpretation, dataset.SamplesPerPixel = "RGB", 3
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
        dataset.PlanarConfiguration = 0
        rainbow = np.resize(np.arange(256, dtype=np.uint8), 32 * 24 * 3)
        dataset.PixelData = rainbow.tobytes() * frames
    if frames > 1:
        dataset.NumberOfFrames = frames
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.save_as(path, enforce_file_format=True)
    return path


def use_scripted_worker(patch: pytest.MonkeyPatch, loader: str, script: str | None = None) -> None:
    """Let ``Client.launch`` start a scripted worker; ``script`` replaces the prompt's context."""
    command = [sys.executable, "-m", "tests.inference.scripted_engine", loader]
    patch.setattr("inference.client.worker_command", lambda checkpoint, placement: command)
    if script is not None:
        patch.setattr("desktop.headless.prompt_context", lambda study: script)


def main(loader: str, script: str, arguments: Sequence[str]) -> int:
    from desktop import cli

    with pytest.MonkeyPatch.context() as patch:
        use_scripted_worker(patch, loader, script)
        return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
