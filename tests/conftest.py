"""Every test starts from fresh settings, away from the network, the screen and the user's files."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Before any test module imports Qt or torch, which read these once.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

if os.environ.get("ATEN_CPU_CAPABILITY"):
    # An older processor is played. PyTorch's flash attention in bfloat16 asks the real one what it
    # can do, then calls a kernel that was not built for the one that is played.
    import torch

    torch.backends.cuda.enable_flash_sdp(False)

# A shell starts what runs in its background with SIGINT ignored, and children inherit that: a
# program under test would never hear of Ctrl+C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine makes single examples slow; that is no fault of the code under test.
settings.register_profile("default", deadline=None)
settings.register_profile(
    "ci", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def fresh_settings(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A data directory of the test's own; returned for those that look into it."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("PINFILL_DATA_DIR", str(folder))
    monkeypatch.setenv("PINFILL_RECOVERY_DIR", str(tmp_path_factory.mktemp("state")))
    for name in ("PINFILL_CHECKPOINT", "PINFILL_DEVICE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return folder
