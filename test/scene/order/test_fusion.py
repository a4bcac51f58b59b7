# SPDX-License-Identifier: Apache-2.0
"""Two witnesses of pairs drawn by hand."""
import numpy as np
import pytest

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph, PairOrders
from modot_ros.scene.order.fusion import MIN_PROBABILITY, NOT_FOUND, fuse, learned_graph, meeting_regions

NAN = np.nan


def instance(id: int, left: int, depth_m: float = 1.0) -> Instance:
    """A square of 10 x 10 pixels."""
    return Instance(id, 100, (left, 0, 10, 10), depth_m, 0.9 * depth_m, 1.1 * depth_m)


NEAR, FAR, APART = instance(4, 0, 1.0), instance(7, 10, 2.0), instance(9, 60, 1.02)
NODES = (NEAR, FAR, APART)
GEOMETRIC = OrderGraph("geometric", NODES, (OcclusionOrder(4, 7, 0.8, False, 10.0, 1.0),),
                       (DepthOrder(4, 7, False, False, 0.9), DepthOrder(4, 9, True, True, 0.8),
                        DepthOrder(9, 7, False, False, 0.9)))


def occlusion_orders(count: int, **over: float) -> PairOrders:
    """over: P(row over column) by "_row_column", the others unheard."""
    probability = np.full((count, count), NAN, np.float32)
    for pair, value in over.items():
        _, i, j = pair.split("_")
        probability[int(i), int(j)] = value
    return PairOrders((probability > 0.5).astype(np.int64), None, probability, None)


def depth_orders(*closer_farther_equal: float) -> PairOrders:
    """What a network says of the first of two instances."""
    probability = np.full((2, 2, 3), NAN, np.float32)
    probability[0, 1] = closer_farther_equal
    probability[1, 0] = probability[0, 1, [1, 0, 2]]
    relation = np.zeros((2, 2), np.int64)
    relation[0, 1], relation[1, 0] = np.array([1, 0, 2])[probability[[0, 1], [1, 0]].argmax(1)]
    return PairOrders(None, relation, None, probability)


def confidences(graph: OrderGraph) -> dict[tuple[int, int], float]:
    return {(order.occluder, order.occludee): order.confidence for order in graph.occlusions}


def test_learned_relations_are_those_of_the_matrices():
    probability = np.float32([[NAN, 0.9, 0.2], [0.6, NAN, NAN], [0.4, NAN, NAN]])
    shares = np.full((3, 3, 3), NAN, np.float32)
    shares[0, 1], shares[1, 0] = (0.1, 0.7, 0.2), (0.7, 0.1, 0.2)
    shares[0, 2] = shares[2, 0] = (0.2, 0.2, 0.6)
    relation = np.array([[0, 0, 2], [1, 0, 0], [2, 0, 0]])
    orders = PairOrders((probability > 0.5).astype(np.int64), relation, probability, shares)
    graph = learned_graph(NODES, orders, (4, 7, 9))
    assert graph.method == "learned" and graph.instances == NODES
    assert confidences(graph) == pytest.approx({(4, 7): 0.9, (7, 4): 0.6})
    for order in graph.occlusions:
        assert order.mutual and order.boundary_length_px == 0 and np.isnan(order.depth_gap_m)
    strict, equal = graph.depths                        # 7 and 9 were not looked at
    assert (strict.near, strict.far, strict.equal, strict.overlapping) == (7, 4, False, False)
    assert strict.confidence == pytest.approx(0.7)
    assert (equal.near, equal.far, equal.equal, equal.overlapping) == (4, 9, True, True)


def test_rows_may_come_in_any_order():
    graph = learned_graph(NODES, depth_orders(0.1, 0.8, 0.1), (7, 4))
    (order,) = graph.depths
    assert (order.near, order.far) == (4, 7) and order.confidence == pytest.approx(0.8)


def test_a_network_without_a_head_leaves_those_relations_out():
    assert not learned_graph(NODES, occlusion_orders(2, _0_1=0.9), (4, 7)).depths
    assert not learned_graph(NODES, depth_orders(0.8, 0.1, 0.1), (4, 7)).occlusions
    assert fuse(GEOMETRIC, occlusion_orders(2, _0_1=0.9), (4, 7)).depths == GEOMETRIC.depths
    assert fuse(GEOMETRIC, depth_orders(0.8, 0.1, 0.1), (4, 7)).occlusions == GEOMETRIC.occlusions


def test_agreement_raises_confidence_and_contradiction_lowers_it():
    agreed = fuse(GEOMETRIC, occlusion_orders(3, _0_1=0.8, _1_0=0.1), (4, 7, 9))
    assert agreed.method == "fused"
    assert confidences(agreed) == pytest.approx({(4, 7): 16 / 17})                  # odds 4 * 4
    assert confidences(fuse(GEOMETRIC, occlusion_orders(2, _0_1=0.3), (4, 7))) == pytest.approx({(4, 7): 12 / 19})
    assert not fuse(GEOMETRIC, occlusion_orders(2, _0_1=0.1), (4, 7)).occlusions     # odds 4 / 9
    (order,) = agreed.occlusions
    assert (order.boundary_length_px, order.depth_gap_m, order.mutual) == (10.0, 1.0, False)


def test_a_network_that_does_not_know_changes_nothing():
    assert confidences(fuse(GEOMETRIC, occlusion_orders(2, _0_1=0.5, _1_0=0.5), (4, 7))) == pytest.approx({(4, 7): 0.8})
    (order, *_) = fuse(GEOMETRIC, depth_orders(1 / 3, 1 / 3, 1 / 3), (4, 7)).depths
    assert (order.near, order.far, order.equal) == (4, 7, False) and order.confidence == pytest.approx(0.9, abs=0.03)


def test_where_the_network_is_silent_geometry_stays():
    assert fuse(GEOMETRIC, occlusion_orders(2), (7, 9)) == OrderGraph("fused", *list(vars(GEOMETRIC).values())[1:])
    heard = fuse(GEOMETRIC, depth_orders(0.01, 0.98, 0.01), (7, 9))
    assert heard.occlusions == GEOMETRIC.occlusions and set(heard.depths) > set(GEOMETRIC.depths[:2])


def test_the_network_may_add_what_geometry_missed_when_it_is_sure():
    level = OrderGraph("geometric", (NEAR, instance(7, 10, 1.0)))
    sure = fuse(level, occlusion_orders(2, _0_1=0.95, _1_0=0.05), (4, 7))
    assert confidences(sure) == pytest.approx({(4, 7): 1 / (1 + (1 - NOT_FOUND) / NOT_FOUND / 19)})
    (order,) = sure.occlusions
    assert order.boundary_length_px == 0 and np.isnan(order.depth_gap_m)
    assert not fuse(level, occlusion_orders(2, _0_1=0.6, _1_0=0.05), (4, 7)).occlusions


def test_without_depth_the_network_decides():
    unknown = OrderGraph("geometric", (NEAR, instance(7, 10, NAN)))
    assert confidences(fuse(unknown, occlusion_orders(2, _0_1=0.8), (4, 7))) == pytest.approx({(4, 7): 0.8})
    (order,) = fuse(unknown, depth_orders(0.2, 0.7, 0.1), (4, 7)).depths
    assert (order.near, order.far, order.overlapping) == (7, 4, False) and order.confidence == pytest.approx(0.7)


def test_what_is_apart_does_not_occlude_and_a_small_gap_is_not_apart():
    assert not fuse(OrderGraph("geometric", NODES), occlusion_orders(2, _0_1=1.0), (4, 9)).occlusions
    for left in (14, 15):
        nearly = OrderGraph("geometric", (NEAR, instance(7, left, NAN)))
        assert len(fuse(nearly, occlusion_orders(2, _0_1=0.9), (4, 7)).occlusions) == (left == 14)


def test_nothing_to_say_about_no_or_one_instance():
    for ids in ((), (4,)):
        square = (len(ids), len(ids))
        said = PairOrders(np.zeros(square, np.int64), np.zeros(square, np.int64), np.full(square, NAN),
                          np.full((*square, 3), NAN))
        assert fuse(GEOMETRIC, said, ids).occlusions == GEOMETRIC.occlusions
        assert learned_graph(NODES, said, ids).depths == ()


def test_labels_tell_more_than_boxes_about_what_meets():
    labels = np.zeros((40, 40), np.uint16)
    labels[:30, :4], labels[26:30, :30], labels[4:20, 12:25] = 7, 7, 4             # an L and what lies in its bend
    graph = OrderGraph("geometric", (Instance(4, 208, (12, 4, 13, 16), NAN, NAN, NAN),
                                     Instance(7, 224, (0, 0, 30, 30), NAN, NAN, NAN)))
    said = occlusion_orders(2, _0_1=0.9)
    assert fuse(graph, said, (4, 7)).occlusions and not fuse(graph, said, (4, 7), labels).occlusions
    labels[4:23, 12:25] = 4                             # now three pixels apart
    assert fuse(graph, said, (4, 7), labels).occlusions


def test_meeting_regions_are_pairs_of_ids():
    labels = np.zeros((20, 30), np.uint16)
    labels[:, :10], labels[:, 10:15], labels[:, 20:] = 700, 3, 9                   # 3 and 9 are five pixels apart
    assert meeting_regions(labels) == {(3, 700)}
    labels[:, 15] = 3
    assert meeting_regions(labels) == {(3, 700), (3, 9)}


def test_mutual_occlusion_comes_about_and_is_resolved():
    unknown = OrderGraph("geometric", (NEAR, instance(7, 10, NAN)))
    both = fuse(unknown, occlusion_orders(2, _0_1=0.9, _1_0=0.8), (4, 7))
    assert len(both.occlusions) == 2 and all(order.mutual for order in both.occlusions)
    drawn = OrderGraph("geometric", NODES, (OcclusionOrder(4, 7, 0.8, True, 10.0, 1.0),
                                            OcclusionOrder(7, 4, 0.6, True, 4.0, 1.0)))
    (order,) = fuse(drawn, occlusion_orders(2, _0_1=0.9, _1_0=0.1), (4, 7)).occlusions
    assert (order.occluder, order.mutual) == (4, False)


def test_depth_is_fused_over_three_cases():
    agreed, *_ = fuse(GEOMETRIC, depth_orders(0.8, 0.1, 0.1), (4, 7)).depths
    assert (agreed.near, agreed.far) == (4, 7) and agreed.confidence > 0.9
    doubted, *_ = fuse(GEOMETRIC, depth_orders(0.3, 0.6, 0.1), (4, 7)).depths
    assert (doubted.near, doubted.far) == (4, 7) and doubted.confidence < 0.9
    equal = OrderGraph("geometric", NODES, (), (DepthOrder(4, 9, True, True, 0.6),))
    (turned,) = fuse(equal, depth_orders(0.05, 0.9, 0.05), (4, 9)).depths
    assert (turned.near, turned.far, turned.equal, turned.overlapping) == (9, 4, False, True)


@pytest.mark.parametrize("depth_m, near", [(1.04, 4), (0.96, 9)])
def test_an_equality_of_low_confidence_gives_way_to_the_smaller_median(depth_m, near):
    nodes = (NEAR, instance(9, 60, depth_m))
    doubted, believed = (OrderGraph("geometric", nodes, (), (DepthOrder(4, 9, True, True, confidence),))
                         for confidence in (0.24, 0.8))
    said = depth_orders(1 / 3, 1 / 3, 1 / 3)
    (order,) = fuse(doubted, said, (4, 9)).depths
    assert (order.near, order.equal) == (near, False)
    assert fuse(believed, said, (4, 9)).depths[0].equal


def test_probabilities_are_clipped():
    sure = OrderGraph("geometric", NODES, (OcclusionOrder(4, 7, 1.0, False, 10.0, 1.0),))
    assert confidences(fuse(sure, occlusion_orders(2, _0_1=1.0), (4, 7)))[4, 7] < 1
    assert not fuse(sure, occlusion_orders(2, _0_1=0.0), (4, 7)).occlusions          # word against word: even odds
    assert confidences(fuse(sure, occlusion_orders(2, _0_1=2 * MIN_PROBABILITY), (4, 7)))[4, 7] > 0.5


@pytest.mark.parametrize("ids, message", [((4, 5), r"unknown: \[5\]"), ((4, 4), "must be different"),
                                          ((4, 7, 9), "3 ids")])
def test_ids_that_do_not_fit_are_named(ids, message):
    with pytest.raises(ValueError, match=message):
        fuse(GEOMETRIC, occlusion_orders(2), ids)
    with pytest.raises(ValueError, match=message):
        learned_graph(NODES, occlusion_orders(2), ids)
