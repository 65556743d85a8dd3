"""One QApplication for all; a test that makes Qt warn fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

_HARMLESS = (
    "This plugin does not support",  # the offscreen platform has no window manager
    "Could not find the Qt platform plugin",
)


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The application, made once; Qt allows no second one in a process."""
    existing = QApplication.instance()
    return existing if isinstance(existing, QApplication) else QApplication([])


@pytest.fixture(autouse=True)
def qt_messages() -> Iterator[list[str]]:
    """Warnings of Qt during the test; a test that expects one clears the list."""
    messages: list[str] = []

    def record(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        loud = kind not in (QtMsgType.QtDebugMsg, QtMsgType.QtInfoMsg)
        if loud and not message.startswith(_HARMLESS):
            messages.append(message)

    previous = qInstallMessageHandler(record)
    yield messages
    qInstallMessageHandler(previous)
    if messages:
        pytest.fail("Qt warned: " + "; ".join(messages))
