"""The application as a process of its own: started, asked to end, asked for a picture."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

import resources

SECONDS = 120
PINFILL = [sys.executable, "-m", "desktop.cli"]


def test_demo_takes_its_picture_without_a_display(tmp_path: Path, fresh_settings: Path) -> None:
    out = tmp_path / "demo.png"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY")
    }
    ended = subprocess.run(
        [*PINFILL, "demo", "--screenshot", str(out)],
        env=environment,
        timeout=SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    picture = QImage(str(out))
    assert (picture.width(), picture.height()) == (1440, 900)
    colors = {picture.pixelColor(x, y).rgb() for x in range(0, 1440, 9) for y in range(0, 900, 9)}
    assert len(colors) > 100  # a radiograph, not an empty pane
    assert not list(fresh_settings.glob("reports/*"))  # the reader's own reports are untouched


def test_a_checkpoint_that_is_none_ends_the_picture_with_a_sentence(tmp_path: Path) -> None:
    out = tmp_path / "demo.png"
    ended = subprocess.run(
        [*PINFILL, "demo", "--checkpoint", str(tmp_path), "--screenshot", str(out)],
        timeout=SECONDS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert len(ended.stderr.strip().splitlines()) == 1
    assert "Traceback" not in ended.stderr
    assert not out.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_asked_to_end_it_ends_with_its_worker() -> None:
    study = resources.demo_studies()[0]
    environment = os.environ | {"PINFILL_LOG": "info"}
    window = subprocess.Popen(
        [*PINFILL, "open", str(study)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    too_long = threading.Timer(SECONDS, window.kill)
    too_long.start()
    try:
        assert window.stderr is not None
        # The worker inherits nothing of this pipe, so its end is the end of the window alone.
        line = next(line for line in window.stderr if "worker is ready" in line)
        worker = int(line.rsplit(" ", 1)[1])
        window.send_signal(signal.SIGTERM)
        assert window.wait(SECONDS) == 0
    finally:
        too_long.cancel()
        window.kill()
        window.wait()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
