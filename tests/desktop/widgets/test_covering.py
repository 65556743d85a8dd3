"""What lies over an edge of another widget."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.widgets.covering import Covering, Edge


@pytest.mark.parametrize("edge", ["top", "bottom"])
def test_a_cover_is_as_high_as_it_needs_from_one_turn_of_the_loop_on(
    qapp: QApplication, edge: Edge
) -> None:
    window, host, cover, part = QWidget(), QFrame(), QFrame(), QWidget()
    QVBoxLayout(window).addWidget(host)
    outer, inner = QHBoxLayout(cover), QVBoxLayout()
    outer.setContentsMargins(0, 0, 0, 0)
    outer.addLayout(inner)
    inner.setSpacing(0)
    inner.addWidget(part)
    said = QLabel("Words that go on below where there is little room for them. " * 3)
    said.setWordWrap(True)
    inner.addWidget(said)
    part.setFixedHeight(20)
    covering = Covering(cover, host, edge)
    told: list[int] = []
    covering.covered.connect(told.append)
    window.resize(300, 400)
    window.show()
    cover.show()
    qapp.processEvents()
    place = host.geometry()
    for height in (20, 84, 14, 10_000):
        part.setFixedHeight(height)
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
        assert host.geometry() == place
        wanted = min(height + said.heightForWidth(host.width()), host.height())
        assert cover.height() == wanted == told[-1]
        assert cover.width() == host.width()
        edges = (cover.geometry().top(), host.geometry().top())
        if edge == "bottom":
            edges = (cover.geometry().bottom(), host.geometry().bottom())
        assert edges[0] == edges[1]
    cover.hide()
    qapp.processEvents()
    assert told[-1] == 0
