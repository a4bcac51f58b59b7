# SPDX-License-Identifier: Apache-2.0
"""Pictures are looked at by people; what can be asked of them by a test is where their marks are."""
import numpy as np
import pytest

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.scene.drawing import (ARROW, DARK, LIGHT, MUTUAL_ARROW, OUTLINE, colour_depth, depth_limits,
                                     overlay)

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


@pytest.mark.parametrize("mutual, colour", [(False, ARROW), (True, MUTUAL_ARROW)])
def test_arrow_leads_from_occluder_to_occludee(mutual, colour):
    labels = np.zeros(SHAPE, np.int32)
    labels[20:41, 5:26], labels[20:41, 50:71] = 1, 2
    graph = OrderGraph("geometric",
                       (Instance(1, 441, (5, 20, 21, 21), 1, 1, 1),
                        Instance(2, 441, (50, 20, 21, 21), 2, 2, 2)),
                       (OcclusionOrder(1, 2, 0.9, mutual, 20.0, 1.0),))
    picture = overlay(RGB, Prediction("metric", 50.0, labels=labels, graph=graph))
    assert (picture[19, 10] == OUTLINE).all() and (picture[25, 25] == OUTLINE).all()
    drawn = np.abs(picture.astype(int) - colour).sum(2) < 60
    columns = np.nonzero(drawn)[1]
    assert 12 <= columns.min() <= 15 and 60 <= columns.max() <= 63  # from the middle of 1 to the middle of 2
    head = drawn[:, 50:62].any(1).sum()
    assert head > drawn[:, 25:45].any(1).sum()                          # the wide end is at the occludee


def pair_drawn(confidence: float, ids: tuple[int, int] = (1, 2)) -> np.ndarray:
    """Two squares in a picture large enough for text, and an arrow from the left one to the right one."""
    labels = np.zeros((120, 240), np.int32)
    labels[40:81, 20:61], labels[40:81, 180:221] = ids
    graph = OrderGraph("geometric",
                       (Instance(ids[0], 1681, (20, 40, 41, 41), 1, 1, 1),
                        Instance(ids[1], 1681, (180, 40, 41, 41), 2, 2, 2)),
                       (OcclusionOrder(*ids, confidence, False, 20.0, 1.0),))
    rgb = np.full((120, 240, 3), 128, np.uint8)
    return overlay(rgb, Prediction("metric", 50.0, labels=labels, graph=graph))


def test_surer_arrows_are_thicker():
    thickness = [(np.abs(pair_drawn(confidence)[:, 120].astype(int) - ARROW).sum(1) < 60).sum()
                 for confidence in (0.1, 1.0)]
    assert thickness[0] == 1 < thickness[1]


def test_ids_stand_at_the_ends_of_arrows():
    changed = (pair_drawn(0.9, (1, 2)) != pair_drawn(0.9, (1, 7))).any(2)
    v, u = np.nonzero(changed)
    assert len(v) > 10
    assert 200 <= u.min() and u.max() < 225 and 40 <= v.min() and v.max() < 62     # above right of (200, 60)


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


def test_depth_without_numbers_is_drawn_black_or_far():
    for value in (np.nan, np.inf):
        depth = np.full((120, 240), value, np.float32)
        picture = overlay(np.zeros((120, 240, 3), np.uint8), Prediction("metric", 50.0, depth=depth))
        assert (picture[:60] == 0).all() == np.isnan(value)


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 4\).*\(60, 80\)"):
        overlay(RGB, Prediction("metric", 50.0, depth=np.ones((4, 4), np.float32)))
