# SPDX-License-Identifier: Apache-2.0
"""Scores of disparity by numbers worked out by hand."""
import math

import numpy as np
import pytest

from modot_ros.learn.orders.disparity_scores import diw_relation, diw_whdr, kitti_metrics, kitti_window


def test_the_larger_disparity_is_closer_and_points_count_from_one():
    disparity = np.array([[1.0, 3.0], [3.0, 5.0]])
    assert diw_relation(disparity, 2, 2, (1, 2), (1, 1)) == "<"
    assert diw_relation(disparity, 2, 2, (1, 2), (2, 2)) == ">"
    assert diw_relation(disparity, 2, 2, (1, 2), (2, 1)) == "="


def test_disparity_takes_the_pictures_shape():
    disparity = np.array([[0.0, 4.0]])                      # on eight columns 0 0 0.5 1.5 2.5 3.5 4 4
    said = [diw_relation(disparity, 3, 8, (2, column), (2, column + 1)) for column in range(1, 8)]
    assert said == ["=", ">", ">", ">", ">", ">", "="]
    with pytest.raises(ValueError, match=r"point \(0, 1\) is outside of a picture of 3 rows and 8 columns"):
        diw_relation(disparity, 3, 8, (1, 1), (0, 1))


def test_whdr_counts_what_is_wrong():
    assert diw_whdr(["<", ">", "=", "<"], ["<", "<", "=", ">"]) == 50.0
    assert math.isnan(diw_whdr([], []))
    with pytest.raises(ValueError, match="1 relations found, 2 true"):
        diw_whdr(["<"], ["<", ">"])
    with pytest.raises(ValueError, match="'closer'"):
        diw_whdr(["closer"], ["<"])


def test_the_window_is_the_bottom_centre():
    rows, columns = np.mgrid[:375, :1242]
    window = kitti_window(np.stack([rows, columns], axis=-1))
    assert window.shape == (352, 1216, 2) and window[0, 0].tolist() == [23, 13] and window[-1, -1].tolist() == [374, 1228]
    with pytest.raises(ValueError, match="1000x375"):
        kitti_window(rows[:, :1000])


def test_right_up_to_one_factor_is_right():
    disparity = np.array([[10.0, 5.0, 2.0, 0.0]])
    depth = 1 / (disparity / 10 + 1e-3)
    truth_m = 8 * depth / depth[0, 2]                       # 1.6, 3.2, 8 m and one beyond 80 m that does not count
    scores = kitti_metrics(disparity, truth_m)
    assert truth_m[0, 3] > 80 and scores.abs_rel == pytest.approx(0, abs=1e-9) and scores.delta1 == 1.0
    assert kitti_metrics(disparity, truth_m, as_published=True) == scores        # the least is 0, both ways are one


def test_as_published_divides_by_the_largest():
    disparity = np.array([[6.0, 4.0, 2.0]])                 # (d - 2) / 6: 2/3, 1/3, 0; put right 1, 1/2, 0
    truth_m = np.array([[1.0, 2.0, 70.0]])
    for as_published, ratios in ((True, (0.667667, 0.334333, 0.001)), (False, (1.001, 0.501, 0.001))):
        depth = np.clip(2.0 * ratios[1] / np.array(ratios), 1e-3, 80)
        expected = np.mean(np.abs(depth - truth_m) / truth_m)
        assert kitti_metrics(disparity, truth_m, as_published).abs_rel == pytest.approx(expected, rel=1e-4)
    with pytest.raises(ValueError, match="one shape"):
        kitti_metrics(disparity, truth_m[:, :2])
