"""A quiet banner: what is wrong and what to do, without stopping the reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from desktop import theme
from desktop.theme import GRID, Palette
from desktop.widgets.wrapped_text import WrappedText


class NoticeKind(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_SPOKEN: Final = {
    NoticeKind.INFO: "Note",
    NoticeKind.WARNING: "Caution",
    NoticeKind.ERROR: "Problem",
}


@dataclass(frozen=True)
class Notice:
    """One message. ``details`` go to the tooltip; ``action`` is a button and what it does.

    ``decline`` is what the button beside it says that only puts the notice away.
    ``topic`` names what the notice is about, so that it can be withdrawn when that has passed.
    """

    kind: NoticeKind
    text: str
    details: str = ""
    action: tuple[str, Callable[[], None]] | None = None
    topic: str = ""
    decline: str = ""


class Banner(QFrame):
    """Shows one notice at a time, the latest; hidden when there is none.

    The kind is told by an icon, a word and the colour, so never by the colour alone.
    """

    def __init__(self, colors: Palette, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("banner")
        self._colors = colors
        self._notice: Notice | None = None

        self._icon = QLabel(self)
        self._icon.setFixedWidth(2 * GRID)
        self._text = WrappedText(self)
        self._action = QPushButton(self)
        self._action.setObjectName("bannerAction")
        self._action.clicked.connect(self._act)
        self._decline = QPushButton(self)
        self._decline.setObjectName("bannerDecline")
        self._decline.clicked.connect(self.dismiss)
        self._dismiss = QToolButton(self)
        self._dismiss.setObjectName("bannerDismiss")
        self._dismiss.setProperty("flat", True)
        self._dismiss.setProperty("glyph", True)
        self._dismiss.setToolTip("Dismiss this notice (Esc)")
        self._dismiss.setAccessibleName("Dismiss this notice")
        self._dismiss.clicked.connect(self.dismiss)

        row = QHBoxLayout(self)
        row.setContentsMargins(GRID + GRID // 2, GRID // 2, GRID, GRID // 2)
        row.setSpacing(GRID)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._action)
        row.addWidget(self._decline)
        row.addWidget(self._dismiss)
        self.hide()

    @property
    def notice(self) -> Notice | None:
        return self._notice

    def show_notice(self, notice: Notice) -> None:
        self._notice = notice
        self.setProperty("kind", notice.kind.value)
        self.setToolTip(notice.details)
        said = f"{_SPOKEN[notice.kind]}: {notice.text}"
        self._text.set_full_text(said, f"<b>{_SPOKEN[notice.kind]}:</b> {_escaped(notice.text)}")
        self._action.setVisible(notice.action is not None)
        self._action.setText(notice.action[0] if notice.action else "")
        self._decline.setVisible(bool(notice.decline))
        self._decline.setText(notice.decline)
        self.setAccessibleName(said)
        self.recolor(self._colors)
        self.show()
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.Alert))

    def withdraw(self, topic: str) -> None:
        """Take the notice about ``topic`` away, where it is the one that shows."""
        if self._notice is not None and self._notice.topic == topic:
            self.dismiss()

    def dismiss(self) -> None:
        self._notice = None
        self.hide()

    def recolor(self, colors: Palette) -> None:
        self._colors = colors
        self._dismiss.setIcon(theme.icon("close", colors))
        if self._notice is not None:
            kind = self._notice.kind.value
            scale = self.devicePixelRatioF()
            self._icon.setPixmap(theme.glyph(kind, getattr(colors, kind), scale=scale))
        # A changed property reaches the style sheet only when the widget is polished anew.
        self.style().unpolish(self)
        self.style().polish(self)

    def _act(self) -> None:
        notice = self._notice
        if notice is None or notice.action is None:
            return
        self.dismiss()
        notice.action[1]()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
