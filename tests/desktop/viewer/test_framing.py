from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.viewer.framing import MAX_ZOOM, Framing

sizes = st.integers(1, 4000)


@given(rows=sizes, columns=sizes, width=sizes, height=sizes, aspect=st.floats(0.25, 4))
def test_fit_shows_the_whole_picture(
    rows: int, columns: int, width: int, height: int, aspect: float
) -> None:
    framing = Framing.fit(rows, columns, aspect, width, height)
    left, top = framing.to_picture(0, 0)
    right, bottom = framing.to_picture(width, height)
    slack = 1e-6 * max(rows, columns, 1)
    assert left <= slack
    assert top <= slack
    assert right >= columns - slack
    assert bottom >= rows - slack
    tight = columns * framing.zoom, rows * aspect * framing.zoom
    assert tight[0] == pytest.approx(width) or tight[1] == pytest.approx(height)


@given(x=st.floats(200, 300), y=st.floats(150, 250), factor=st.floats(0.8, 4))
def test_zooming_keeps_what_lies_under_the_pointer(x: float, y: float, factor: float) -> None:
    framing = Framing.fit(1000, 800, 1.5, 500, 400).zoomed(2)
    zoomed = framing.zoomed(factor, x, y)
    assert zoomed.to_picture(x, y) == pytest.approx(framing.to_picture(x, y))


def test_zoom_has_ends() -> None:
    framing = Framing.fit(1000, 1000, 1, 500, 500)
    assert framing.zoomed(1e9).zoom == MAX_ZOOM
    assert framing.zoomed(1e-9).zoom == pytest.approx(framing.zoom / 4)


def test_a_picture_smaller_than_a_pixel_grid_may_be_fitted_beyond_the_greatest_zoom() -> None:
    framing = Framing.fit(4, 4, 1, 1000, 1000)
    assert framing.zoomed(1).zoom == framing.zoom == 250


def test_panning_never_loses_the_picture() -> None:
    framing = Framing.fit(100, 100, 1, 50, 50).panned(1e6, -1e6)
    assert (framing.x, framing.y) == (0, 100)
    assert not framing.fitted


def test_only_a_fitted_framing_follows_the_viewport() -> None:
    fitted = Framing.fit(100, 100, 1, 50, 50)
    assert fitted.resized(200, 300).zoom == 2
    zoomed = fitted.zoomed(3)
    assert zoomed.resized(200, 300).zoom == zoomed.zoom
    assert zoomed.refit().fitted


def test_at_full_size_the_region_lies_on_whole_pixels() -> None:
    framing = Framing.fit(101, 101, 1, 50, 51).zoomed(2.02).panned(0.3, 0.7)
    framing = framing.zoomed(1 / framing.zoom)
    assert framing.zoom == pytest.approx(1)
    assert framing.region.left == pytest.approx(round(framing.region.left))
    assert framing.region.top == pytest.approx(round(framing.region.top))
