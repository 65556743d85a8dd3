"""The viewport under real mouse, wheel, key and drop events."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel

from desktop import theme
from desktop.studies.identity import StudyIdentity
from desktop.studies.reading import Study
from desktop.viewer.pixels import LookupTable, Preset, StoredImage, Window
from desktop.viewer.viewport import EMPTY_TEXT, Viewport

LEFT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
NONE, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier
WINDOW = Window(2048, 4096)


def make_study(*, cautions: tuple[str, ...] = (), **image: object) -> Study:
    y, x = np.mgrid[0:300, 0:200]
    stored = ((x * 20 + y) % 4096).astype(np.uint16)
    settings: dict = {"presets": (Preset("", WINDOW),), "pixel_spacing": (0.5, 0.5), **image}
    return Study(
        path=Path("image.dcm"),
        identity=StudyIdentity("1.2.3", "PF-0042"),
        patient_name="Morgan, Alex",
        patient_id="PF-0042",
        sex="F",
        age="063Y",
        study_date="2024-05-17",
        description="Chest PA",
        modality="CR",
        body_part="CHEST",
        view="PA",
        study_uid="1.2.3",
        series_uid="1.2.3.4",
        instance_uid="1.2.3.4.5",
        image=StoredImage(stored, **settings),
        cautions=cautions,
    )


@pytest.fixture
def viewport(qapp: QApplication) -> Iterator[Viewport]:
    widget = Viewport()
    widget.resize(400, 400)
    widget.show()
    widget.activateWindow()
    widget.setFocus()
    qapp.processEvents()
    yield widget
    widget.close()
    widget.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def shown(viewport: Viewport) -> Viewport:
    viewport.set_study(make_study())
    return viewport


def move(viewport: Viewport, to: QPoint, held: Qt.MouseButton) -> None:
    """A move with a button held; QTest.mouseMove leaves the buttons out."""
    at = QPointF(to)
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        at,
        viewport.mapToGlobal(at),
        Qt.MouseButton.NoButton,
        held,
        NONE,
    )
    QApplication.sendEvent(viewport, event)


def drag(
    viewport: Viewport,
    start: tuple[int, int],
    end: tuple[int, int],
    button: Qt.MouseButton = LEFT,
    modifier: Qt.KeyboardModifier = NONE,
) -> None:
    QTest.mousePress(viewport, button, modifier, QPoint(*start))
    middle = QPoint((start[0] + end[0]) // 2, (start[1] + end[1]) // 2)
    move(viewport, middle, button)
    move(viewport, QPoint(*end), button)
    QTest.mouseRelease(viewport, button, modifier, QPoint(*end))


def wheel(viewport: Viewport, at: tuple[int, int], clicks: int) -> None:
    position = QPointF(*at)
    event = QWheelEvent(
        position,
        viewport.mapToGlobal(position),
        QPoint(),
        QPoint(0, 120 * clicks),
        Qt.MouseButton.NoButton,
        NONE,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(viewport, event)


def heard(signal: object) -> list[tuple]:
    calls: list[tuple] = []
    signal.connect(lambda *values: calls.append(values))  # type: ignore[attr-defined]
    return calls


def zoom_of(viewport: Viewport) -> float:
    assert viewport.framing is not None
    return viewport.framing.zoom


def middle_of(viewport: Viewport) -> tuple[float, float]:
    assert viewport.framing is not None
    return viewport.framing.x, viewport.framing.y


def window_of(viewport: Viewport) -> Window:
    assert viewport.window_level is not None
    return viewport.window_level


def screen(viewport: Viewport) -> np.ndarray:
    picture = viewport.grab().toImage().convertToFormat(QImage.Format.Format_Grayscale8)
    data = np.frombuffer(picture.constBits(), np.uint8)
    rows = data.reshape(picture.height(), picture.bytesPerLine())
    return rows[:, : picture.width()].copy()  # the picture dies here


def test_an_empty_viewport_says_what_to_do(viewport: Viewport) -> None:
    assert viewport.accessibleDescription() == EMPTY_TEXT
    assert screen(viewport)[150:250, 50:350].any()
    assert viewport.render_grey() is None


def test_every_action_is_harmless_without_a_study(viewport: Viewport) -> None:
    zooms, windows = heard(viewport.zoom_changed), heard(viewport.window_changed)
    for action in (viewport.fit, viewport.invert, viewport.reset_window):
        action()
    viewport.zoom_by(2)
    viewport.zoom_to(1)
    viewport.pan_by(5, 5)
    viewport.set_window(1, 2)
    viewport.show_preset(0)
    QTest.keyClicks(viewport, "fir+-1 ")
    drag(viewport, (10, 10), (50, 50))
    wheel(viewport, (50, 50), 1)
    assert zooms == windows == []


def test_a_study_is_fitted_and_announced(viewport: Viewport) -> None:
    zooms, windows = heard(viewport.zoom_changed), heard(viewport.window_changed)
    viewport.set_study(make_study())
    assert windows == [(2048.0, 4096.0)]
    assert zooms == [(pytest.approx(400 / 300),)]
    assert "Morgan, Alex" in viewport.accessibleDescription()


def test_the_picture_is_on_the_screen_and_black_beside_it(shown: Viewport) -> None:
    grey = shown.render_grey()
    assert grey is not None
    assert grey.shape == (400, 400)
    assert not grey[:, :60].any()
    assert not grey[:, -60:].any()
    seen = screen(shown)
    np.testing.assert_array_equal(seen[60:140, 80:320], grey[60:140, 80:320])


def test_dragging_changes_window_and_level(shown: Viewport) -> None:
    windows = heard(shown.window_changed)
    drag(shown, (100, 100), (130, 100))
    assert window_of(shown).center == 2048
    assert window_of(shown).width == pytest.approx(4096 * 1.1)
    drag(shown, (100, 100), (100, 130))
    assert window_of(shown).center > 2048
    assert windows[-1] == (window_of(shown).center, window_of(shown).width)
    assert zoom_of(shown) == pytest.approx(400 / 300)


def test_a_window_never_closes_and_can_be_opened_again(shown: Viewport) -> None:
    drag(shown, (390, 100), (0, 100))
    drag(shown, (390, 100), (0, 100))
    assert window_of(shown).width == 1
    drag(shown, (0, 100), (300, 100))
    assert window_of(shown).width > 200


def test_a_click_leaves_the_window_alone(shown: Viewport) -> None:
    windows = heard(shown.window_changed)
    QTest.mouseClick(shown, LEFT, NONE, QPoint(100, 100))
    assert windows == []


@pytest.mark.parametrize("way", ["middle", "shift", "space"])
def test_panning(shown: Viewport, way: str) -> None:
    shown.zoom_to(2)
    before = middle_of(shown)
    if way == "space":
        QTest.keyPress(shown, Qt.Key.Key_Space)
    drag(
        shown,
        (200, 200),
        (180, 210),
        MIDDLE if way == "middle" else LEFT,
        SHIFT if way == "shift" else NONE,
    )
    if way == "space":
        QTest.keyRelease(shown, Qt.Key.Key_Space)
    x, y = middle_of(shown)
    assert (x - before[0], y - before[1]) == pytest.approx((10, -5))
    assert window_of(shown) == WINDOW
    drag(shown, (100, 100), (130, 100))
    assert window_of(shown) != WINDOW


@pytest.mark.parametrize("name", theme.THEME_NAMES)
@pytest.mark.parametrize("stored", [0, 4095])
def test_the_focus_ring_stands_out_on_any_picture(
    viewport: Viewport, qapp: QApplication, name: theme.ThemeName, stored: int
) -> None:
    theme.apply(qapp, name)
    try:
        picture = StoredImage(np.full((300, 300), stored, np.uint16), presets=(Preset("", WINDOW),))
        viewport.set_study(dataclasses.replace(make_study(), image=picture))
        middle = viewport.height() // 2
        edge = [viewport.grab().toImage().pixelColor(x, middle).name() for x in range(6)]
        ratios = [theme.contrast(one, other) for one, other in pairwise(edge)]
        assert max(ratios) >= 3, edge
        viewport.clearFocus()
        plain = [viewport.grab().toImage().pixelColor(x, middle).name() for x in range(6)]
        assert len(set(plain)) == 1
    finally:
        qapp.setStyleSheet("")


def test_losing_the_focus_lets_go_of_space(shown: Viewport, qapp: QApplication) -> None:
    QTest.keyPress(shown, Qt.Key.Key_Space)
    assert shown.cursor().shape() == Qt.CursorShape.OpenHandCursor
    shown.clearFocus()
    qapp.processEvents()
    assert shown.cursor().shape() == Qt.CursorShape.CrossCursor


def test_the_wheel_zooms_about_the_pointer(shown: Viewport) -> None:
    framing = shown.framing
    assert framing is not None
    under = framing.to_picture(150, 300)
    wheel(shown, (150, 300), 2)
    assert zoom_of(shown) == pytest.approx(framing.zoom * 1.44)
    assert shown.framing is not None
    assert shown.framing.to_picture(150, 300) == pytest.approx(under)
    wheel(shown, (150, 300), -2)
    assert zoom_of(shown) == pytest.approx(framing.zoom)


def test_a_double_click_fits(shown: Viewport) -> None:
    fitted = shown.framing
    shown.zoom_by(3)
    shown.pan_by(20, 20)
    QTest.mouseDClick(shown, LEFT, NONE, QPoint(100, 100))
    assert shown.framing == fitted


def test_keys(shown: Viewport) -> None:
    fitted = zoom_of(shown)
    straight = shown.render_grey()
    assert straight is not None
    QTest.keyClick(shown, Qt.Key.Key_I)
    turned = shown.render_grey()
    assert turned is not None
    np.testing.assert_array_equal(turned[:, 100:300], 255 - straight[:, 100:300])
    shown.set_window(10, 20)
    QTest.keyClick(shown, Qt.Key.Key_R)
    assert window_of(shown) == WINDOW
    assert not shown.inverted
    QTest.keyClick(shown, Qt.Key.Key_Plus)
    assert zoom_of(shown) == pytest.approx(fitted * 1.2)
    QTest.keyClick(shown, Qt.Key.Key_Minus)
    assert zoom_of(shown) == pytest.approx(fitted)
    QTest.keyClick(shown, Qt.Key.Key_1)
    assert zoom_of(shown) == 1
    shown.zoom_to(4)
    before = middle_of(shown)
    QTest.keyClick(shown, Qt.Key.Key_Right)
    QTest.keyClick(shown, Qt.Key.Key_Up)
    assert middle_of(shown) == pytest.approx((before[0] - 10, before[1] + 10))
    QTest.keyClick(shown, Qt.Key.Key_F)
    assert zoom_of(shown) == pytest.approx(fitted)


def test_keys_with_control_are_left_to_others(shown: Viewport) -> None:
    QTest.keyClick(shown, Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    assert not shown.inverted


def test_a_fitted_picture_follows_the_size(shown: Viewport, qapp: QApplication) -> None:
    zooms = heard(shown.zoom_changed)
    shown.resize(400, 600)
    qapp.processEvents()
    assert zooms == [(2.0,)]
    grey = shown.render_grey()
    assert grey is not None
    assert grey.shape == (600, 400)


def test_only_what_changed_is_computed_again(
    shown: Viewport, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def spy(name: str) -> None:
        module = "desktop.viewer.viewport"
        real: Callable[..., object] = getattr(__import__(module, fromlist=[name]), name)

        def called(*args: object, **kwargs: object) -> object:
            calls.append(name)
            return real(*args, **kwargs)

        monkeypatch.setattr(f"{module}.{name}", called)

    spy("sample_view")
    spy("voi_lookup")
    shown.zoom_by(1.5)
    shown.render_grey()
    shown.set_window(100, 200)
    shown.render_grey()
    shown.render_grey()
    assert calls == ["sample_view", "voi_lookup", "voi_lookup"]


def test_a_drag_paints_once_for_many_moves(
    shown: Viewport, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    qapp.processEvents()
    paints: list[np.ndarray | None] = []
    real = shown.render_grey

    def counted() -> np.ndarray | None:
        paints.append(real())
        return paints[-1]

    monkeypatch.setattr(shown, "render_grey", counted)
    QTest.mousePress(shown, LEFT, NONE, QPoint(100, 100))
    for step in range(50):
        move(shown, QPoint(100 + step, 100), LEFT)
    qapp.processEvents()
    QTest.mouseRelease(shown, LEFT, NONE, QPoint(150, 100))
    assert 1 <= len(paints) <= 2


def test_a_lookup_table_gives_way_to_a_window_when_dragged(viewport: Viewport) -> None:
    table = LookupTable(0, 12, np.arange(4096, dtype=np.uint16), "NORMAL")
    viewport.set_study(make_study(presets=(Preset("NORMAL", table), Preset("", WINDOW))))
    assert viewport.voi is table
    assert window_of(viewport) == WINDOW
    assert not viewport.grab().isNull()
    drag(viewport, (100, 100), (160, 100))
    assert isinstance(viewport.voi, Window)
    viewport.reset_window()
    assert viewport.voi is table
    viewport.show_preset(1)
    assert viewport.voi == WINDOW


def test_a_second_study_starts_afresh(shown: Viewport) -> None:
    shown.zoom_by(4)
    shown.invert()
    shown.set_window(1, 2)
    shown.set_study(make_study())
    assert not shown.inverted
    assert window_of(shown) == WINDOW
    assert zoom_of(shown) == pytest.approx(400 / 300)
    shown.set_study(None)
    assert shown.render_grey() is None
    assert shown.framing is None


def test_cautions_are_behind_a_badge(viewport: Viewport) -> None:
    viewport.set_study(make_study(cautions=("First <caution>.", "Second caution.")))
    badge = viewport.findChild(type(viewport.badge))
    assert badge is not None
    assert badge.isVisible()
    assert badge.accessibleName() == "2 cautions about this image"
    assert "Second caution." in badge.toolTip()
    panel = next(label for label in viewport.findChildren(QLabel) if label is badge.panel)
    assert not panel.isVisible()
    QTest.mouseClick(badge, LEFT)
    assert panel.isVisible()
    assert "First &lt;caution&gt;." in panel.text()
    assert viewport.rect().contains(panel.geometry())
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert not panel.isVisible()
    badge.setFocus()
    QTest.keyClick(badge, Qt.Key.Key_Space)
    assert panel.isVisible()
    viewport.set_study(make_study())
    assert not badge.isVisible()
    assert not panel.isVisible()


def test_the_overlay_is_written_over_the_picture(viewport: Viewport) -> None:
    black = StoredImage(np.zeros((300, 300), np.uint16), presets=(Preset("", WINDOW),))
    bare = dataclasses.replace(make_study(), image=black)
    viewport.set_study(bare)
    plain = screen(viewport)
    top_left, top_right = plain[8:60, 8:140], plain[8:60, 260:392]
    assert top_left.max() > 150
    assert top_right.max() > 150
    assert not plain[100:300, 2:398].any()
    full = dataclasses.replace(black, orientation=("L", "F"), pixel_spacing=(0.5, 0.5))
    viewport.set_study(dataclasses.replace(bare, image=full))
    lettered = screen(viewport)
    assert lettered[180:220, 8:30].max() > 150
    assert lettered[180:220, 370:392].max() > 150
    assert (lettered[370:395, 300:395] > 150).sum() > (plain[370:395, 300:395] > 150).sum()


def test_dropped_files_are_announced(viewport: Viewport, tmp_path: Path) -> None:
    dropped = heard(viewport.paths_dropped)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "å.dcm")), QUrl("https://example.org/a")])
    action = Qt.DropAction.CopyAction
    enter = QDragEnterEvent(QPoint(50, 50), action, data, LEFT, NONE)
    QApplication.sendEvent(viewport, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(viewport, QDropEvent(QPointF(50, 50), action, data, LEFT, NONE))
    assert dropped == [([tmp_path / "å.dcm"],)]


def test_text_is_not_taken_as_a_drop(viewport: Viewport) -> None:
    data = QMimeData()
    data.setText("words")
    enter = QDragEnterEvent(QPoint(50, 50), Qt.DropAction.CopyAction, data, LEFT, NONE)
    enter.ignore()
    QApplication.sendEvent(viewport, enter)
    assert not enter.isAccepted()


def test_a_dense_screen_gets_all_its_pixels(
    viewport: Viewport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewport, "devicePixelRatioF", lambda: 2.0)
    viewport.set_study(make_study())
    grey = viewport.render_grey()
    assert grey is not None
    assert grey.shape == (800, 800)
    assert zoom_of(viewport) == pytest.approx(800 / 300)
    wheel(viewport, (100, 100), 1)
    assert viewport.framing is not None
    assert viewport.framing.to_picture(200, 200) == pytest.approx((25, 75))


HOSTILE = [
    {"pixel_aspect": value} for value in (float("nan"), float("inf"), 0.0, 1e308, 1e-308, -1.0)
] + [
    {"pixel_spacing": value}
    for value in ((1e308, 1e-308), (0.0, 0.0), (float("nan"), 1.0), (1.0, float("inf")))
]


@pytest.mark.parametrize("image", HOSTILE, ids=repr)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_that_make_no_picture_end_neither_painting_nor_resizing(
    viewport: Viewport, qapp: QApplication, monkeypatch: pytest.MonkeyPatch, image: dict
) -> None:
    raised: list[object] = []
    monkeypatch.setattr("sys.excepthook", lambda *fault: raised.append(fault))
    viewport.set_study(make_study(**image))
    viewport.repaint()
    viewport.resize(300, 350)
    viewport.repaint()
    for act in (viewport.fit, lambda: viewport.zoom_by(2), lambda: viewport.pan_by(9, 9)):
        act()
        viewport.repaint()
    assert raised == []
    viewport.set_study(make_study())
    viewport.repaint()
    assert viewport.render_grey() is not None
