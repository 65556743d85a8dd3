"""Colours that can be read, marks that do not rest on colour, offsets that survive UTF-16."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from desktop import theme
from desktop.report.colors import ReportColors, looks
from desktop.report.editor import ReportEditor
from desktop.report.legend import ReportLegend
from desktop.report.mirror import GUTTER, difference
from desktop.report.model import Report
from desktop.report.picture import Style, picture, preview
from desktop.report.utf16 import Utf16
from inference.protocol import Canvas, Run

BOTH = pytest.mark.parametrize("colors", [ReportColors.dark(), ReportColors.light()])


@BOTH
def test_text_can_be_read_on_what_it_stands_on(colors: ReportColors) -> None:
    pairs = [(look.ink, look.tint or colors.paper) for look in looks(colors).values()]
    pairs += [
        (colors.soft, colors.paper),
        (colors.gap, colors.gap_tint),
        (colors.selected_ink, colors.selection),
    ]
    assert min(theme.contrast(ink, ground) for ink, ground in pairs) >= 4.5


@BOTH
def test_marks_can_be_seen(colors: ReportColors) -> None:
    pairs = [(look.line_color, look.tint or colors.paper) for look in looks(colors).values()]
    marks = [(ink, ground) for ink, ground in pairs if ink]
    marks += [(colors.typed, colors.paper), (colors.pin, colors.paper)]
    assert min(theme.contrast(ink, ground) for ink, ground in marks) >= 3


@BOTH
def test_no_two_styles_differ_in_colour_alone(colors: ReportColors) -> None:
    # Own letters, a pill, a draft.
    told_apart = {
        style: (look.line, look.italic, look.glyph)
        for style, look in looks(colors).items()
        if style not in {Style.HEADING, Style.RUN_IN, Style.GAP, Style.SETTLED}
    }
    assert len(set(told_apart.values())) == len(told_apart)


@BOTH
def test_marks_in_the_margin_are_painted(qapp: QApplication, colors: ReportColors) -> None:
    report = Report()
    report.apply(report.pieces_for_draft(), ["No effusion."])
    editor = ReportEditor()
    editor.set_colors(colors)
    editor.resize(400, 200)
    editor.set_report(report)

    def margin() -> QImage:
        return editor.viewport().grab(QRect(0, 0, GUTTER, 100)).toImage()

    plain = margin()
    report.pin(0, 12)
    pinned = margin()
    report.undo()
    assert margin() == plain
    report.insert(12, " Typed.")
    typed = margin()
    assert plain != pinned
    assert plain != typed
    assert pinned != typed
    editor.deleteLater()


def test_the_legend_wraps_where_it_is_narrow(qapp: QApplication) -> None:
    legend = ReportLegend()
    wide = legend.sizeHint().width()
    assert legend.heightForWidth(wide) < legend.heightForWidth(wide // 2)
    legend.resize(wide, legend.heightForWidth(wide))
    dark = legend.grab().toImage()
    legend.set_colors(ReportColors.light())
    assert legend.grab().toImage() != dark
    legend.deleteLater()


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_offsets_agree_with_utf_16(text: str) -> None:
    index = Utf16(text)
    for point in range(len(text) + 1):
        units = len(text[:point].encode("utf-16-le")) // 2
        assert index.units(point) == units
        assert index.point(units) == point


@given(st.text("ab\n", max_size=12), st.text("ab\n", max_size=12), st.integers(0, 12) | st.none())
def test_a_difference_makes_the_new_text_of_the_old(old: str, new: str, caret: int | None) -> None:
    start, end, text = difference(old, new, caret)
    assert old[:start] + text + old[end:] == new
    assert 0 <= start <= end <= len(old)
    assert not (text and old[start:end].startswith(text[0]))


@given(st.lists(st.text("a \nFINDGS:\ufffc🫁", max_size=12), max_size=6))
def test_a_picture_covers_its_text(texts: list[str]) -> None:
    report = Report()
    report.apply(report.pieces_for_draft(), ["FINDINGS:\nThe heart.\n\nIMPRESSION:\nBig."])
    report.insert_gap(12, 3)
    report.pin(14, 17)
    report.insert(len(report.text), "".join(texts))
    draft = tuple(Run(text, at % 2 == 0) for at, text in enumerate(texts))
    plan = report.pieces_for_infill()
    pictures = [
        picture(report),
        preview(report.content, plan),
        preview(report.content, plan, Canvas("job", 1, 2, 3, 0.0, (draft, draft))),
    ]
    for each in pictures:
        ends = [0, *(stretch.end for stretch in each.stretches)]
        assert [stretch.start for stretch in each.stretches] == ends[:-1]
        assert ends[-1] == len(each.text)
        assert all(stretch.start < stretch.end for stretch in each.stretches)
        assert each.text.count("\ufffc") == len(each.gaps)


def test_underlines_are_what_the_legend_says() -> None:
    seen = looks(ReportColors.dark())
    assert seen[Style.PINNED].line is Qt.PenStyle.SolidLine
    assert seen[Style.GENERATED].line is Qt.PenStyle.DotLine
    assert seen[Style.EDITED].line is Qt.PenStyle.DashDotLine
    assert seen[Style.TYPED].line is Qt.PenStyle.NoPen
