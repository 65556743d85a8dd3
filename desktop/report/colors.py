"""The colours of the report and what each way of drawing looks like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor

from desktop import theme
from desktop.report.picture import Style


@dataclass(frozen=True)
class ReportColors:
    """``#rrggbb``; text keeps 4.5 : 1 to what it stands on, marks keep 3 : 1."""

    paper: str
    ink: str
    soft: str  # legend and placeholder
    heading: str
    rule: str
    accent: str
    typed: str
    pin: str
    pin_tint: str
    generated: str
    generated_tint: str
    edited: str
    edited_tint: str
    differs: str
    clash: str
    on_clash: str
    gap: str
    gap_tint: str
    unsettled: str
    selection: str
    selected_ink: str

    @classmethod
    def of(cls, palette: theme.Palette) -> ReportColors:
        """The colours that go with a palette of the window."""
        return cls(
            paper=palette.surface,
            ink=palette.text,
            soft=palette.muted,
            heading=palette.accent,
            rule=palette.line,
            accent=palette.accent,
            typed=palette.muted,
            pin=palette.pin,
            pin_tint=palette.pin_ground,
            generated=palette.origin_generated,
            generated_tint=_mix(palette.surface, palette.origin_generated, 0.05),
            edited=palette.origin_edited,
            edited_tint=_mix(palette.surface, palette.origin_edited, 0.09),
            differs=palette.differs,
            clash=palette.warning,
            on_clash=palette.surface,
            gap=palette.gap,
            gap_tint=palette.gap_ground,
            unsettled=palette.unsettled,
            selection=palette.selection,
            selected_ink=palette.on_selection,
        )

    @classmethod
    def dark(cls) -> ReportColors:
        return cls.of(theme.DARK)

    @classmethod
    def light(cls) -> ReportColors:
        return cls.of(theme.LIGHT)


class Glyph(Enum):
    """What stands in the margin beside a line."""

    TICK = auto()
    PIN = auto()
    CLASH = auto()


WAVE: Final = Qt.PenStyle.CustomDashLine
"""Qt's pens have no wave; the painter draws this one itself."""


@dataclass(frozen=True)
class Look:
    """How a style is drawn: never by colour alone, for each has its line, letters or glyph."""

    ink: str
    line: Qt.PenStyle = Qt.PenStyle.NoPen
    line_color: str = ""
    tint: str = ""
    italic: bool = False
    glyph: Glyph | None = None


def looks(colors: ReportColors) -> dict[Style, Look]:
    """A look for every style."""
    line: Final = Qt.PenStyle
    return {
        Style.HEADING: Look(colors.heading),
        Style.RUN_IN: Look(colors.heading),
        Style.GAP: Look(colors.gap),
        Style.TEMPLATE: Look(colors.ink),
        Style.TYPED: Look(colors.ink, glyph=Glyph.TICK),
        Style.GENERATED: Look(colors.ink, line.DotLine, colors.generated, colors.generated_tint),
        Style.PINNED: Look(
            colors.ink, line.SolidLine, colors.pin, colors.pin_tint, glyph=Glyph.PIN
        ),
        Style.EDITED: Look(
            colors.ink, line.DashDotLine, colors.edited, colors.edited_tint, glyph=Glyph.PIN
        ),
        Style.DIFFERS: Look(colors.ink, WAVE, colors.differs, colors.generated_tint),
        Style.UNPINNED_EDIT: Look(colors.ink, line.DashDotLine, colors.edited),
        Style.SETTLED: Look(colors.ink, line.DotLine, colors.generated),
        Style.UNSETTLED: Look(colors.unsettled, italic=True),
    }


def _mix(ground: str, color: str, share: float) -> str:
    """``ground`` with a ``share`` (0 to 1) of ``color`` in it."""
    low, high = QColor(ground), QColor(color)
    channels = zip(low.getRgb()[:3], high.getRgb()[:3], strict=True)  # type: ignore[index]
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in channels)
