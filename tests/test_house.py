"""The promises of the packaging: what each extra brings, and that every version is pinned."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make")
ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def wanted(extra: str | None) -> set[Requirement]:
    """The requirements of an extra, with the extras that it is made of; of none, the base."""
    requirements = set()
    for line in PROJECT["dependencies"] if extra is None else EXTRAS[extra]:
        requirement = Requirement(line)
        if requirement.name == "pinfill":
            for part in requirement.extras:
                requirements |= wanted(part)
        else:
            requirements.add(requirement)
    return requirements


def names(extra: str | None) -> set[str]:
    return {canonicalize_name(requirement.name) for requirement in wanted(extra)}


def test_a_thin_desktop_needs_no_model_and_a_server_no_window() -> None:
    models = {"torch", "transformers", "peft", "accelerate", "safetensors", "tokenizers"}
    windows = {"pyside6-essentials", "pyside6", "qasync", "pydicom", "imagecodecs"}
    assert not models & (names(None) | names("desktop") | names("studies"))
    assert not windows & (names(None) | names("worker"))
    assert models <= names("worker")
    assert names("all") >= names("desktop") | names("worker") | names("train")


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_everything_wanted_is_pinned_to_a_version_that_is_allowed(extra: str | None) -> None:
    pinned = pins()
    for requirement in wanted(extra):
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize(
    ("version", "allowed"),
    [
        ("6.8.2", False),
        ("6.8.3", True),
        ("6.11.0", False),
        ("6.11.1", False),
        ("6.11.3", True),
        ("6.12.0", False),
    ],
)
def test_the_qt_builds_that_break_are_shut_out(version: str, allowed: bool) -> None:
    (qt,) = [r for r in wanted("desktop") if r.name == "PySide6-Essentials"]
    assert qt.specifier.contains(version) is allowed


def test_packages_come_from_wherever_pip_is_told_to_look() -> None:
    for name in ("pyproject.toml", "constraints.txt", "Makefile", ".ci/run"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"--(extra-)?index-url|--find-links|--trusted-host|https?://", text), (
            name
        )
    assert all(re.fullmatch(r"[0-9][0-9A-Za-z.]*", version) for version in pins().values())


def recipe(target: str) -> str:
    """What ``make`` would run."""
    command = ["make", "--dry-run", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@needs_make
@pytest.mark.parametrize("target", ["test", "demo"])
def test_what_qt_lacks_is_offered_before_it_is_missed(target: str) -> None:
    libraries, _, rest = recipe(target).partition("-m desktop.system_libraries --install\n")
    assert "pytest" not in libraries
    assert ("-m pytest" if target == "test" else "pinfill demo") in rest


@needs_make
def test_the_suite_can_be_run_as_on_an_older_processor() -> None:
    told = recipe("portable")
    run = told[told.rindex("NPY_DISABLE_CPU_FEATURES=") :]
    assert "ATEN_CPU_CAPABILITY=default OMP_NUM_THREADS=1" in run
    assert "-m pytest" in run
