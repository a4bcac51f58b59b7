# SPDX-License-Identifier: Apache-2.0
"""Panels of pictures that are known."""
import numpy as np

from modot_ros.learn.evaluation.panels import side_by_side

from .conftest import box_room


def panels(*given):
    return np.split(side_by_side(*given), 5, axis=1)


def test_the_truth_looks_like_itself_whatever_its_scale():
    rgb, depth_m, boundary = box_room(0)
    picture, true_depth, found_depth, true_lines, found_lines = panels(rgb, depth_m, boundary, 7 * depth_m, boundary)
    np.testing.assert_array_equal(picture, rgb)
    assert np.abs(true_depth.astype(int) - found_depth).max() <= 3      # up to the steps of the colour map
    np.testing.assert_array_equal(true_lines, found_lines)
    assert (true_lines[boundary] == 255).all() and true_lines[~boundary].min() < 20


def test_what_is_unknown_is_black():
    rgb, depth_m, boundary = box_room(0)
    _, true_depth, found_depth, true_lines, _ = panels(rgb, None, None, depth_m, boundary)
    assert not true_depth.any() and not true_lines.any() and found_depth.any()
    hole = np.where(depth_m < 2, np.nan, depth_m)
    assert not panels(rgb, hole, boundary, depth_m, boundary)[1][np.isnan(hole)].any()


def test_probabilities_are_as_bright_as_they_are_and_large_pictures_are_made_smaller():
    rgb, depth_m, boundary = box_room(0, height=480, width=640)
    shown = side_by_side(rgb // 9, depth_m, boundary, depth_m, np.full((48, 64), 0.5))
    assert shown.shape == (240, 5 * 320, 3) and np.unique(shown[:, 4 * 320:]).tolist() == [128]
