"""Grey levels against the formulas of the standard, evaluated in exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.viewer.pixels import (
    LookupTable,
    Preset,
    StoredImage,
    VoiFunction,
    Window,
    modality_values,
    model_image,
    percentile_window,
    render_view,
    sample_view,
    voi_lookup,
)
from desktop.viewer.resampling import Region


def image_of(values: object, dtype: type = np.uint16, **extra: object) -> StoredImage:
    return StoredImage(np.atleast_2d(np.array(values, dtype)), **extra)  # type: ignore[arg-type]


def all_values(dtype: type) -> np.ndarray:
    return np.arange(65536, dtype=np.uint16).view(dtype).astype(np.int64)


def linear_table(dtype: type, center: int, width: int, *, exact: bool = False) -> list[int]:
    """PS3.3 C.11.2.1.2.1 or C.11.2.1.3.2 for every stored value, in whole numbers.

    The level (p / q + 1/2) * 255 is rounded by a floor division after adding one half.
    """
    x = all_values(dtype)
    p, q = (x - center, width) if exact else (2 * (x - center) + 1, 2 * (width - 1))
    level = (2 * p * 255 + 256 * q) // (2 * max(q, 1))
    return np.where(2 * p <= -q, 0, np.where(2 * p > q, 255, level)).tolist()


def rounded(level: Fraction) -> int:
    return math.floor(level + Fraction(1, 2))


def linear(x: int, center: Fraction, width: Fraction) -> Fraction:
    """PS3.3 C.11.2.1.2.1 with an output range of 0 to 255."""
    if x <= center - Fraction(1, 2) - (width - 1) / 2:
        return Fraction(0)
    if x > center - Fraction(1, 2) + (width - 1) / 2:
        return Fraction(255)
    return ((x - (center - Fraction(1, 2))) / (width - 1) + Fraction(1, 2)) * 255


WINDOWS = [(2048, 4096), (40, 400), (-600, 1500), (100, 1), (0, 2), (128, 256), (32768, 65536)]


@pytest.mark.parametrize("dtype", [np.uint16, np.int16])
@pytest.mark.parametrize(("center", "width"), WINDOWS)
def test_linear_window_bit_for_bit(dtype: type, center: int, width: int) -> None:
    table = voi_lookup(image_of([0], dtype), Window(center, width))
    assert table.tolist() == linear_table(dtype, center, width)


@pytest.mark.parametrize(("center", "width"), WINDOWS)
def test_linear_exact_window_bit_for_bit(center: int, width: int) -> None:
    table = voi_lookup(image_of([0]), Window(center, width, VoiFunction.LINEAR_EXACT))
    assert table.tolist() == linear_table(np.uint16, center, width, exact=True)


def test_worked_example_of_the_standard() -> None:
    """PS3.3 C.11.2.1.2.1: centre 2048 and width 4096 map 0 to 0 and 4095 to 255."""
    table = voi_lookup(image_of([0]), Window(2048, 4096))
    assert (table[0], table[2047], table[2048], table[4095], table[4096]) == (0, 127, 128, 255, 255)


@given(
    center=st.integers(-40000, 70000).map(lambda n: n / 2),
    width=st.integers(2, 140000).map(lambda n: n / 2),
    x=st.integers(-32768, 32767),
)
def test_linear_window_for_any_halves(center: float, width: float, x: int) -> None:
    grey = Window(center, width).grey(np.array([float(x)]))
    assert math.floor(grey[0] + 0.5) == rounded(linear(x, Fraction(center), Fraction(width)))


def test_sigmoid_window() -> None:
    table = voi_lookup(image_of([0]), Window(2048, 1000, VoiFunction.SIGMOID))
    for x in range(0, 8192, 7):
        level = 255 / (1 + math.exp(-4 * (x - 2048) / 1000))
        assert table[x] == math.floor(level + 0.5)
    assert table[2048] == 128
    assert table[65535] == 255


def test_sigmoid_of_a_tiny_window_does_not_overflow() -> None:
    table = voi_lookup(image_of([0]), Window(100, 1e-6, VoiFunction.SIGMOID))
    assert (table[99], table[100], table[101]) == (0, 128, 255)


def test_rescale_comes_before_the_window() -> None:
    image = image_of([0], slope=2.0, intercept=-1024.0)
    table = voi_lookup(image, Window(40, 400))
    for stored in (0, 431, 432, 532, 632, 633, 65535):
        assert table[stored] == rounded(linear(stored * 2 - 1024, Fraction(40), Fraction(400)))


def test_modality_lut_clamps_at_both_ends() -> None:
    table = LookupTable(first=10, bits=16, entries=np.array([500, 600, 700], np.uint16))
    image = image_of([[0, 10, 11, 12, 9999]], modality_lut=table, slope=5.0)
    assert modality_values(image, image.stored).tolist() == [[500, 500, 600, 700, 700]]


def test_voi_lut_scales_its_depth_to_eight_bits() -> None:
    entries = np.array([0, 1000, 4095], np.uint16)
    table = voi_lookup(image_of([0], np.int16), LookupTable(-1, 12, entries))
    assert table[np.array([-5, -1]).astype(np.uint16)].tolist() == [0, 0]
    assert table[0] == rounded(Fraction(1000 * 255, 4095))
    assert table[1] == table[32767] == 255


def test_voi_lut_takes_modality_values() -> None:
    lut = LookupTable(100, 8, np.arange(256, dtype=np.uint16))
    table = voi_lookup(image_of([0], slope=1.0, intercept=100.0), lut)
    assert table[:256].tolist() == list(range(256))


def test_monochrome1_and_the_readers_inversion_cancel() -> None:
    plain, window = image_of([0]), Window(2048, 4096)
    flipped = image_of([0], inverted=True)
    straight = voi_lookup(plain, window)
    np.testing.assert_array_equal(voi_lookup(flipped, window), 255 - straight)
    np.testing.assert_array_equal(voi_lookup(flipped, window, invert=True), straight)


@pytest.mark.parametrize(
    ("center", "width", "function"),
    [
        (0, 0.5, VoiFunction.LINEAR),
        (0, 0, VoiFunction.LINEAR_EXACT),
        (0, -1, VoiFunction.SIGMOID),
        (math.nan, 10, VoiFunction.LINEAR),
        (0, math.inf, VoiFunction.LINEAR),
    ],
)
def test_impossible_windows_are_refused(center: float, width: float, function: VoiFunction) -> None:
    with pytest.raises(ValueError, match="window"):
        Window(center, width, function)


def test_percentile_window_leaves_out_outliers_and_padding() -> None:
    values = np.full((100, 100), 1000, np.uint16)
    values[:50] = 2000
    values[0, :3] = 60000
    values[99, :40] = 7
    values[98] = 0
    window = percentile_window(image_of(values, padding=(0, 0)))
    assert (window.center, window.width) == (1500, 1000)
    assert window.function is VoiFunction.LINEAR_EXACT


def test_percentile_window_maps_its_ends_to_black_and_white() -> None:
    image = image_of(np.tile(np.arange(1001), (4, 1)), slope=0.001)
    table = voi_lookup(image, percentile_window(image))
    assert table[5] == 0
    assert table[995] == 255
    assert table[500] == 128


def test_percentile_window_of_a_flat_or_wholly_padded_image() -> None:
    assert percentile_window(image_of(np.full((5, 5), 9))).center == 9
    assert percentile_window(image_of(np.zeros((5, 5)), padding=(0, 0))).width > 0


def test_an_image_at_its_own_size_is_exactly_the_lookup() -> None:
    values = np.random.default_rng(1).integers(-32768, 32768, (61, 47)).astype(np.int16)
    image = image_of(values, np.int16, presets=(Preset("", Window(10, 9000)),))
    table = voi_lookup(image)
    np.testing.assert_array_equal(
        render_view(image, Region(0, 0, 61, 47), (61, 47)), table[values.view(np.uint16)]
    )


def test_outside_the_image_is_black_even_when_inverted() -> None:
    image = image_of(np.zeros((4, 4)))
    view = render_view(image, Region(-4, -4, 12, 12), (12, 12), Window(100, 50), invert=True)
    assert (view[4:8, 4:8] == 255).all()
    view[4:8, 4:8] = 0
    assert not view.any()


def test_padding_is_black_and_does_not_bleed() -> None:
    values = np.full((8, 8), 1000)
    values[:, :3] = 63536
    image = image_of(values, padding=(63536, 63536))
    for invert in (False, True):
        view = render_view(image, Region(0, 0, 8, 8), (4, 4), Window(1000, 100), invert=invert)
        assert not view[:, 0].any()
        assert len(set(view[:, 2:].ravel())) == 1
    window = Window(1000, 2000, VoiFunction.LINEAR_EXACT)
    rim = sample_view(image, Region(0, 0, 8, 8), (4, 4)).values[:, 1]
    assert (rim <= 1000).all()
    assert voi_lookup(image, window)[1000] == 128


def test_padding_of_monochrome1_is_black() -> None:
    values = np.full((6, 6), 500)
    values[:2] = 0
    view = render_view(
        image_of(values, padding=(0, 0), inverted=True), Region(0, 0, 6, 6), (6, 6), Window(500, 9)
    )
    assert not view[:2].any()
    assert view[2:].all()


def test_model_image_keeps_aspect_and_never_enlarges() -> None:
    assert model_image(image_of(np.zeros((1000, 500)))).shape == (512, 256)
    assert model_image(image_of(np.zeros((30, 20)))).shape == (30, 20)
    assert model_image(image_of(np.zeros((100, 100)), pixel_aspect=2.0)).shape == (100, 50)
    assert model_image(image_of(np.zeros((2000, 1))), 512).shape == (512, 1)


def test_model_image_shows_dense_as_white_and_averages() -> None:
    values = np.zeros((8, 8))
    values[::2, ::2] = 4000
    bright = StoredImage(values.astype(np.uint16), presets=(Preset("", Window(2048, 4096)),))
    dark = StoredImage((4095 - values).astype(np.uint16), presets=bright.presets, inverted=True)
    np.testing.assert_array_equal(model_image(bright, 4), np.full((4, 4), 62))  # 1000 of 4095
    np.testing.assert_array_equal(model_image(dark, 4), model_image(bright, 4))


def test_images_must_be_two_dimensional_and_sixteen_bit() -> None:
    with pytest.raises(TypeError):
        StoredImage(np.zeros((2, 2), np.float32))
    with pytest.raises(ValueError, match="shape"):
        StoredImage(np.zeros((2, 2, 3), np.uint16))
    with pytest.raises(ValueError, match="shape"):
        StoredImage(np.zeros((0, 3), np.uint16))
