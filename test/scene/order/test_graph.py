# SPDX-License-Identifier: Apache-2.0
"""Rectangles and planes drawn by hand; orders as InstaOrder means them."""
import cv2
import numpy as np
import pytest

from modot_ros.scene.order import graph as order
from modot_ros.scene.order.depth_order import depth_orders
from modot_ros.scene.order.graph import nearness_of, order_graph
from modot_ros.scene.order.occlusion_order import LEAN, LEAN_PRIOR_PX, MEASURED

NAN, INF = np.nan, np.inf


def halves(left: float, right: float, shape=(20, 40)) -> tuple[np.ndarray, np.ndarray]:
    """Labels 1 | 2 and their depths."""
    labels = np.ones(shape, np.int32)
    labels[:, shape[1] // 2:] = 2
    return labels, np.where(labels == 1, left, right).astype(np.float32)


def relations(graph) -> set[tuple[int, int]]:
    return {(order.occluder, order.occludee) for order in graph.occlusions}


def test_nearer_half_occludes():
    labels, depth = halves(1.0, 2.0)
    graph = order_graph(labels, depth)
    (order,) = graph.occlusions
    assert (order.occluder, order.occludee, order.mutual) == (1, 2, False)
    assert order.boundary_length_px == 20
    assert order.depth_gap_m == pytest.approx(1.0)
    # All of 20 pixels lean to one side, and there is no other cue: enclosure is even, there is no junction.
    assert order.confidence == pytest.approx(1 / (1 + np.exp(-MEASURED * LEAN * np.arctanh(20 / (20 + LEAN_PRIOR_PX)))))
    (depths,) = graph.depths
    assert (depths.near, depths.far, depths.equal, depths.overlapping) == (1, 2, False, False)
    assert relations(order_graph(*halves(2.0, 1.0))) == {(2, 1)}


def test_probability_weighs_the_evidence():
    labels, depth = halves(1.0, 2.0)
    half = order_graph(labels, depth, np.full(labels.shape, 0.5, np.float32)).occlusions[0]
    assert half.confidence == pytest.approx(1 / (1 + np.exp(-MEASURED * LEAN * np.arctanh(10 / (20 + LEAN_PRIOR_PX)))))
    assert not order_graph(labels, depth, np.zeros(labels.shape, np.float32)).occlusions
    beside = np.zeros(labels.shape, np.float32)
    beside[:, 17] = 1                                               # two pixels off the border
    assert relations(order_graph(labels, depth, beside)) == {(1, 2)}


def test_blurred_edge_is_read_behind_the_blur():
    labels, depth = halves(1.0, 2.0)
    depth[:, 18:22] = [1.2, 1.4, 1.6, 1.8]
    (order,) = order_graph(labels, depth).occlusions
    assert order.depth_gap_m == pytest.approx(1.0)
    (sharp,) = order_graph(*halves(1.0, 2.0)).occlusions            # which only measured depth has
    assert 0.5 < order.confidence < sharp.confidence


def test_mutual_occlusion_on_two_parts_of_one_contour():
    labels, depth = halves(1.0, 2.0, (40, 40))
    depth[:12] = np.where(labels[:12] == 1, 2.0, 1.0)               # on 12 rows the right half is the nearer
    graph = order_graph(labels, depth)
    lengths = {(o.occluder, o.occludee): o.boundary_length_px for o in graph.occlusions}
    assert lengths == {(1, 2): 28, (2, 1): 12}
    assert all(order.mutual for order in graph.occlusions)


def test_too_little_evidence_for_the_other_direction_is_noise():
    labels, depth = halves(1.0, 2.0, (40, 40))
    depth[:3] = np.where(labels[:3] == 1, 2.0, 1.0)
    (order,) = order_graph(labels, depth).occlusions
    assert (order.occluder, order.mutual) == (1, False)


def test_box_touching_a_steep_floor_is_contact():
    rows = np.arange(40, dtype=np.float32)
    floor = 60 / (rows + 5)                                         # inverse depth is affine: a plane
    depth = np.tile(floor[:, None], (1, 60))
    labels = np.ones(depth.shape, np.int32)
    labels[10:25, 20:40] = 2
    depth[10:25, 20:40] = floor[24]                                 # a front that stands on row 24
    graph = order_graph(labels, depth)
    assert relations(graph) == {(2, 1)}                             # by its upper end and its sides alone
    (order,) = graph.occlusions
    assert order.boundary_length_px <= 20 + 2 * 15
    assert depth[24, 30] == depth[24, 10]
    labels[:, :20] = labels[:, 40:] = labels[:10] = 0               # what remains in touch is the contact
    assert not order_graph(labels, depth).occlusions


def test_background_is_not_in_the_graph_and_small_gaps_are_touching():
    labels, depth = halves(1.0, 2.0)
    labels[:, 19:21] = 0                                            # a gap of two pixels
    graph = order_graph(labels, depth)
    assert relations(graph) == {(1, 2)}
    assert [instance.id for instance in graph.instances] == [1, 2]
    labels[:, 18:22] = 0
    assert not order_graph(labels, depth).occlusions
    assert len(order_graph(labels, depth).depths) == 1


def test_slanted_contour_counts_its_pixels_once():
    v, u = np.mgrid[:40, :40]
    labels = np.where(u + v < 40, 1, 2).astype(np.int32)
    depth = np.where(labels == 1, 1.0, 2.0).astype(np.float32)
    (order,) = order_graph(labels, depth).occlusions
    assert 30 <= order.boundary_length_px <= 40                     # 40 pixels on the diagonal, 80 crossings


def test_touching_at_one_depth_is_no_occlusion():
    graph = order_graph(*halves(1.5, 1.5))
    assert not graph.occlusions
    (depths,) = graph.depths
    assert (depths.near, depths.far, depths.equal, depths.overlapping) == (1, 2, True, True)


def test_only_the_part_of_a_contour_with_a_step_counts():
    labels, depth = halves(1.0, 2.0)
    depth[10:, 20:] = 1.004                             # a step below NO_STEP on the lower half
    (order,) = order_graph(labels, depth).occlusions
    assert order.boundary_length_px == 10
    assert order.confidence == pytest.approx(1 / (1 + np.exp(-MEASURED * LEAN * np.arctanh(10 / (10 + LEAN_PRIOR_PX)))))


def test_thin_pole_stands_before_what_is_on_both_its_sides():
    labels, depth = halves(3.0, 3.0)
    labels[:, 19:21], depth[:, 19:21] = 3, 1.0          # too thin for a second reading inside
    graph = order_graph(labels, depth)
    assert relations(graph) == {(3, 1), (3, 2)}
    assert {order.boundary_length_px for order in graph.occlusions} == {20}
    assert [order.depth_gap_m for order in graph.occlusions] == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize("inner, expected", [(1.0, (2, 1)), (3.0, (1, 2))])
def test_what_lies_inside_the_outline_of_another_is_before_it_or_seen_through_it(inner, expected):
    labels = np.ones((40, 40), np.int32)
    labels[10:30, 10:30] = 2
    (order,) = order_graph(labels, np.where(labels == 1, 2.0, inner).astype(np.float32)).occlusions
    assert (order.occluder, order.occludee) == expected
    # The nearer side's pixels along the square: its own outermost ring, or the ring around it.
    assert order.boundary_length_px == (20 * 4 - 4 if inner < 2 else 20 * 4)


def test_contour_cut_by_the_picture_border_counts_up_to_it():
    labels = np.ones((40, 60), np.int32)
    labels[30:, 50:] = 2                                            # in the corner, ten pixels each way
    (order,) = order_graph(labels, np.where(labels == 1, 2.0, 1.0).astype(np.float32)).occlusions
    assert (order.occluder, order.occludee) == (2, 1)
    assert order.boundary_length_px == 10 + 10 - 1                  # the corner pixel hides both ways


def test_three_may_lie_over_each_other_in_a_circle():
    labels = np.ones((60, 60), np.int32)                # 1 above, 2 lower left, 3 lower right
    labels[30:, :30], labels[30:, 30:] = 2, 3
    depth = np.full(labels.shape, 2.0, np.float32)
    depth[20:30, :30] = 1.0                             # 1 before 2
    depth[30:, 20:30] = 1.0                             # 2 before 3
    depth[30:40, 40:] = 1.0                             # 3 before 1
    depth[30:40, 20:30] = 2.0
    assert relations(order_graph(labels, depth)) == {(1, 2), (2, 3), (3, 1)}


def test_orders_do_not_depend_on_the_unit_of_depth():
    labels, depth = halves(1.0, 1.2)
    metres, feet = order_graph(labels, depth), order_graph(labels, depth * 3.28)
    assert relations(metres) == relations(feet) == {(1, 2)}
    assert metres.occlusions[0].confidence == pytest.approx(feet.occlusions[0].confidence, abs=1e-4)


def test_unknown_depth_gives_no_order_and_beyond_range_is_far():
    labels, depth = halves(1.0, NAN)
    graph = order_graph(labels, depth)
    assert np.isnan(graph.instances[1].depth_m) and not graph.depths and not graph.occlusions
    labels, depth = halves(1.0, INF)
    graph = order_graph(labels, depth)
    assert graph.instances[1].depth_m == INF
    assert relations(graph) == {(1, 2)} and graph.occlusions[0].depth_gap_m == INF
    assert (graph.depths[0].near, graph.depths[0].far, graph.depths[0].confidence) == (1, 2, 1.0)
    assert not order_graph(*halves(INF, INF)).depths
    assert not order_graph(*halves(0.0, -1.0)).depths                # no depth is 0 or negative


def test_without_instances_the_graph_is_empty():
    graph = order_graph(np.zeros((8, 8), np.int32), np.ones((8, 8), np.float32))
    assert (graph.method, graph.instances, graph.occlusions, graph.depths) == ("geometric", (), (), ())


def three(depth_m: tuple[float, float, float]):
    """Labels 1, 2, 3 of 400, 300 and 200 px on a wall, as a network sees them: a boundary here and there, no sharp step."""
    labels = np.zeros((48, 64), np.int32)
    labels[10:30, 2:22], labels[10:30, 24:39], labels[10:30, 42:52] = 1, 2, 3
    depth = np.full(labels.shape, 4, np.float32)
    for number, metres in enumerate(depth_m, 1):
        depth[labels == number] = metres
    probability = np.where((labels == 0) & (np.arange(64) % 7 == 0), 0.6, 0.1).astype(np.float32)
    return labels, cv2.GaussianBlur(depth, (0, 0), 2), probability


def test_a_networks_depth_orders_depend_on_all_instances():
    labels, depth, probability = three((2, 2.1, 2.6))
    graph = order_graph(labels, depth, probability)
    correction = nearness_of(labels.astype(np.uint16), depth, probability, graph.instances, graph.occlusions, 0.8)
    assert correction.shape == (2, 3, 3) and (correction[0] == -correction[0].T).all() and correction[1].any()
    assert graph.depths == depth_orders(graph.instances, graph.occlusions, 48, False, correction)
    assert graph.depths != depth_orders(graph.instances, graph.occlusions, 48, False)
    assert graph.depths != order_graph(labels, depth, probability, focal=2.0).depths
    scaled = order_graph(labels, 1000 * depth, probability)
    for one, other in zip(graph.depths, scaled.depths):
        assert (one.near, one.far, one.equal) == (other.near, other.far, other.equal)
        assert one.confidence == pytest.approx(other.confidence, abs=0.01)
    measured = order_graph(labels, depth)
    assert measured.depths == depth_orders(measured.instances)


def test_the_largest_instances_of_known_depth_are_looked_at(monkeypatch):
    labels, depth, probability = three((2, 2.1, 2.6))
    monkeypatch.setattr(order, "NETWORK_INSTANCES", 2)
    graph = order_graph(labels, depth, probability)
    found = nearness_of(labels.astype(np.uint16), depth, probability, graph.instances, graph.occlusions, 0.8)
    assert found[0, 0, 1] and not found[:, 2].any() and not found[:, :, 2].any()
    depth[labels == 1] = NAN
    graph = order_graph(labels, depth, probability)
    found = nearness_of(labels.astype(np.uint16), depth, probability, graph.instances, graph.occlusions, 0.8)
    assert found[0, 1, 2] and not found[:, 0].any()
    depth[labels == 2] = INF
    graph = order_graph(labels, depth, probability)
    assert not nearness_of(labels.astype(np.uint16), depth, probability, graph.instances, graph.occlusions, 0.8).any()
    assert [(o.near, o.far) for o in graph.depths] == [(3, 2)]


def test_other_sizes_are_named():
    with pytest.raises(ValueError, match=r"depth \(4, 5\)"):
        order_graph(np.zeros((4, 4), np.int32), np.ones((4, 5), np.float32))
