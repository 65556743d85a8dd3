"""What Qt has to say goes the way of every other message: through :mod:`logging`."""

from __future__ import annotations

import logging
from typing import Final

from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

_log = logging.getLogger("qt")

_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}
_WITHOUT_A_SCREEN: Final = "This plugin does not support"
"""How the offscreen platform begins what it cannot do for want of a window manager."""


def install() -> None:
    qInstallMessageHandler(_record)


def _record(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    harmless = message.startswith(_WITHOUT_A_SCREEN)
    _log.log(logging.DEBUG if harmless else _LEVELS.get(kind, logging.WARNING), "%s", message)
