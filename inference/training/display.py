"""The window that the demo studies declare, and what a workstation shows through it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

WINDOW_CENTER: Final = 2048.0
WINDOW_WIDTH: Final = 4096.0


def window_to_8bit(stored: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """12-bit stored values through the declared window (PS3.3 C.11.2.1.2.1) to 0..255."""
    share = (stored.astype(np.float32) - (WINDOW_CENTER - 0.5)) / (WINDOW_WIDTH - 1) + 0.5
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)
