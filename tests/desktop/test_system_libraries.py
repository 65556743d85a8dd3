"""What Qt needs of the system."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from desktop import system_libraries
from desktop.system_libraries import LIBRARIES, has_fonts, main, missing_libraries

linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's libraries")


@linux_only
def test_a_library_that_does_not_load_is_missing() -> None:
    def load(name: str) -> None:
        if name in ("libEGL.so.1", "libxcb-cursor.so.0"):
            raise OSError(name)

    assert missing_libraries(load) == ["libEGL.so.1", "libxcb-cursor.so.0"]


@linux_only
def test_the_list_holds_every_library_that_qts_wheel_wants() -> None:
    pyside = pytest.importorskip("PySide6")
    qt = Path(pyside.__file__).parent / "Qt"
    binaries = [qt / f"lib/libQt6{name}.so.6" for name in ("Gui", "Widgets", "XcbQpa", "Svg")]
    binaries += [qt / f"plugins/platforms/libq{name}.so" for name in ("xcb", "offscreen")]
    needed = set()
    for binary in binaries:
        listing = subprocess.run(["ldd", binary], capture_output=True, text=True, check=True)
        needed |= {line.split()[0] for line in listing.stdout.splitlines() if "xcb" in line}
    outside = {name for name in needed if not name.startswith(("libQt6", "/"))}
    assert outside <= set(LIBRARIES)


def test_a_font_is_found_in_any_depth(tmp_path: Path) -> None:
    assert not has_fonts([tmp_path, tmp_path / "absent"])
    (tmp_path / "truetype").mkdir()
    (tmp_path / "truetype" / "Sans.TTF").touch()
    assert has_fonts([tmp_path])


@linux_only
def test_the_missing_packages_come_as_one_line_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        system_libraries, "missing_libraries", lambda: ["libgthread-2.0.so.0", "libEGL.so.1"]
    )
    monkeypatch.setattr(system_libraries, "has_fonts", lambda: True)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert main([]) == 1
    assert "    sudo apt-get install libegl1 libglib2.0-0\n" in capsys.readouterr().err
    assert main(["--packages"]) == 0
    assert capsys.readouterr().out == "libegl1 libglib2.0-0\n"


def test_nothing_is_said_where_all_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system_libraries, "missing_packages", lambda: [])
    assert main([]) == 0
    assert capsys.readouterr() == ("", "")
