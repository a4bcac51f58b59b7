# SPDX-License-Identifier: Apache-2.0
"""What each of those who order says of one picture."""
import numpy as np
import pytest

from modot_ros.learn.datasets.order_sample import OrderTruth
from modot_ros.learn.datasets.sample import sample
from modot_ros.learn.evaluation import order_contenders as module
from modot_ros.learn.evaluation.order_contenders import order_contenders
from modot_ros.learn.orders.graph import painted
from modot_ros.prediction import PairOrders
from modot_ros.scene.order.graph import order_graph


@pytest.fixture
def one():
    """A large near mask, a small one below that is behind it, and one of which nothing is to be seen."""
    modal = np.zeros((3, 20, 30), np.uint8)
    modal[0, 2:12, 2:28], modal[1, 12:18, 5:20], modal[2, 12:18, 5:20] = 1, 1, 1
    truth = OrderTruth("one", modal, np.zeros((3, 4)), np.ones(3, int), np.zeros((3, 3), int))
    return sample("one", np.zeros((20, 30, 3), np.uint8)), truth


def ordered(one, network=None):
    from dataclasses import replace
    seen, truth = one
    depth_m = np.where(truth.modal[0] > 0, 1.0, 2.0).astype(np.float32)
    return order_contenders("nano", order_graph(painted(truth.modal), depth_m), replace(seen, orders=truth), network)


def test_the_graph_comes_first_and_rules_look_at_masks_only(one):
    found = ordered(one)
    assert list(found) == ["nano", "larger in front", "lower in front"]
    assert np.argwhere(found["nano"].occlusion).tolist() == [[0, 2]]            # the last of two equal masks is on top
    assert found["nano"].depth[0, 2] == 1 and found["nano"].depth[0, 1] == -1
    assert found["larger in front"].occlusion[0, 1] == 1 and found["lower in front"].occlusion[1, 0] == 1


def test_a_network_stands_alone_and_fused(one, monkeypatch):
    """It sees all the masks; fused are those that the graph has."""
    probability = np.full((3, 3), 0.02, np.float32)
    probability[0, 1:], probability[2, 0] = 0.98, 0.98
    asked = []

    def order_pairs(network, rgb, masks, boxes):
        asked.append((network, len(masks), len(boxes)))
        return PairOrders((probability > 0.5).astype(int), None, probability)
    monkeypatch.setattr(module, "order_pairs", order_pairs)
    found = ordered(one, ("net", "the network"))
    assert list(found)[:3] == ["nano", "net", "nano fused with net"] and asked == [("the network", 3, 3)]
    assert found["net"].occlusion[0].tolist() == [0, 1, 1]
    assert found["nano fused with net"].occlusion[0].tolist() == [0, 0, 1]
    assert not found["nano fused with net"].occlusion[:, 1].any()
