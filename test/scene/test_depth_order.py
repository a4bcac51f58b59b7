# SPDX-License-Identifier: Apache-2.0
"""Depth orders of instances whose depths are given by hand."""
import numpy as np
import pytest

from modot_ros.prediction import Instance
from modot_ros.scene.depth_order import EQUAL_RIGHT, EVEN, GROWTH, depth_orders


def instance(number: int, near: float, median: float, far: float) -> Instance:
    return Instance(number, 10, (0, 0, 5, 2), median, near, far)


def test_depth_orders_by_hand():
    nearer, farther, deep = instance(4, 0.9, 1, 1.1), instance(2, 1.9, 2, 2.1), instance(9, 0.5, 2.02, 4)
    orders = {(o.near, o.far): o for o in depth_orders((farther, nearer, deep))}
    assert set(orders) == {(4, 2), (4, 9), (2, 9)}
    assert (orders[4, 2].equal, orders[4, 2].overlapping) == (False, False)
    assert orders[4, 2].confidence == pytest.approx(1 / (1 + (EVEN * np.log(1.05) / np.log(2)) ** GROWTH))
    assert (orders[4, 9].equal, orders[4, 9].overlapping) == (False, True)
    assert (orders[2, 9].equal, orders[2, 9].overlapping) == (True, True)
    assert orders[2, 9].confidence == EQUAL_RIGHT


@pytest.mark.parametrize("farther, equal", [(1.049, True), (1.051, False)])
def test_equal_up_to_five_percent(farther, equal):
    (order,) = depth_orders((instance(1, 1, 1, 1), instance(2, farther, farther, farther)))
    assert order.equal == equal and order.near == 1


def test_twice_as_deep_is_as_sure_at_any_distance():
    near = depth_orders((instance(1, 1, 1, 1), instance(2, 2, 2, 2)))[0]
    far = depth_orders((instance(1, 10, 10, 10), instance(2, 20, 20, 20)))[0]
    assert near.confidence == far.confidence > depth_orders((instance(1, 1, 1, 1), instance(2, 1.5, 1.5, 1.5)))[0].confidence
