"""How the window looks: two palettes, one style sheet, icons in the palette's colours.

The dark palette is made for a reading room: neutral greys near black, little light, one calm
accent. Text keeps a contrast of at least 4.5 : 1 to what it stands on (WCAG 2.2, 1.4.3), focus
rings and glyphs at least 3 : 1 (1.4.11); the tests hold every pair of :data:`TEXT_PAIRS` and
:data:`GLYPH_PAIRS` to that.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import lru_cache
from string import Template
from typing import Final, Literal, get_args

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleFactory

import resources

ThemeName = Literal["dark", "light"]
THEME_NAMES: Final[tuple[ThemeName, ...]] = get_args(ThemeName)

GRID: Final = 8
"""Pixels; every margin and gap in the window is a half, one or several of these."""


@dataclass(frozen=True)
class Palette:
    """The colours of one theme, as ``#rrggbb``."""

    ground: str  # behind everything
    surface: str  # panes and menus
    raised: str  # buttons and fields
    hover: str
    pressed: str
    line: str  # hairlines between panes
    edge: str  # outlines of fields and buttons
    text: str
    muted: str  # second lines, captions
    disabled: str
    accent: str  # focus rings, the primary action, progress
    accent_hover: str
    on_accent: str
    selection: str
    on_selection: str
    info: str
    info_ground: str
    warning: str
    warning_ground: str
    error: str
    error_ground: str
    origin_generated: str  # underlines of the report, by origin
    origin_edited: str
    differs: str  # waves under words that other candidates have otherwise
    pin: str
    pin_ground: str  # tint behind pinned text
    gap: str
    gap_ground: str
    unsettled: str  # draft tokens that may still change


DARK: Final = Palette(
    ground="#0b0c0d",
    surface="#131517",
    raised="#1d2023",
    hover="#272b2f",
    pressed="#17191b",
    line="#24282b",
    edge="#3a4045",
    text="#cdd2d6",
    muted="#8f979e",
    disabled="#656c72",
    accent="#74b6bf",
    accent_hover="#8bc8d0",
    on_accent="#0b1516",
    selection="#28494e",
    on_selection="#e4eaec",
    info="#8fb8d6",
    info_ground="#14202a",
    warning="#d9b36a",
    warning_ground="#261f12",
    error="#e0938a",
    error_ground="#2a1817",
    origin_generated="#8fb8d6",
    origin_edited="#d9b36a",
    differs="#cba6f0",
    pin="#74b6bf",
    pin_ground="#182628",
    gap="#d9b36a",
    gap_ground="#2a2415",
    unsettled="#7d858b",
)

LIGHT: Final = Palette(
    ground="#e6e8ea",
    surface="#f7f8f8",
    raised="#ffffff",
    hover="#eaeef0",
    pressed="#dde2e5",
    line="#d2d7da",
    edge="#a9b1b7",
    text="#1d2225",
    muted="#545d64",
    disabled="#858d93",
    accent="#17646f",
    accent_hover="#1f7480",
    on_accent="#ffffff",
    selection="#bcdde1",
    on_selection="#10181a",
    info="#1f5a86",
    info_ground="#e2eef6",
    warning="#7a5200",
    warning_ground="#f7edd6",
    error="#a3302a",
    error_ground="#f9e4e2",
    origin_generated="#1f5a86",
    origin_edited="#7a5200",
    differs="#7b2fa8",
    pin="#17646f",
    pin_ground="#dfeff0",
    gap="#7a5200",
    gap_ground="#f7edd6",
    unsettled="#697279",
)

_PALETTES: Final[dict[ThemeName, Palette]] = {"dark": DARK, "light": LIGHT}

TEXT_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *(("text", ground) for ground in ("ground", "surface", "raised", "hover", "pressed")),
    *(("muted", ground) for ground in ("ground", "surface", "raised")),
    *(("text", f"{kind}_ground") for kind in ("info", "warning", "error", "pin", "gap")),
    *((f"origin_{name}", "surface") for name in ("generated", "edited")),
    ("on_accent", "accent"),
    ("on_accent", "accent_hover"),
    ("on_selection", "selection"),
    ("gap", "gap_ground"),
    ("unsettled", "surface"),
    *((name, "raised") for name in ("differs", "warning")),
)
"""(text, ground): names of palette entries where the one is written on the other."""

GLYPH_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *(("accent", ground) for ground in ("ground", "surface", "raised")),
    *((kind, f"{kind}_ground") for kind in ("info", "warning", "error", "pin", "gap")),
    *((kind, "ground") for kind in ("info", "warning", "error")),
    *((name, "surface") for name in ("pin", "differs", "warning")),
)
"""(glyph, ground): the same for icons, rings and marks."""


def palette(name: ThemeName) -> Palette:
    return _PALETTES[name]


def theme_name(text: str) -> ThemeName:
    """``text`` where it names a theme, else the default."""
    return "light" if text == "light" else "dark"


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    red, green, blue = (
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def style_sheet(colors: Palette) -> str:
    """The style sheet of the whole application in the given colours."""
    folder = resources.ROOT / "themes"
    template = Template((folder / "window.qss").read_text(encoding="utf-8"))
    return template.substitute(asdict(colors), themes=folder.as_posix())


def apply(app: QApplication, name: ThemeName) -> Palette:
    """Dress the whole application; menus, tooltips and dialogs included."""
    colors = palette(name)
    sheet = style_sheet(colors)
    if app.styleSheet() == sheet:
        return colors  # polishing every widget anew takes as long as building a window
    # Fusion draws alike on every platform, so that one style sheet is enough.
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(_qt_palette(colors))
    app.setStyleSheet(sheet)
    return colors


def _qt_palette(colors: Palette) -> QPalette:
    result = QPalette()
    role = QPalette.ColorRole
    for key, color in (
        (role.Window, colors.ground),
        (role.WindowText, colors.text),
        (role.Base, colors.surface),
        (role.AlternateBase, colors.raised),
        (role.Text, colors.text),
        (role.PlaceholderText, colors.muted),
        (role.Button, colors.raised),
        (role.ButtonText, colors.text),
        (role.BrightText, colors.error),
        (role.Link, colors.accent),
        (role.Highlight, colors.selection),
        (role.HighlightedText, colors.on_selection),
        (role.Accent, colors.accent),
        (role.ToolTipBase, colors.raised),
        (role.ToolTipText, colors.text),
        (role.Mid, colors.line),
        (role.Dark, colors.edge),
    ):
        result.setColor(key, QColor(color))
    for key in (role.WindowText, role.Text, role.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, key, QColor(colors.disabled))
    return result


@lru_cache(maxsize=256)
def glyph(name: str, color: str, size: int = 16, scale: float = 1.0) -> QPixmap:
    """The icon ``name`` of ``resources/icons`` in one colour, ``size`` logical pixels square."""
    source = (resources.ROOT / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    renderer = QSvgRenderer(QByteArray(source.replace("currentColor", color).encode()))
    side = round(size * scale)
    pixmap = QPixmap(QSize(side, side))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap


def icon(name: str, colors: Palette, size: int = 16) -> QIcon:
    """The icon in the text colour, sharp on displays of double density, paler when disabled."""
    return icon_in(name, colors.text, colors.disabled, size)


def icon_in(name: str, normal: str, disabled: str, size: int = 16) -> QIcon:
    """The same in the two colours given."""
    result = QIcon()
    for scale in (1.0, 2.0):
        result.addPixmap(glyph(name, normal, size, scale), QIcon.Mode.Normal)
        result.addPixmap(glyph(name, disabled, size, scale), QIcon.Mode.Disabled)
    return result


def application_icon() -> QIcon:
    """The application's own mark, in its own colours."""
    result = QIcon()
    for size in (16, 32, 64, 128):
        result.addPixmap(glyph("pinfill", DARK.accent, size))
    return result
