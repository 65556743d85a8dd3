from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QIcon
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QHeaderView,
    QPushButton,
    QTreeView,
    QWidget,
)

import resources
from desktop import actions, theme
from desktop.gap_dialog import ask_length
from desktop.theme import GLYPH_PAIRS, TEXT_PAIRS, THEME_NAMES, Palette, ThemeName
from desktop.widgets.file_dialog import ICONS, file_dialog


@pytest.fixture
def app() -> Iterator[QApplication]:
    app = QApplication.instance() or QApplication(["pinfill"])
    assert isinstance(app, QApplication)
    yield app
    app.setStyleSheet("")


def test_contrast_of_known_pairs() -> None:
    # From the definition in WCAG 2.2: white on black, a colour on itself, and #767676 on white,
    # the palest grey that passes 4.5 : 1.
    assert theme.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert theme.contrast("#336699", "#336699") == pytest.approx(1)
    assert theme.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


@pytest.mark.parametrize("name", THEME_NAMES)
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_is_legible(name: ThemeName, text: str, ground: str) -> None:
    colors = theme.palette(name)
    assert theme.contrast(getattr(colors, text), getattr(colors, ground)) >= 4.5


@pytest.mark.parametrize("name", THEME_NAMES)
@pytest.mark.parametrize(("glyph", "ground"), GLYPH_PAIRS)
def test_glyphs_and_rings_stand_out(name: ThemeName, glyph: str, ground: str) -> None:
    colors = theme.palette(name)
    assert theme.contrast(getattr(colors, glyph), getattr(colors, ground)) >= 3


@pytest.mark.parametrize("name", THEME_NAMES)
def test_colours_are_written_in_full(name: ThemeName) -> None:
    colors = theme.palette(name)
    for field in fields(Palette):
        assert re.fullmatch("#[0-9a-f]{6}", getattr(colors, field.name)), field.name


@pytest.mark.parametrize("name", THEME_NAMES)
@pytest.mark.parametrize("file", ["chevron.svg", "chevron-up.svg"])
def test_the_chevrons_stand_out_in_both_themes(file: str, name: ThemeName) -> None:
    drawing = (resources.ROOT / "themes" / file).read_text()
    found = re.search(r"stroke=\"(#[0-9a-f]{6})\"", drawing)
    assert found is not None
    assert theme.contrast(found[1], theme.palette(name).raised) >= 3


def test_dark_is_darker_than_light() -> None:
    for ground in ("ground", "surface", "raised"):
        dark, light = getattr(theme.DARK, ground), getattr(theme.LIGHT, ground)
        assert theme.contrast(dark, "#000000") < 2 < theme.contrast(light, "#000000")


@pytest.mark.parametrize("name", THEME_NAMES)
def test_every_name_in_the_style_sheet_is_a_colour(name: ThemeName) -> None:
    sheet = theme.style_sheet(theme.palette(name))
    assert "$" not in sheet
    assert theme.palette(name).accent in sheet


def test_qt_understands_the_style_sheet(
    app: QApplication, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in THEME_NAMES:
        theme.apply(app, name)
        QPushButton("x").ensurePolished()
    assert "Could not parse" not in capfd.readouterr().err


def test_every_icon_draws(app: QApplication) -> None:
    folder = resources.ROOT / "icons"
    names = [file.stem for file in folder.iterdir()]
    needed = {command.icon for command in actions.commands() if command.icon}
    assert needed <= set(names)
    for name in names:
        assert QSvgRenderer((folder / f"{name}.svg").read_bytes()).isValid(), name
        image = theme.glyph(name, "#ff0000", 16).toImage()
        drawn = [
            image.pixelColor(x, y)
            for x in range(16)
            for y in range(16)
            if image.pixelColor(x, y).alpha() > 128
        ]
        assert drawn, name
        assert any(color.red() > 200 and color.green() < 80 for color in drawn), name


@pytest.mark.parametrize("name", THEME_NAMES)
def test_every_picture_of_a_dialog_stands_out(app: QApplication, name: ThemeName) -> None:
    colors = theme.apply(app, name)
    window = QWidget()
    window.resize(1024, 700)
    dialog = file_dialog(window, "Open")
    gap = ask_length(window, 100, print)
    pictured = [
        button
        for asked in (dialog, gap)
        for button in asked.findChildren(QAbstractButton)
        if not button.icon().isNull()
    ]
    assert {button.objectName() for button in pictured} == set(ICONS)
    for button in pictured:
        image = button.icon().pixmap(QSize(16, 16), QIcon.Mode.Normal).toImage()
        points = [QPoint(x, y) for x in range(16) for y in range(16)]
        seen = [image.pixelColor(at).name() for at in points if image.pixelColor(at).alpha() > 128]
        assert seen, button.objectName()
        for color in set(seen):
            assert theme.contrast(color, colors.raised) >= 3, button.objectName()


def test_no_column_of_the_files_is_cut(app: QApplication) -> None:
    theme.apply(app, "dark")
    window = QWidget()
    for size in (QSize(911, 470), QSize(1440, 900)):
        window.resize(size)
        dialog = file_dialog(window, "Open")
        assert dialog.width() <= size.width()
        assert dialog.height() <= size.height()
        view = dialog.findChild(QTreeView, "treeView")
        assert isinstance(view, QTreeView)
        modes = [view.header().sectionResizeMode(at) for at in range(view.header().count())]
        assert modes[0] == QHeaderView.ResizeMode.Stretch
        assert set(modes[1:]) == {QHeaderView.ResizeMode.ResizeToContents}
