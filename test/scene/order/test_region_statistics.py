# SPDX-License-Identifier: Apache-2.0
"""Area, box and depth range of instances drawn by hand."""
import numpy as np
import pytest

from modot_ros.scene.order.region_statistics import region_statistics

NAN, INF = np.nan, np.inf


def test_instances_are_described():
    labels = np.zeros((20, 30), np.uint16)
    labels[2:6, 3:13] = 7
    labels[10:12, 20:30] = 60000
    labels[15:17, 0:5] = 60000
    depth = np.full(labels.shape, 5, np.float32)
    depth[labels == 7] = np.linspace(1, 2, 40)
    depth[0, 0] = NAN
    first, second = region_statistics(labels, depth, {7: "cup"}, {60000: 0.5})
    assert (first.id, first.area_px, first.bbox_px) == (7, 40, (3, 2, 10, 4))
    assert (first.name, first.score) == ("cup", 1.0)
    assert first.depth_m == pytest.approx(1.5, abs=0.03)
    assert first.depth_near_m == pytest.approx(1.05, abs=0.03)
    assert first.depth_far_m == pytest.approx(1.95, abs=0.03)
    assert (second.id, second.area_px, second.bbox_px, second.score) == (60000, 30, (0, 10, 30, 7), 0.5)
    assert second.depth_m == pytest.approx(5, rel=1e-3)


def test_a_few_bad_pixels_do_not_move_the_quantiles():
    labels, depth = np.ones((20, 20), np.uint16), np.ones((20, 20), np.float32)
    depth[0, :5], depth[1, :5], depth[2, :5], depth[3, 0] = NAN, INF, -1.0, 0.0
    first = region_statistics(labels, depth, {}, {})[0]
    assert (first.depth_m, first.depth_near_m) == pytest.approx((1.0, 1.0), rel=1e-3)
