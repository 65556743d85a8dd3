"""What Qt needs of the system."""

from __future__ import annotations

import io
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


class Machine:
    """A Debian that lacks one package until ``apt-get`` brings it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, root: bool, answer: str | None) -> None:
        self.ran: list[list[str]] = []
        self.missing = ["libegl1"]
        self.broken = False
        monkeypatch.setattr(system_libraries, "missing_packages", lambda: list(self.missing))
        monkeypatch.setattr(system_libraries, "missing_libraries", lambda: ["libEGL.so.1"])
        monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
        terminal = io.StringIO(answer or "")
        monkeypatch.setattr(terminal, "isatty", lambda: answer is not None)
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr("sys.stderr.isatty", lambda: answer is not None, raising=False)
        monkeypatch.setattr(system_libraries.install, "__defaults__", (self.run,))

    def run(self, command: list[str]) -> int:
        self.ran.append(command)
        if "install" in command and not self.broken:
            self.missing.clear()
        return int(self.broken)


@linux_only
def test_root_gets_what_is_missing_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, root=True, answer=None)
    assert main(["--install"]) == 0
    assert [command[:2] for command in machine.ran] == [
        ["apt-get", "update"],
        ["apt-get", "install"],
    ]
    assert machine.ran[-1][-1] == "libegl1"


@linux_only
@pytest.mark.parametrize(
    ("answer", "installed"), [("\n", True), ("y\n", True), ("n\n", False), (None, False)]
)
def test_anybody_else_is_asked_once(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str | None,
    installed: bool,
) -> None:
    machine = Machine(monkeypatch, root=False, answer=answer)
    assert main(["--install"]) == (0 if installed else 1)
    assert all(command[0] == "sudo" for command in machine.ran)
    assert bool(machine.ran) == installed
    told = capsys.readouterr().err
    assert told.count("Install them now") == (answer is not None)
    assert ("sudo apt-get install libegl1" in told) == (not installed)


@linux_only
def test_an_installation_that_fails_leads_back_to_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(monkeypatch, root=True, answer=None)
    machine.broken = True
    assert main(["--install"]) == 1
    assert "apt-get install libegl1" in capsys.readouterr().err
