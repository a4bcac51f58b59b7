# SPDX-License-Identifier: Apache-2.0
"""Graphs and truths small enough to count on the fingers."""
from types import SimpleNamespace

import numpy as np
import pytest

from modot_ros.learn.metrics.graph_orders import judge, reliability, score
from modot_ros.prediction import DepthOrder, OcclusionOrder, OrderGraph

# 1 hides 2 along 9 px and 3 along 2 px; 4 hides 1 along 5 px; 5 touches nobody.
VIEW = SimpleNamespace(occlusions=np.array([[1, 2, 9], [1, 3, 2], [4, 1, 5]]),
                       depth_orders=[(1, 2, False, False), (1, 3, True, True), (2, 3, False, True)])


def graph(*pairs: tuple[int, int], depths: tuple = ()) -> OrderGraph:
    occlusions = tuple(OcclusionOrder(a, b, 0.75, False, 5.0, 0.1) for a, b in pairs)
    return OrderGraph("geometric", (), occlusions, tuple(DepthOrder(*depth, False, 0.5) for depth in depths))


def test_claims_are_right_wrong_or_not_judged():
    verdicts = judge(graph((1, 2), (2, 1), (3, 1), (5, 4)), VIEW)
    assert verdicts.occlusion_right.tolist() == [True, False, False]            # 1 and 3 meet too shortly to tell
    assert verdicts.occlusions_missed == 1                                      # 4 over 1
    every = judge(graph((1, 2), (2, 1), (3, 1), (5, 4)), VIEW, min_length_px=1)
    assert every.occlusion_right.tolist() == [True, False, False, False] and every.occlusions_missed == 2


def test_depth_orders_are_judged_pair_by_pair_and_what_is_left_out_is_wrong():
    verdicts = judge(graph(depths=((1, 2, False), (1, 3, False))), VIEW)
    assert verdicts.depth_right.tolist() == [True, False, False]
    assert verdicts.depth_overlapping.tolist() == [False, True, True]
    assert verdicts.depth_equal.tolist() == [False, True, False]
    np.testing.assert_array_equal(verdicts.depth_confidence, [0.5, 0.5, np.nan])
    assert judge(graph(depths=((2, 1, False), (1, 3, True), (3, 2, False))), VIEW).depth_right.tolist() \
        == [False, True, False]


def test_pooled_and_per_view_scores_by_hand():
    perfect = judge(graph((1, 2), (4, 1), depths=((1, 2, False), (1, 3, True), (2, 3, False))), VIEW)
    poor = judge(graph((2, 1), (1, 2), depths=((1, 2, False),)), VIEW)          # one of two right, one of two found
    empty = judge(graph(), SimpleNamespace(occlusions=np.zeros((0, 3), int), depth_orders=[]))
    scores = score([perfect, poor, empty])
    assert (scores.views, scores.occlusions) == (3, 4)
    assert (scores.precision, scores.recall, scores.f1) == pytest.approx((3 / 4, 3 / 4, 3 / 4))
    assert scores.f1_per_view == pytest.approx((1 + 1 / 2 + 1) / 3)             # nothing to find, nothing claimed: 1
    assert scores.whdr == pytest.approx(2 / 6)
    assert (scores.whdr_equal, scores.whdr_unequal) == pytest.approx((1 / 2, 1 / 4))
    assert scores.whdr_per_view == pytest.approx((0 + 2 / 3) / 2)               # a view without pairs is left out
    assert scores.whdr_distinct_per_view == 0 and scores.whdr_overlapping_per_view == pytest.approx(1 / 2)


def test_no_view_is_named():
    with pytest.raises(ValueError, match="no views"):
        score([])


def test_reliability_by_hand():
    found = reliability(np.array([0.1, 0.9, 0.7, 1.0, np.nan]), np.array([False, True, False, True, True]), bins=2)
    assert found.count.tolist() == [1, 3]
    assert found.confidence == pytest.approx([0.1, 2.6 / 3]) and found.right == pytest.approx([0, 2 / 3])
    assert found.error == pytest.approx((0.1 + 3 * (2.6 / 3 - 2 / 3)) / 4)
    assert np.isnan(reliability(np.zeros(0), np.zeros(0, bool)).error)
