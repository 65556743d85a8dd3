"""The badge that tells of cautions about the picture, and the list behind it."""

from __future__ import annotations

from html import escape

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from desktop.viewer.overlay import CAUTION, MARGIN

_AMBER = CAUTION.name()
_BADGE_STYLE = f"""
QToolButton {{
    color: {_AMBER}; background: rgba(0, 0, 0, 190); border: 1px solid {_AMBER};
    border-radius: 6px; padding: 3px 9px; font-weight: 600;
}}
QToolButton:hover, QToolButton:checked {{ background: rgba(70, 52, 16, 230); }}
QToolButton:focus {{ border: 2px solid white; padding: 2px 8px; }}
"""
_PANEL_STYLE = f"""
QLabel {{
    color: rgb(232, 234, 236); background: rgb(16, 16, 16); border: 1px solid {_AMBER};
    border-radius: 6px; padding: 8px 12px;
}}
"""


class CautionBadge(QToolButton):
    """``! 3`` in a corner of its parent; a click or the space key opens the list."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._host = parent
        self._raised = 0
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setStyleSheet(_BADGE_STYLE)
        self.panel = QLabel(parent)
        self.panel.setStyleSheet(_PANEL_STYLE)
        self.panel.setWordWrap(True)
        self.panel.setTextFormat(Qt.TextFormat.RichText)
        self.panel.hide()
        self.hide()
        self.toggled.connect(self._show_panel)

    def set_cautions(self, cautions: tuple[str, ...]) -> None:
        self.setChecked(False)
        self.setVisible(bool(cautions))
        count = len(cautions)
        self.setText(f"!  {count}")
        self.setAccessibleName(f"{count} caution{'s' if count != 1 else ''} about this image")
        self.setAccessibleDescription(" ".join(cautions))
        lines = [escape(caution) for caution in cautions]
        self.setToolTip(f"<p>{'<br>'.join(lines)}</p>")
        self.panel.setText("".join(f"<p style='margin: 3px 0'>{line}</p>" for line in lines))
        self.place()

    def raise_by(self, height: int) -> None:
        """Stand so many pixels above the foot of the parent."""
        self._raised = height
        self.place()

    def place(self) -> None:
        """Into the bottom right corner of the parent; the list goes above the badge."""
        area = self._host.rect().adjusted(0, 0, 0, -self._raised)
        margin = round(MARGIN)
        self.adjustSize()
        corner = QPoint(area.right() - margin, area.bottom() - margin)
        self.move(corner.x() - self.width(), corner.y() - self.height())
        self.panel.setFixedWidth(min(380, max(area.width() - 2 * margin, 80)))
        self.panel.adjustSize()
        top = self.y() - self.panel.height() - 6
        self.panel.move(corner.x() - self.panel.width(), max(top, 0))

    def _show_panel(self, shown: bool) -> None:
        self.panel.setVisible(shown)
        if shown:
            self.place()
            self.panel.raise_()
