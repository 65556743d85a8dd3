"""The system libraries that Qt's wheels leave to the machine, and the Debian packages they are in.

Uses nothing beyond the standard library, so that it can run before anything is installed:
``python3 -m desktop.system_libraries``.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from inference.arguments import ArgumentParser

LIBRARIES: Final[dict[str, str]] = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
"""Shared library to Debian package, for Linux: what ``readelf -d`` lists as needed, and the wheel
does not bring, in Qt's core, GUI, widgets, D-Bus and SVG libraries and in the plugins of the
platforms ``xcb`` and ``offscreen``."""

FONT_FOLDERS: Final = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path("~/.local/share/fonts"),
    Path("~/.fonts"),
)
FONT_PACKAGE: Final = "fonts-dejavu-core"


def missing_libraries(load: Callable[[str], object] = ctypes.CDLL) -> list[str]:
    """The libraries that cannot be loaded here; none where Qt brings its own (macOS, Windows)."""
    if not sys.platform.startswith("linux"):
        return []
    missing = []
    for library in LIBRARIES:
        try:
            load(library)
        except OSError:
            missing.append(library)
    return missing


def has_fonts(folders: Sequence[Path] = FONT_FOLDERS) -> bool:
    """Whether there is any outline font: without one Qt draws empty boxes."""
    if not sys.platform.startswith("linux"):
        return True
    suffixes = {".ttf", ".otf", ".ttc", ".pfb", ".t1"}
    return any(
        path.suffix.lower() in suffixes
        for folder in folders
        for path in folder.expanduser().rglob("*")
    )


def missing_packages() -> list[str]:
    """The Debian packages to install, sorted."""
    packages = {LIBRARIES[library] for library in missing_libraries()}
    if not has_fonts():
        packages.add(FONT_PACKAGE)
    return sorted(packages)


def advice(packages: Sequence[str]) -> str:
    """What to type where ``packages`` are missing."""
    if shutil.which("apt-get"):
        return f"sudo apt-get install {' '.join(packages)}"
    return f"install what Debian calls {' '.join(packages)}"


def install_command(packages: Sequence[str], *, root: bool) -> list[list[str]] | None:
    """The commands that install ``packages`` here; ``None`` where that is left to the reader."""
    sudo = [] if root else ["sudo"]
    if not shutil.which("apt-get") or (sudo and not shutil.which("sudo")):
        return None
    return [
        [*sudo, "apt-get", "update", "-qq"],
        [*sudo, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
    ]


def may_install(*, root: bool) -> bool:
    """Whether to install now: root does, anybody else is asked once, where there is a terminal."""
    if root:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print("Install them now, with sudo? [Y/n] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def install(packages: Sequence[str], run: Callable[[list[str]], int] = subprocess.call) -> bool:
    """Install ``packages`` where the machine and its user let us; whether that worked."""
    root = os.name == "posix" and os.geteuid() == 0
    commands = install_command(packages, root=root)
    if commands is None or not may_install(root=root):
        return False
    # A list of packages that is out of date may still name what is wanted.
    return [run(command) for command in commands][-1] == 0


def shortage() -> str:
    """A sentence on what Qt lacks here; empty where it lacks nothing."""
    if missing := missing_libraries():
        return f"Qt needs system libraries that are missing ({', '.join(missing)})."
    return "" if has_fonts() else "Qt needs a font, and none is installed."


def main(arguments: Sequence[str] | None = None) -> int:
    parser = ArgumentParser(
        prog="python -m desktop.system_libraries",
        description="Check the system libraries that Qt needs.",
    )
    parser.add_argument(
        "--packages", action="store_true", help="print the missing Debian packages and nothing else"
    )
    parser.add_argument(
        "--install", action="store_true", help="install them: at once as root, else when told so"
    )
    options = parser.parse_args(arguments)
    packages = missing_packages()
    if options.packages:
        print(" ".join(packages))
        return 0
    if not packages:
        return 0
    print(f"pinfill: {shortage()}", file=sys.stderr)
    if options.install and install(packages):
        packages = missing_packages()
    if packages:
        print(f"Install what is missing with:\n\n    {advice(packages)}\n", file=sys.stderr)
    return 1 if packages else 0


if __name__ == "__main__":
    sys.exit(main())
