# SPDX-License-Identifier: Apache-2.0
"""Orders scored on pictures, some of which can't be read."""
import numpy as np
import pytest

from modot_ros.learn.datasets.order_sample import DepthRelation, OrderSample, OrderTruth
from modot_ros.learn.datasets.picture_set import PictureSet
from modot_ros.learn.orders.evaluation import evaluate_orders
from modot_ros.learn.orders.metrics import OcclusionScores
from modot_ros.prediction import PairOrders

FIRST_OVER_SECOND = np.array([[0, 1], [0, 0]])


def read(name, occlusion):
    """Two instances, the first closer; no annotated depth in a picture called "plain"."""
    if occlusion is None:
        raise ValueError("torn")
    depths = None if name == "plain" else (DepthRelation(0, 1, False, False, 2),)
    truth = OrderTruth(name, np.zeros((2, 3, 4), np.uint8), np.zeros((2, 4)), np.ones(2, int), occlusion, None, depths)
    return OrderSample(np.zeros((3, 4, 3), np.uint8), truth)


def pictures(**occlusions):
    return PictureSet("set", occlusions, read)


def test_scores_by_hand():
    found = evaluate_orders(pictures(a=FIRST_OVER_SECOND, b=FIRST_OVER_SECOND.T, c=None),
                            lambda one: PairOrders(occlusion=FIRST_OVER_SECOND, depth=FIRST_OVER_SECOND.T))
    assert found.pictures == 2 and found.skipped == {"c": "set, c: torn"}
    assert found.occlusion == found.occlusion_pooled == OcclusionScores(50, 50, 50)
    assert found.whdr["distinct_all"] == pytest.approx(100, abs=1e-3) and found.whdr_pooled["distinct_all"] == 100
    assert np.isnan(found.whdr["overlap_all"])


def test_what_is_not_said_is_not_scored():
    found = evaluate_orders(pictures(plain=FIRST_OVER_SECOND), lambda one: PairOrders(depth=FIRST_OVER_SECOND))
    assert found.occlusion is None and found.whdr is None
    with pytest.raises(ValueError, match="no picture could be read, the first because set, a: torn"):
        evaluate_orders(pictures(a=None), lambda one: PairOrders())
