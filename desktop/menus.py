"""The menu bar, made from the table of commands."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar

from desktop.actions import ALL, Actions
from desktop.theme import THEME_NAMES


def fill_menu_bar(bar: QMenuBar, actions: Actions, submenus: Mapping[str, QMenu]) -> None:
    """``submenus`` come after the command that each is filed under."""
    for title, group in ALL.items():
        menu = bar.addMenu(f"&{title}")
        menu.setToolTipsVisible(True)
        for command in group:
            if command.after_line:
                menu.addSeparator()
            menu.addAction(actions[command.name])
            if command.name in submenus:
                menu.addMenu(submenus[command.name])
    themes = QActionGroup(bar)
    for name in THEME_NAMES:
        themes.addAction(actions[name])
