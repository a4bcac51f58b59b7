# SPDX-License-Identifier: Apache-2.0
"""Eight bits of more, steadily."""
import numpy as np
import pytest

from modot_ros.scene.tone import FOLLOW, LEAST_SPAN, Tone


def ramp(low: float, high: float, dtype=np.uint16) -> np.ndarray:
    return np.linspace(low, high, 100 * 100).reshape(100, 100).astype(dtype)


@pytest.mark.parametrize("bits", range(8, 17))
def test_white_is_that_of_the_bits_in_use(bits):
    values = ramp(0, 2 ** bits - 1)
    np.testing.assert_allclose(Tone().colour(values), values * (255 / (2 ** bits - 1)), atol=0.51)


def test_a_hot_pixel_makes_no_white():
    values = ramp(0, 4095)
    values[3, 3] = 65535
    assert Tone().colour(values)[-1, -1] == 255


def test_white_stays_when_the_picture_grows_dark():
    tone = Tone()
    tone.colour(ramp(0, 4095))
    assert tone.colour(ramp(0, 1023)).max() == 64


@pytest.mark.parametrize("dtype", (np.uint16, ">u2", np.int16, np.float32, np.float64))
def test_grey_ends_at_black_and_white(dtype):
    grey = Tone().grey(ramp(20000, 21000, dtype))
    assert grey.dtype == np.uint8 and grey[0, 0] == 0 and grey[-1, -1] == 255 and (np.diff(grey.ravel().astype(int)) >= 0).all()


def test_the_range_moves_slowly_towards_a_new_one():
    tone = Tone()
    tone.grey(ramp(0, 1000))
    first = tone.grey(ramp(0, 2000)).astype(float)
    assert np.mean(first == 255) == pytest.approx(0.5 - FOLLOW / 2, abs=0.02)       # what is above 1000 + FOLLOW * 1000
    for _ in range(100):
        last = tone.grey(ramp(0, 2000))
    assert np.mean(last == 255) < 0.01


def test_a_range_that_has_nothing_in_common_is_taken_at_once():
    tone = Tone()
    tone.grey(ramp(100, 200))
    np.testing.assert_array_equal(tone.grey(ramp(3000, 5000)), Tone().grey(ramp(3000, 5000)))


def test_noise_of_a_flat_picture_stays_noise():
    noise = np.random.default_rng(0).normal(30000, 3, (50, 50)).astype(np.uint16)
    grey = Tone().grey(noise)
    assert abs(float(grey.mean()) - 127.5) < 3 and grey.std() == pytest.approx(3 * 255 / (LEAST_SPAN * 30000), rel=0.3)


@pytest.mark.parametrize("values", (np.zeros((4, 4), np.uint16), np.full((4, 4), np.nan, np.float32)))
def test_nothing_is_black(values):
    assert not Tone().grey(values).any() and not Tone().colour(np.zeros((4, 4), np.uint16)).any()
