"""Every kind of cell of the matrix; all of them are a command's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from desktop.studies.conformance import reference
from desktop.studies.conformance.__main__ import main
from desktop.studies.conformance.cells import Cell, Layout, Lookup, all_cells
from desktop.studies.conformance.checking import deviations
from desktop.studies.reading import Study, read_study
from desktop.viewer.pixels import Preset, Window

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

_EVERY = 37


def some_cells() -> list[Cell]:
    return list(all_cells())[::_EVERY]


def test_each_cell_is_what_the_standard_makes_of_it(tmp_path: Path) -> None:
    assert list(deviations(some_cells(), tmp_path)) == []
    assert list(tmp_path.iterdir()) == []


def pairs(cells: list[Cell]) -> Iterator[tuple[object, object]]:
    """What is combined in cells: transfer syntaxes and layouts with everything else."""
    for cell in cells:
        signed = (cell.signed, cell.unused)
        yield cell.syntax, cell.layout
        yield from ((cell.syntax, cell.lookup), (cell.syntax, cell.photometric))
        yield from ((cell.syntax, signed), (cell.layout, signed), (cell.layout, cell.lookup))


def test_the_cells_tried_here_hold_each_pair_of_the_matrix() -> None:
    whole, tried = set(pairs(list(all_cells()))), set(pairs(some_cells()))
    assert len(tried) > 0.9 * len(whole)


def test_a_deviation_is_told_and_its_file_kept(tmp_path: Path) -> None:
    cell = Cell(ExplicitVRLittleEndian, Layout(16, 12, 11), "MONOCHROME2", Lookup.LINEAR)

    def read(path: Path) -> Study:
        study = read_study(path)
        window = (Preset("", Window(9, 99)),)
        stored = study.image.stored.copy()
        stored[3, 4] ^= 1
        image = dataclasses.replace(study.image, stored=stored, presets=window)
        return dataclasses.replace(study, image=image)

    (sentence,) = deviations([cell], tmp_path, read)
    assert "MONOCHROME2, unsigned 12 of 16 bits" in sentence
    assert "differs from the standard in 1 stored values and" in sentence
    assert (tmp_path / "cell-00000.dcm").exists()


def test_a_refused_cell_is_told(tmp_path: Path) -> None:
    cell = Cell(ExplicitVRLittleEndian, Layout(8, 8, 7), "MONOCHROME2", Lookup.LINEAR)

    def read(path: Path) -> Study:
        path.write_bytes(path.read_bytes().replace(b"MONOCHROME2 ", b"MADE UP     "))
        return read_study(path)

    (sentence,) = deviations([cell], tmp_path, read)
    assert "was refused: " in sentence
    assert "MADE UP" in sentence


def test_the_matrix_as_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "new"), "--every", "1500"]) == 0
    told = "4 files of the matrix: all are as the standard has them.\n"
    assert capsys.readouterr().out == told


def test_the_reference_on_examples_of_the_standard() -> None:
    """PS3.3 C.11.2.1.2.1, and PS3.5 8.1.1 for twelve bits."""
    values = np.array([0, 2047, 2048, 4095])
    assert reference.linear(values, 1, 2048, 4096).tolist() == [0, 127, 128, 255]
    assert reference.linear(np.array([99, 100]), 1, 100, 1).tolist() == [0, 255]
    words = np.array([0xF800, 0x0800, 0x57FF])
    assert reference.stored_values(words, 12, 11, signed=True).tolist() == [-2048, -2048, 2047]
    assert reference.stored_values(words, 12, 15, signed=False).tolist() == [0xF80, 0x080, 0x57F]
    assert reference.scaled(np.array([0, 4095]), 12).tolist() == [0, 255]
