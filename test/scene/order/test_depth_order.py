# SPDX-License-Identifier: Apache-2.0
"""Depth orders of instances whose depths and boxes are given by hand."""
import numpy as np
import pytest

from modot_ros.prediction import Instance, OcclusionOrder
from modot_ros.scene.order.depth_order import (
    CHAIN,
    EQUAL,
    FEET,
    HIDES,
    LEVEL,
    MEDIANS,
    MIDDLES,
    NOISE,
    ROWS,
    cues,
    depth_orders,
)


def instance(number: int, near: float, median: float, far: float, top: int = 0, tall: int = 2) -> Instance:
    return Instance(number, 10, (0, top, 5, tall), median, near, far)


def at(number: int, depth_m: float, top: int = 0, tall: int = 2) -> Instance:
    return instance(number, depth_m, depth_m, depth_m, top, tall)


def over(front: int, back: int, confidence: float) -> OcclusionOrder:
    return OcclusionOrder(front, back, confidence, False, 5.0, 0.1)


def guessed(*instances: Instance, occlusions=()):
    """Orders under a network's depth, in a picture of 100 rows."""
    return {(o.near, o.far): o for o in depth_orders(instances, occlusions, 100, measured=False)}


def test_measured_medians_decide():
    nearer, farther, deep = instance(4, 0.9, 1, 1.1), instance(2, 1.9, 2, 2.1), instance(9, 0.5, 2.02, 4)
    orders = {(o.near, o.far): o for o in depth_orders((farther, nearer, deep))}
    assert set(orders) == {(4, 2), (4, 9), (2, 9)}
    assert (orders[4, 2].equal, orders[4, 2].overlapping) == (False, False)
    assert (orders[4, 9].equal, orders[4, 9].overlapping) == (False, True)
    assert (orders[2, 9].equal, orders[2, 9].overlapping) == (True, True)
    assert orders[4, 2].confidence == pytest.approx(1)
    assert orders[2, 9].confidence == pytest.approx(1 / (1 + np.exp((np.log(1.01) - np.log(1.05)) / NOISE)))


@pytest.mark.parametrize("farther, equal", [(1.049, True), (1.051, False)])
def test_measured_medians_are_equal_up_to_five_percent(farther, equal):
    (order,) = depth_orders((at(1, 1), at(2, farther)))
    assert order.equal == equal and order.near == 1 and 0.5 < order.confidence < 0.7


def test_a_networks_medians_count_as_far_as_they_are_apart():
    (order,) = guessed(at(1, 8, 50, 20), at(2, 1, 50, 20)).values()
    assert (order.near, order.far, order.equal) == (2, 1, False)
    strict, level = np.exp(MEDIANS * np.log(8) / 2), np.exp(EQUAL + LEVEL)
    assert order.confidence == pytest.approx(strict / (strict + 1 / strict + level))
    near, far = (guessed(at(1, scale, 50), at(2, 8 * scale, 50))[1, 2].confidence for scale in (1, 10))
    assert near == pytest.approx(far) and near > guessed(at(1, 1, 50), at(2, 6, 50))[1, 2].confidence


def test_lower_in_the_picture_is_nearer_and_the_same_rows_are_equal():
    low, high = at(1, 1.02, 60, 20), at(2, 1, 20, 20)
    assert set(guessed(low, high)) == {(1, 2)} and not guessed(low, high)[1, 2].equal
    (order,) = guessed(low, at(2, 1, 60, 20)).values()
    assert order.equal and order.confidence > 0.5
    odds, level = cues((low, at(2, 1, 57, 20)), (), 100)            # three rows of the six that say all
    np.testing.assert_allclose(odds.T, [[-np.log(1.02), 0.03 / ROWS, 0.03 / ROWS, 0, 0]], atol=1e-12)
    assert level == pytest.approx([(1 - 0.03 / ROWS) ** 2])
    assert guessed(low, high)[1, 2].confidence == pytest.approx(
        1 / (1 + np.exp(-(z := FEET + MIDDLES - MEDIANS * np.log(1.02))) + np.exp(EQUAL - z / 2)))


def test_what_occludes_is_nearer_also_by_way_of_a_third():
    three = at(1, 1.01, 0, 50), at(2, 1, 0, 50), at(3, 1, 80)
    odds, _ = cues(three, (over(1, 3, 0.9), over(3, 2, 0.8), over(2, 3, 0.6)), 100)
    np.testing.assert_allclose(odds[3:], [[0, 0.8, 0.2 - 0.6], [0.6, 0, 0]], atol=1e-12)     # (1, 2) (1, 3) (2, 3)
    for occlusions in (over(1, 2, 0.9),), (over(1, 3, 0.9), over(3, 2, 0.9)):
        towards, _ = cues(three, occlusions, 100)
        away, _ = cues(three, [over(o.occludee, o.occluder, o.confidence) for o in occlusions], 100)
        weights = np.array([MEDIANS, FEET, MIDDLES, HIDES, CHAIN])
        assert (weights @ towards)[0] > (weights @ away)[0]         # 1 and 2


def test_a_correction_is_added_to_what_the_pair_says():
    two = at(1, 1, 50, 20), at(2, 1.3, 50, 20)
    odds, level = np.array([[0, -4.0], [4, 0]]), np.array([[0, 0.5], [0.5, 0]])
    (order,) = depth_orders(two, (), 100, measured=False, correction=np.stack([odds, level]))
    z, even = MEDIANS * np.log(1.3) - 4, EQUAL + LEVEL + 0.5
    probability = np.exp([z / 2, -z / 2, even]) / np.exp([z / 2, -z / 2, even]).sum()
    assert probability.argmax() == 1 + order.equal and order.confidence == pytest.approx(probability.max())
    (measured,) = depth_orders(two, (), 100, correction=np.stack([odds, level]))
    assert (measured.near, measured.equal) == (1, False)                # needs no help


def test_what_cannot_be_told_apart_gives_no_order():
    unknown, beyond = at(1, np.nan), at(2, np.inf)
    for measured in (True, False):
        assert not depth_orders((unknown, at(3, 1)), measured=measured)
        assert not depth_orders((beyond, at(3, np.inf)), measured=measured)
        assert not depth_orders((), measured=measured) and not depth_orders((beyond,), measured=measured)
        (order,) = depth_orders((unknown, beyond, at(3, 1)), measured=measured)
        assert (order.near, order.far, order.equal) == (3, 2, False) and order.confidence == pytest.approx(1)
