# SPDX-License-Identifier: Apache-2.0
import math

import numpy as np
import pytest

from modot_ros.scene.order.contour import contour
from modot_ros.scene.order.found_regions import BIAS, EVIDENCE, LEAST, SEEN, confirmed, cues
from modot_ros.scene.order.graph import order_graph
from modot_ros.scene.order.occlusion_order import occlusion_orders


def halves(left_m: float, right_m: float, blurred: bool = True):
    """Labels 1 | 2, their depth with the blurred edge of a network, and a boundary that is seen there."""
    labels = np.ones((20, 40), np.uint16)
    labels[:, 20:] = 2
    depth = np.where(labels == 1, left_m, right_m).astype(np.float32)
    if blurred:
        depth[:, 18:22] = left_m + (right_m - left_m) * np.array([0.2, 0.4, 0.6, 0.8], np.float32)
    probability = np.zeros(labels.shape, np.float32)
    probability[:, 19:21] = 0.8
    return labels, depth, probability


def crease():
    """One surface, but for a step along a fifth of the contour."""
    labels, depth, probability = halves(1.0, 2.0)
    depth[4:] = 1.0
    return labels, depth, probability / 2


def test_a_step_that_is_seen_is_kept_with_the_probability_of_its_cues():
    c = contour(*halves(1.0, 2.0))
    orders = occlusion_orders(c)
    ((evidence, seen),) = cues(orders, c)
    assert seen == pytest.approx(0.8) and 0 < evidence < 0.81
    (order,) = confirmed(orders, c)
    assert (order.occluder, order.occludee) == (1, 2)
    assert order.confidence == pytest.approx(1 / (1 + math.exp(-(EVIDENCE * evidence + SEEN * seen + BIAS))))


def test_evidence_counts_for_the_direction_that_is_stated():
    (left,), (right,) = (cues(occlusion_orders(c), c) for c in (contour(*halves(1.0, 2.0)), contour(*halves(2.0, 1.0))))
    assert left == pytest.approx(right)


def test_a_contour_with_hardly_a_step_of_depth_is_left_out():
    """A found region's contour at a crease or at paint: given masks keep the order, found ones do not."""
    labels, depth, probability = crease()
    (kept,) = order_graph(labels, depth, probability).occlusions
    assert kept.confidence > 0.5
    graph = order_graph(labels, depth, probability, found=True)
    assert graph.occlusions == () and len(graph.depths) == 1


def test_a_measured_depth_is_believed_as_it_is():
    labels, depth, probability = halves(2.0, 2.1, blurred=False)
    assert order_graph(labels, depth, probability, found=True) == order_graph(labels, depth, probability)


def test_depth_orders_are_those_of_all_occlusions_and_less_sure():
    labels, depth, probability = crease()
    (given,), (found,) = (order_graph(labels, depth, probability, found=way).depths for way in (False, True))
    assert (given.near, given.far, given.equal) == (found.near, found.far, found.equal)
    assert 1 / 3 < found.confidence < given.confidence


def test_both_directions_are_mutual_only_where_both_are_kept():
    labels = np.ones((80, 40), np.uint16)
    labels[:, 20:] = 2
    depth = np.full(labels.shape, 2.0, np.float32)
    depth[:56, :20], depth[60:, 20:] = 1.0, 1.0                     # 1 before 2 above, 2 before 1 on a quarter below
    c = contour(labels, depth, np.ones(labels.shape, np.float32))
    orders = occlusion_orders(c)
    assert [(one.occluder, one.mutual) for one in orders] == [(1, True), (2, True)]
    (own, _), (other, _) = cues(orders, c)
    assert own == pytest.approx(0.7) and other == pytest.approx(0.25)
    sure = 1 / (1 + math.exp(-(EVIDENCE * 0.25 + SEEN + BIAS)))
    found = confirmed(orders, c)
    assert [one.mutual for one in found] == ([True, True] if sure >= LEAST else [False])


def test_no_orders_are_no_orders():
    c = contour(np.ones((20, 40), np.uint16), np.ones((20, 40), np.float32), None)
    assert confirmed(occlusion_orders(c), c) == () and cues((), c).shape == (0, 2)
