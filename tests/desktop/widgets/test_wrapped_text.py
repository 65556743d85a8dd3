"""Labels, notices and marks whose words are longer than a line."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from desktop import theme
from desktop.widgets.banner import Banner, Notice, NoticeKind
from desktop.widgets.unsaved_mark import UnsavedMark
from desktop.widgets.wrapped_text import WrappedText

PATH = "/home/reader/" + "2.25.195531639208673702994428756840829952465_aeb6f000a2a11646" * 2
SENTENCES = (f"Not saved ({PATH}.json): No space left.", PATH, "短い名前" * 40, "Short.")


def all_shows(text: WrappedText) -> bool:
    size = text.document().size()
    room = text.viewport().rect()
    return size.height() <= room.height() and size.width() <= room.width()


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("width", [320, 375, 800])
def test_no_notice_and_no_mark_cuts_a_path(qapp: QApplication, sentence: str, width: int) -> None:
    theme.apply(qapp, "dark")
    banner, mark = Banner(theme.DARK), UnsavedMark(theme.DARK)
    column = QWidget()
    lines = QVBoxLayout(column)
    lines.addWidget(banner)
    lines.addWidget(mark)
    lines.addStretch(1)
    column.resize(width, 900)
    column.show()
    for kind in (NoticeKind.ERROR, NoticeKind.INFO):
        banner.show_notice(Notice(kind, sentence, action=("Retry", lambda: None)))
        mark.show_mark(sentence, "", [("Retry", lambda: None)])
        qapp.processEvents()
        assert column.width() == width
        for text in (banner._text, mark._text):
            assert sentence in text.full_text
            assert sentence in text.toPlainText()  # selected and copied as it is
            assert all_shows(text)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("PHANTOM, CASE 1000063", True),
        ("Featherstonehaugh-Cholmondeley, Alexandrina", True),
        ("n" * 64, True),
        ("Wilhelmina " * 40, False),
    ],
)
def test_a_name_goes_on_below_before_it_is_cut(qapp: QApplication, name: str, whole: bool) -> None:
    theme.apply(qapp, "light")
    label = WrappedText(most_lines=4)
    label.set_full_text(name)
    label.resize(240, label.heightForWidth(240))
    label.show()
    qapp.processEvents()
    assert all_shows(label)
    assert (label.toPlainText() == name) == whole
    assert label.toPlainText().endswith("…") != whole
    assert (label.toolTip() == name) != whole
    assert label.accessibleName() == name
