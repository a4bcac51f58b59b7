# SPDX-License-Identifier: Apache-2.0
"""What a sample makes of depth that is partly unknown, and of a camera."""
import numpy as np
import pytest

from modot_ros.learn.datasets.sample import Sample, depth_along_axis, intrinsics, sample

RGB = np.zeros((2, 3, 3), np.uint8)


def test_depth_is_nan_where_it_is_unknown_and_valid_everywhere_else():
    depth_m = np.array([[1.0, 0.0, -1.0], [np.nan, np.inf, 2.0]])
    found = sample("a", RGB, depth_m, np.array([[True, True, True], [True, True, False]]))
    assert found.valid.tolist() == [[True, False, False], [False, False, False]]
    assert found.depth_m.dtype == np.float32 and found.depth_m[0, 0] == 1
    assert np.isnan(found.depth_m).sum() == 5


def test_without_depth_nothing_is_valid():
    found = sample("a", RGB, boundary=np.ones((2, 3), bool))
    assert found.depth_m is None and not found.valid.any() and found.K is None


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r"boundary is \(3, 2\), the picture \(2, 3\)"):
        sample("a", RGB, boundary=np.ones((3, 2), bool))
    with pytest.raises(ValueError, match=r"depth_m is \(1, 3\)"):
        Sample(RGB, np.ones((1, 3), np.float32), np.ones((2, 3), bool), None, None, "a")
    with pytest.raises(ValueError, match="the mask is"):
        sample("a", RGB, np.ones((2, 3)), np.ones((1, 3), bool))


def test_distance_becomes_depth_along_the_axis():
    K = intrinsics(3.0, 4.0, 0.0, 1.0)
    distance = np.full((5, 5), 5.0)
    depth_m = depth_along_axis(distance, K)
    assert depth_m[1, 0] == 5 and depth_m[1, 3] == pytest.approx(5 / 2 ** 0.5)
    assert depth_m[4, 4] == pytest.approx(5 / (1 + (4 / 3) ** 2 + (3 / 4) ** 2) ** 0.5)
