# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from modot_ros.learn.recipes.photometric import distorted, window


def test_distortion_follows_its_random_numbers_and_stays_within_its_limits():
    grey = np.full((4, 6, 3), 128, np.uint8)
    found = [distorted(grey, np.random.default_rng(seed)) for seed in range(200)]
    assert all(np.array_equal(one, distorted(grey, np.random.default_rng(k))) for k, one in enumerate(found[:20]))
    values = np.array([one[0, 0, 0] for one in found])
    assert 48 <= values.min() < 60 and 200 < values.max() <= 240         # (128 - 32) * 0.5 and (128 + 32) * 1.5
    assert 0.15 < (values == 128).mean() < 0.4                           # neither brightness nor contrast: a fourth
    assert all((one == one[..., :1]).all() for one in found)             # grey has no hue, so it stays grey


def test_hue_moves_colours():
    red = np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 200
    assert any(distorted(red, np.random.default_rng(seed))[0, 0, 1:].any() for seed in range(20))


def test_a_window_lies_in_the_picture_and_a_small_picture_is_refused():
    for seed in range(20):
        rows, columns = window(10, 20, 8, np.random.default_rng(seed))
        assert 0 <= rows.start and rows.stop == rows.start + 8 <= 10 and columns.stop == columns.start + 8 <= 20
    with pytest.raises(ValueError, match="20x7.*8x8"):
        window(7, 20, 8, np.random.default_rng(0))
