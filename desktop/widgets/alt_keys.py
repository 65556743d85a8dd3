"""Keys with Alt, which choose from menus and write nothing."""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent


def is_alt_letter(event: QKeyEvent) -> bool:
    """Whether a field would take ``event`` for a letter though Alt is held.

    AltGr is another key, which Windows tells as Ctrl and Alt; on macOS, Option writes letters.
    """
    held = event.modifiers()
    others = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.GroupSwitchModifier
    alt = bool(held & Qt.KeyboardModifier.AltModifier) and not held & others
    return alt and event.text().isprintable() and bool(event.text()) and sys.platform != "darwin"
