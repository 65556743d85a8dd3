"""The menu bar, made from the table of commands."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu, QMenuBar

from desktop.actions import ALL, Actions
from desktop.theme import THEME_NAMES
from desktop.viewer.viewport import Viewport


def fill_menu_bar(
    bar: QMenuBar, actions: Actions, submenus: Mapping[str, QMenu]
) -> dict[str, QMenu]:
    """``submenus`` come after the command that each is filed under. Returns the menus by title."""
    menus = {}
    for title, group in ALL.items():
        menus[title] = menu = bar.addMenu(f"&{title}")
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
    return menus


def presets_menu(viewport: Viewport) -> QMenu:
    """The windows and lookup tables that the file on screen offers."""
    menu = QMenu("Window &Presets", viewport)
    menu.aboutToShow.connect(partial(_fill_presets, menu, viewport))
    return menu


def _fill_presets(menu: QMenu, viewport: Viewport) -> None:
    menu.clear()
    presets = viewport.study.image.presets if viewport.study is not None else ()
    for number, preset in enumerate(presets):
        action = menu.addAction(preset.name.replace("&", "&&"))
        action.triggered.connect(lambda _checked=False, number=number: viewport.show_preset(number))
    if not presets:
        menu.addAction("The file offers none").setEnabled(False)
