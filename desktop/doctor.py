"""``pinfill doctor``: what works on this machine, and what to do about the rest.

Qt and torch are imported in processes of their own: neither may hang or kill the doctor, and
torch has no business in the window's process.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from desktop import system_libraries
from resources import ResourceMissing, demo_checkpoint

PROBE_SECONDS: Final = 120
"""A first import of torch from a slow disk takes half a minute."""

ENOUGH_MEMORY: Final = 2 * 2**30
ENOUGH_DISK: Final = 2**30
BROKEN_QT: Final = frozenset({"6.11.0", "6.11.1", "6.12.0"})

_QT_PROBE: Final = """
import json, PySide6
from PySide6.QtWidgets import QApplication
QApplication([])
print(json.dumps({"version": PySide6.__version__}))
"""

_TORCH_PROBE: Final = """
import json, torch, transformers
gpus = [
    [torch.cuda.get_device_name(i), torch.cuda.get_device_properties(i).total_memory]
    for i in range(torch.cuda.device_count())
]
print(json.dumps({
    "torch": torch.__version__, "transformers": transformers.__version__, "gpus": gpus,
    "cuda": torch.version.cuda, "threads": torch.get_num_threads(),
}))
"""


_CHECKED: Final = "PINFILL_CHECKED_FOLDER"

_CHECKPOINT_PROBE: Final = f"""
import json, os
from pathlib import Path
from inference.checkpoints import CheckpointError, check
folder = Path(os.environ["{_CHECKED}"])
try:
    architecture = check(folder)["architectures"][0]
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    print(json.dumps({{"architecture": architecture, "size": size}}))
except CheckpointError as error:
    print(json.dumps({{"complaint": str(error)}}))
"""


class Verdict(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; ``advice`` says what to do where it is not ok."""

    name: str
    verdict: Verdict
    detail: str
    advice: str = ""


def run(checkpoint: Path | None = None) -> int:
    """Print every finding; returns 1 if something essential fails, else 0."""
    findings = list(examine(checkpoint))
    _print(findings)
    return int(any(finding.verdict is Verdict.FAIL for finding in findings))


def examine(checkpoint: Path | None = None) -> Iterator[Finding]:
    """All checks, one after the other."""
    yield python()
    yield qt_libraries()
    yield qt()
    yield from torch()
    yield memory()
    yield data_folder()
    yield from checkpoints(checkpoint)


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("Python", Verdict.OK, f"{version}, {sys.executable}")


def qt_libraries(missing: Callable[[], list[str]] = system_libraries.missing_packages) -> Finding:
    packages = missing()
    if packages:
        advice = system_libraries.advice(packages)
        return Finding("Qt's system libraries", Verdict.FAIL, "some are missing", advice)
    return Finding("Qt's system libraries", Verdict.OK, "all there")


def qt() -> Finding:
    name = "Qt"
    if not _installed("PySide6-Essentials"):
        advice = "for the window: pip install 'pinfill[desktop]'"
        return Finding(name, Verdict.WARN, "PySide6 is not installed", advice)
    answer = _probe(_QT_PROBE, {"QT_QPA_PLATFORM": "offscreen"})
    if isinstance(answer, str):
        return Finding(name, Verdict.FAIL, answer, "reinstall it: pip install --force-reinstall …")
    version = answer["version"]
    if version in BROKEN_QT:
        advice = "install another: pip install -U 'pinfill[desktop]'"
        return Finding(name, Verdict.FAIL, f"PySide6 {version} is known to break", advice)
    return Finding(name, Verdict.OK, f"PySide6 {version}")


def torch() -> Iterator[Finding]:
    if not _installed("torch") or not _installed("transformers"):
        advice = "to run the model on this machine: pip install 'pinfill[worker]'"
        yield Finding("Model", Verdict.WARN, "torch or transformers is not installed", advice)
        return
    answer = _probe(_TORCH_PROBE, {"HF_HUB_OFFLINE": "1"})
    if isinstance(answer, str):
        advice = "reinstall them: pip install -c constraints.txt 'pinfill[worker]'"
        yield Finding("Model", Verdict.FAIL, answer, advice)
        return
    detail = "torch {torch}, transformers {transformers}, {threads} threads".format(**answer)
    yield Finding("Model", Verdict.OK, detail)
    yield gpu(answer["gpus"], answer["cuda"])


def gpu(gpus: list[tuple[str, int]], cuda: str | None) -> Finding:
    """``gpus`` as torch sees them, with their memory in bytes; ``cuda`` is what it was built for"""
    if gpus:
        text = "; ".join(f"{name}, {_size(memory)}" for name, memory in gpus)
        return Finding("GPU", Verdict.OK, text)
    if shutil.which("nvidia-smi") is None:
        return Finding("GPU", Verdict.OK, "none; the demo checkpoint runs well on the processor")
    if cuda is None:
        advice = "install a torch that is built for CUDA"
        return Finding("GPU", Verdict.WARN, "there is one, and this torch cannot use it", advice)
    advice = "see whether nvidia-smi runs; the driver may be older than CUDA " + cuda
    return Finding("GPU", Verdict.WARN, "torch finds none, though a driver is installed", advice)


def memory() -> Finding:
    total = _total_memory()
    if total is None:
        return Finding("Memory", Verdict.OK, "cannot be told on this system")
    if total < ENOUGH_MEMORY:
        advice = f"the window and the demo checkpoint want {_size(ENOUGH_MEMORY)}"
        return Finding("Memory", Verdict.WARN, _size(total), advice)
    return Finding("Memory", Verdict.OK, _size(total))


def data_folder(folder: Path | None = None) -> Finding:
    """Whether reports can be kept, and whether there is room for them."""
    from desktop.report.store import data_dir

    name = "Reports"
    folder = folder or data_dir()
    advice = "make it writeable, or name another folder in PINFILL_DATA_DIR"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"pinfill")
        free = shutil.disk_usage(folder).free
    except OSError as error:
        detail = f"{folder} cannot be written to ({error.strerror or error})"
        return Finding(name, Verdict.FAIL, detail, advice)
    if free < ENOUGH_DISK:
        return Finding(
            name, Verdict.WARN, f"{folder}, {_size(free)} free", "make room on this disk"
        )
    return Finding(name, Verdict.OK, f"{folder}, {_size(free)} free")


def checkpoints(named: Path | None) -> Iterator[Finding]:
    """The demo checkpoint, and the one that was named."""
    try:
        yield checkpoint("Demo checkpoint", demo_checkpoint())
    except ResourceMissing as error:
        yield Finding("Demo checkpoint", Verdict.FAIL, "missing", str(error))
    if named is not None:
        yield checkpoint("Checkpoint", named)


def checkpoint(name: str, folder: Path) -> Finding:
    """The look at a checkpoint's files that the worker takes; only loading it tells all."""
    advice = "name another folder, or copy it again"
    if not folder.is_dir():
        return Finding(name, Verdict.FAIL, f"there is no folder {folder}", advice)
    if not _installed("safetensors"):
        advice = "to run the model on this machine: pip install 'pinfill[worker]'"
        return Finding(name, Verdict.WARN, f"{folder} cannot be looked into", advice)
    answer = _probe(_CHECKPOINT_PROBE, {_CHECKED: str(folder)})
    if isinstance(answer, str):
        return Finding(name, Verdict.FAIL, f"{folder} {answer}", advice)
    if "complaint" in answer:
        return Finding(name, Verdict.FAIL, answer["complaint"], advice)
    detail = f"{folder}: {answer['architecture']}, {_size(answer['size'])}"
    return Finding(name, Verdict.OK, detail)


def _print(findings: list[Finding]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("what")
    table.add_column("verdict")
    table.add_column("found, and what to do", overflow="fold")
    styles = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}
    for finding in findings:
        text = finding.detail + (f"\n→ {finding.advice}" if finding.advice else "")
        verdict = Text(finding.verdict, style=styles[finding.verdict])
        table.add_row(finding.name, verdict, Text(text))
    console = Console(highlight=False)
    console.print(table)
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        console.print("Something essential is missing: see the lines marked fail.")


def _probe(code: str, environment: dict[str, str]) -> dict[str, Any] | str:
    """What ``code`` prints as JSON in a process of its own, or a phrase on why it did not."""
    try:
        process = subprocess.run(
            [sys.executable, "-P", "-c", code],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PROBE_SECONDS,
            env={**os.environ, **environment},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not answer within {PROBE_SECONDS} s"
    except OSError as error:
        return f"could not be started ({error.strerror})"
    if process.returncode:
        last = process.stderr.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
        return f"cannot be loaded: {last[0]}"
    answer: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return answer


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _total_memory() -> int | None:
    """Bytes of RAM, where the system tells by ``sysconf`` (Linux, macOS)."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _size(count: float) -> str:
    for unit in ("bytes", "KiB", "MiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count /= 1024
    return f"{count:.1f} GiB"
