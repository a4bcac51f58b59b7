# SPDX-License-Identifier: Apache-2.0
"""Pictures are looked at by people; what can be asked of them by a test is where their marks are."""
import numpy as np
import pytest

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.scene.drawing.overlay import DARK, LIGHT, OUTLINE, colour_depth, depth_limits, overlay

SHAPE = (60, 80)  # too small for a depth scale, which would cover the marks
RGB = np.full((*SHAPE, 3), 128, np.uint8)


def test_near_is_warm_far_is_cold_and_unknown_is_black():
    near, far, beyond, unknown, closer = colour_depth(np.float32([[1, 4, np.inf, np.nan, 0.2]]), 1, 4)[0]
    assert near[0] > near[2] and far[2] > far[0]
    assert (beyond == far).all() and (closer == near).all() and not unknown.any()
    with pytest.raises(ValueError, match="from 4 to 1"):
        colour_depth(np.ones((2, 2), np.float32), 4, 1)


def test_limits_leave_out_what_is_not_depth():
    depth = np.full(SHAPE, 2, np.float32)
    depth[:30] = 4
    depth[0], depth[1], depth[2] = np.nan, np.inf, 0
    assert depth_limits(depth) == pytest.approx((2, 4))
    near, far = depth_limits(np.full(SHAPE, np.nan, np.float32))
    assert 0 < near < far
    near, far = depth_limits(np.full(SHAPE, 3, np.float32))
    assert near == 3 < far


def test_boundary_is_light_on_the_occluder_and_dark_on_what_is_hidden():
    mask, side = np.zeros(SHAPE, bool), np.zeros(SHAPE, np.uint8)
    mask[10:50, 40], side[10:50, 40] = True, 5
    picture = overlay(RGB, Prediction("metric", 50.0, boundary_mask=mask, boundary_side=side))
    assert (picture[10:50, 40] == LIGHT).all() and (picture[10:50, 39] == DARK).all()
    assert (picture[:, 41:] == 128).all()


def test_instances_are_outlined_and_their_graph_is_drawn():
    labels = np.zeros(SHAPE, np.int32)
    labels[10:50, 5:40], labels[10:50, 40:75] = 1, 2
    picture = overlay(RGB, Prediction("metric", 50.0, labels=labels))
    assert (picture[9, 10] == OUTLINE).all() and (picture[20, 39] == OUTLINE).all() and (picture[20, 20] == 128).all()
    graph = OrderGraph("geometric", (Instance(1, 1400, (5, 10, 35, 40), 1, 1, 1), Instance(2, 1400, (40, 10, 35, 40), 2, 2, 2)),
                       (OcclusionOrder(1, 2, 0.9, False, 40.0, 1.0),))
    with_graph = overlay(RGB, Prediction("metric", 50.0, labels=labels, graph=graph))
    v, u = np.nonzero((with_graph != picture).any(2))
    assert len(v) and 5 <= u.min() and u.max() < 75


def test_the_legend_names_what_is_drawn_and_has_room_beside_the_scale():
    rgb = np.full((240, 320, 3), 128, np.uint8)
    lines = {"boundary_mask": np.zeros((240, 320), bool), "boundary_side": np.zeros((240, 320), np.uint8)}
    small = (Instance(1, 1, (0, 0, 1, 1), 1, 1, 1), Instance(2, 1, (1, 0, 1, 1), 2, 2, 2))         # too small for an id
    labels = np.zeros((240, 320), np.int32)
    labels[0, :2] = 1, 2
    graph = OrderGraph("geometric", small, (OcclusionOrder(1, 2, 0.9, False, 40.0, 1.0),))
    assert (overlay(rgb, Prediction("metric", 300.0)) == 128).all()
    of_lines = overlay(rgb, Prediction("metric", 300.0, **lines))
    of_both = overlay(rgb, Prediction("metric", 300.0, labels=labels, graph=graph, **lines))
    tops = [np.flatnonzero((picture[:, -1] < 64).all(1)).min() for picture in (of_lines, of_both)]
    assert 200 < tops[1] < tops[0] < 235 and (of_both[40:, :160] == 128).all()
    ranks = np.ptp(of_both[tops[1]:].astype(int), 2) > 100
    assert ranks.any() and (of_both[tops[1]:] == 255).all(2).any()
    narrow = overlay(rgb[:, :210], Prediction("metric", 300.0, **{name: array[:, :210] for name, array in lines.items()}))
    assert (narrow == 128).all()


def test_nothing_is_drawn_of_what_was_not_asked_for_and_the_picture_stays():
    before = RGB.copy()
    picture = overlay(RGB, Prediction("metric", 50.0))
    assert (picture == 128).all() and picture is not RGB
    overlay(RGB, Prediction("metric", 50.0, depth=np.ones(SHAPE, np.float32)))
    np.testing.assert_array_equal(RGB, before)


def test_scale_is_drawn_for_metric_and_relative_depth():
    rgb = np.zeros((240, 320, 3), np.uint8)
    depth = np.tile(np.linspace(1, 5, 320, dtype=np.float32), (240, 1))
    metric, relative = (overlay(rgb, Prediction(kind, 300.0, depth=depth)) for kind in ("metric", "relative"))
    corner = np.s_[200:, :100]
    assert (metric[corner] != relative[corner]).any()  # metres in the one, words in the other
    np.testing.assert_array_equal(metric[:200], relative[:200])


def test_numbers_of_the_scale_can_be_read_on_small_pictures():
    """Letters of less than seven rows lose their points: 1.5 m would be read as 15 m."""
    picture = overlay(np.zeros((240, 320, 3), np.uint8), Prediction("metric", 300.0, depth=np.full((240, 320), 1.5, np.float32)))
    bar = np.flatnonzero((picture.max(2) - picture.min(2) > 100).sum(1) > 100)          # its rows are full of colours
    white = (picture.min(2) > 120)[:bar[0] - 1].any(1)
    assert white.sum() >= 7


def test_depth_without_numbers_is_drawn_black_or_far():
    for value in (np.nan, np.inf):
        depth = np.full((120, 240), value, np.float32)
        picture = overlay(np.zeros((120, 240, 3), np.uint8), Prediction("metric", 50.0, depth=depth))
        assert (picture[:60] == 0).all() == np.isnan(value)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(60, 80\)"):
        overlay(RGB, Prediction("metric", 50.0, depth=np.ones((4, 4), np.float32)))
