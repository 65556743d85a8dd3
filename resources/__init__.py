"""Files that come with Pinfill: the demo checkpoint, the demo studies, themes and icons.

Found by path, since a checkpoint is a folder that other libraries open by themselves.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent


class ResourceMissing(FileNotFoundError):
    """A bundled file is not where it belongs. The message is one sentence that says what to do."""

    def __init__(self, what: str, path: Path) -> None:
        super().__init__(
            f"{what} is missing from {path}: this copy of Pinfill is incomplete, "
            f"so clone or install it again."
        )


def demo_checkpoint(paradigm: str = "diffusion") -> Path:
    """The checkpoint folder that is used when none is named; raises :class:`ResourceMissing`.

    ``paradigm`` is ``diffusion`` or ``autoregressive``.
    """
    path = ROOT / "checkpoints" / f"demo-{paradigm}"
    if not (path / "config.json").is_file():
        raise ResourceMissing("The demo checkpoint", path)
    return path


def demo_studies() -> list[Path]:
    """The bundled fictional studies, in a fixed order; raises :class:`ResourceMissing`."""
    folder = ROOT / "studies"
    studies = sorted(folder.glob("*.dcm"))
    if not studies:
        raise ResourceMissing("The set of demo studies", folder)
    return studies
