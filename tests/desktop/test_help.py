"""The page of keys and the user guide say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from desktop import help as help_pages
from desktop.actions import Command, commands
from desktop.compare.commands import COMPARE

GUIDE = Path(__file__).parents[2] / "docs" / "user-guide.md"


def test_the_guide_has_the_table_of_keys_as_it_is(qapp: QApplication) -> None:
    marked = re.search(r"<!-- keys: .*? -->\n(.*)\n<!-- keys end -->", GUIDE.read_text(), re.S)
    assert marked is not None
    assert marked[1] == help_pages.keys_in_markdown()


@pytest.mark.parametrize("command", [*commands(), *COMPARE], ids=lambda command: command.name)
def test_every_key_is_on_the_page_and_in_the_guide(qapp: QApplication, command: Command) -> None:
    pages = [rows for _, rows in help_pages.pages_of_keys()]
    told = {key for rows in pages for keys, _ in rows for key in keys.split(", ")}
    assert set(command.keys) - {","} <= told


def test_what_is_named_in_the_guide_is_a_key(qapp: QApplication) -> None:
    """Another way round: no Ctrl or Alt key stands in the guide that no command has."""
    known = {key for command in (*commands(), *COMPARE) for key in command.keys}
    arrows = {"←": "Left", "→": "Right", "↑": "Up", "↓": "Down"}
    for named in re.findall(r"\b(?:Ctrl|Alt)\+(?:Shift\+)?[^\s,.|*)]+", GUIDE.read_text()):
        head, _, last = named.rpartition("+")
        key = f"{head}+{arrows.get(last, last)}" if last else named
        assert key in known or "Tab" in key, named


def test_the_page_shows_every_row(qapp: QApplication) -> None:
    parent = QWidget()
    dialog = help_pages.show_shortcuts(parent)
    text = "".join(label.text() for label in dialog.findChildren(QLabel))
    for title, rows in help_pages.pages_of_keys():
        assert title in text
        assert all(keys.replace("&", "&amp;").replace("<", "&lt;") in text for keys, _ in rows)
    dialog.reject()
    parent.deleteLater()


def test_the_page_of_keys_is_no_larger_than_the_window(qapp: QApplication) -> None:
    parent = QWidget()
    parent.resize(911, 470)
    assert help_pages.show_shortcuts(parent).height() <= 470
