# SPDX-License-Identifier: Apache-2.0
"""Graphs over painted masks, by hand and against the scores of rendered views."""
import numpy as np
import pytest

from modot_ros.learn.datasets.order_sample import order_truth
from modot_ros.learn.metrics.graph_orders import judge, score
from modot_ros.learn.orders.evaluation import OrderBenchmark
from modot_ros.learn.orders.graph import graph_orders, painted
from modot_ros.learn.synthetic.shards import training_view
from modot_ros.prediction import DepthOrder, OcclusionOrder, OrderGraph
from modot_ros.scene.order.graph import order_graph


def test_the_smaller_mask_is_painted_over_the_larger():
    masks = np.zeros((3, 2, 4), np.uint8)
    masks[0, 0, 1], masks[1], masks[2, :, 1:3] = 1, 255, 1
    assert painted(masks).tolist() == [[2, 1, 3, 2], [2, 3, 3, 2]]
    assert painted(masks[:0]).tolist() == [[0] * 4] * 2


def test_matrices_by_hand():
    found = graph_orders(OrderGraph("geometric", (), (OcclusionOrder(3, 1, 0.9, False, 5.0, 0.1),),
                                    (DepthOrder(1, 2, True, True, 0.5), DepthOrder(3, 1, False, False, 0.5))), 3)
    assert found.occlusion.tolist() == [[0, 0, 0], [0, 0, 0], [1, 0, 0]]
    assert found.depth.tolist() == [[0, 2, 0], [2, 0, -1], [1, -1, 0]]


def test_a_rendered_view_scores_as_it_does_with_its_own_scores():
    """The pooled numbers of benchmarks/orders.py, by another way."""
    view = training_view(3_000_000_004, 96, 72)
    graph = order_graph(view.labels, np.round(view.depth_m))        # blunt, so that some is wrong
    truth = order_truth("view", view.labels, view.occlusions.tolist(), view.depth_orders)
    ids = [0, *np.unique(view.labels)[1:].tolist()]
    assert painted(truth.modal).tolist() == np.searchsorted(ids, view.labels).tolist()
    row = {number: k for k, number in enumerate(ids)}
    renumbered = OrderGraph("geometric", (), tuple(
        OcclusionOrder(row[o.occluder], row[o.occludee], 1.0, False, 9.0, 0.1) for o in graph.occlusions), tuple(
        DepthOrder(row[o.near], row[o.far], o.equal, o.overlapping, 1.0) for o in graph.depths))
    benchmark = OrderBenchmark()
    benchmark.add(graph_orders(renumbered, len(truth.modal)), truth)
    found, expected = benchmark.table({}).scores(), score([judge(graph, view)])
    assert 0 < expected.f1 < 1 and 0 < expected.whdr < 1
    assert found["pooled_occlusion_f1"] == pytest.approx(100 * expected.f1)
    assert found["pooled_whdr_all"] == pytest.approx(100 * expected.whdr)
    assert found["whdr_distinct"] == pytest.approx(100 * expected.whdr_distinct_per_view, abs=1e-3)
