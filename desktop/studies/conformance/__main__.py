"""The matrix as a command.

    python -m desktop.studies.conformance [FOLDER] [--every N]

Sentences about deviating cells go to standard output, their files stay in ``FOLDER``. The answer is
1 where there is one, else 0.
"""

from __future__ import annotations

import sys
import tempfile
import warnings
from pathlib import Path

from desktop.studies.conformance.cells import all_cells
from desktop.studies.conformance.checking import deviations
from inference.arguments import ArgumentParser


def main(arguments: list[str] | None = None) -> int:
    parser = ArgumentParser(prog="python -m desktop.studies.conformance")
    parser.add_argument("folder", type=Path, nargs="?", help="where files are written")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="try every Nth cell")
    options = parser.parse_args(arguments)
    warnings.filterwarnings("ignore", module="pydicom")
    with tempfile.TemporaryDirectory() as scratch:
        return run(options.folder or Path(scratch), options.every)


def run(folder: Path, every: int = 1) -> int:
    """Try the cells in ``folder``, which is made where it is missing; 1 where one deviates."""
    folder.mkdir(parents=True, exist_ok=True)
    cells = list(all_cells())[::every]
    count = 0
    for sentence in deviations(cells, folder):
        count += 1
        print(sentence)
    told = f"{count} deviate from the standard" if count else "all are as the standard has them"
    print(f"{len(cells)} files of the matrix: {told}.")
    return int(count > 0)


if __name__ == "__main__":
    sys.exit(main())
