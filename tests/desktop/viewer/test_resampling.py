"""Resampling against sums over exact fractions of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.viewer.resampling import Axis, Region, axes, resample

RANDOM = np.random.default_rng(3)


def view(picture: np.ndarray, region: Region, shape: tuple[int, int]) -> np.ndarray:
    return resample(picture, *axes(picture, region, shape))


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    height=st.integers(1, 50),
    width=st.integers(1, 50),
    value=st.integers(0, 65535),
)
def test_a_flat_picture_stays_flat(
    rows: int, columns: int, height: int, width: int, value: int
) -> None:
    picture = np.full((rows, columns), value, np.uint16)
    out = view(picture, Region(0, 0, rows, columns), (height, width))
    assert out.shape == (height, width)
    assert (out == value).all()


@pytest.mark.parametrize("factor", [2, 3, 4, 7])
def test_whole_factors_average_whole_boxes(factor: int) -> None:
    picture = RANDOM.integers(0, 65536, (factor * 11, factor * 9)).astype(np.uint16)
    boxes = picture.reshape(11, factor, 9, factor).mean(axis=(1, 3))
    out = view(picture, Region(0, 0, *picture.shape), (11, 9))
    assert np.abs(out - boxes).max() <= 0.51


def area_average(line: np.ndarray, start: float, end: float) -> float:
    shares = [max(0.0, min(end, pixel + 1) - max(start, pixel)) for pixel in range(len(line))]
    return float(np.dot(shares, line) / sum(shares))


@pytest.mark.parametrize("step", [1.01, 1.37, 2.5, 6.75])
def test_fractional_factors_weigh_pixels_by_their_share(step: float) -> None:
    line = RANDOM.integers(-32768, 32768, 90).astype(np.int16)
    count = int(90 / step)
    out = view(line[None, :], Region(0, 0, 1, count * step), (1, count))[0]
    expected = [area_average(line, n * step, (n + 1) * step) for n in range(count)]
    assert np.abs(out - expected).max() <= 0.51


def test_magnifying_interpolates_between_pixel_centres() -> None:
    line = np.array([[0, 400, 100]], np.uint16)
    out = view(line, Region(0, 0, 1, 3), (1, 12))[0]
    centres = (np.arange(12) + 0.5) / 4 - 0.5
    np.testing.assert_array_equal(out, np.rint(np.interp(centres, [0, 1, 2], line[0])))


def test_a_part_is_resampled_as_in_the_whole() -> None:
    picture = RANDOM.integers(0, 4096, (120, 100)).astype(np.uint16)
    whole = view(picture, Region(0, 0, 120, 100), (60, 50))
    part = view(picture, Region(20, 40, 60, 40), (30, 20))
    np.testing.assert_array_equal(part, whole[10:40, 20:40])


@given(start=st.floats(-80, 80), extent=st.floats(0.5, 200), count=st.integers(1, 70))
def test_weights_sum_to_one_and_stay_on_the_picture(
    start: float, extent: float, count: int
) -> None:
    axis = Axis(start, extent, count, 50)
    covered = 0
    for out, source, weights in axis.blocks():
        assert 0 <= source.start < source.stop <= 50
        assert weights.shape == (out.stop - out.start, source.stop - source.start)
        np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
        assert (weights >= 0).all()
        covered += out.stop - out.start
    assert covered == axis.covered.stop - axis.covered.start == axis.nearest().size


def test_a_view_beside_the_picture_is_empty() -> None:
    picture = np.ones((4, 4), np.uint16)
    assert view(picture, Region(0, 10, 4, 4), (8, 8)).size == 0
    assert view(picture, Region(-30, 0, 4, 4), (8, 8)).size == 0


def test_a_region_needs_a_size() -> None:
    with pytest.raises(ValueError, match="size"):
        Region(0, 0, 0, 5)
