"""What the window remembers from one start to the next: theme, layout, recent paths."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

import platformdirs
from PySide6.QtCore import QByteArray, QSettings

from desktop.report.files import close_to_others
from desktop.theme import ThemeName, theme_name

RECENT_LIMIT: Final = 8

CHECKPOINTS: Final = "checkpoints"
ADAPTERS: Final = "adapters"
COMPARED: Final = "compared-{paradigm}"
"""Kinds of recent paths beside the studies; the last, of the models that were compared with."""


class Settings:
    """One INI file; beside the reports where ``PINFILL_DATA_DIR`` is set, else per user."""

    def __init__(self, path: Path | None = None) -> None:
        file = path if path is not None else settings_path()
        _close_to_others(file)  # it lists paths, which name patients; Qt keeps its permissions
        self._store = QSettings(str(file), QSettings.Format.IniFormat)

    @property
    def theme(self) -> ThemeName:
        return theme_name(str(self._store.value("window/theme", "dark")))

    @theme.setter
    def theme(self, name: ThemeName) -> None:
        self._store.setValue("window/theme", name)

    @property
    def compares_alone(self) -> bool:
        """Whether the models of a comparison are loaded one at a time."""
        return bool(self._store.value("compare/alone", False, type=bool))

    @compares_alone.setter
    def compares_alone(self, alone: bool) -> None:
        self._store.setValue("compare/alone", alone)

    @property
    def recent(self) -> list[Path]:
        """Files and folders, the latest first."""
        return self.recent_in("paths")

    def remember(self, path: Path) -> None:
        """Put ``path`` first among the recent ones."""
        self.remember_in("paths", path)

    def forget_recent(self) -> None:
        self._store.remove("recent/paths")

    def recent_in(self, kind: str) -> list[Path]:
        """The recent paths of a kind, the latest first."""
        kept = self._store.value(f"recent/{kind}", [])
        # QSettings hands a list of one back as the element alone.
        items = kept if isinstance(kept, list) else [kept]
        return [Path(str(item)) for item in items if item]

    def remember_in(self, kind: str, path: Path) -> None:
        """Put ``path`` first among the recent ones of its kind."""
        path = path.absolute()
        others = [known for known in self.recent_in(kind) if known != path]
        self._store.setValue(f"recent/{kind}", [str(p) for p in (path, *others)][:RECENT_LIMIT])

    def layout(self, part: str) -> QByteArray | None:
        """The saved state of a part of the window, as Qt gave it."""
        state = self._store.value(f"layout/{part}")
        return state if isinstance(state, QByteArray) else None

    def keep_layout(self, part: str, state: QByteArray) -> None:
        self._store.setValue(f"layout/{part}", state)

    def sync(self) -> None:
        self._store.sync()


def _close_to_others(file: Path) -> None:
    """Make the file for this user alone where it is missing, and take others' rights on it."""
    with contextlib.suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o600))
        close_to_others(file, 0o600)


def settings_path() -> Path:
    data_dir = os.environ.get("PINFILL_DATA_DIR")
    if data_dir:
        return Path(data_dir) / "settings.ini"
    return platformdirs.user_config_path("pinfill", appauthor=False) / "settings.ini"
