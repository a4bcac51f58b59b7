# SPDX-License-Identifier: Apache-2.0
"""Who is compared on orders: the model's graph, an order network, both fused, and two rules that use masks only.

All get the true masks, as for the published scores of InstaOrder. The predictions of network and rules do not depend on the
model's depth, so that they can be compared on any picture; the rules show which scores are trivial.
"""
from __future__ import annotations

from dataclasses import fields

import numpy as np
from torch import nn

from modot_ros.learn.datasets.sample import Sample
from modot_ros.learn.orders.graph import graph_orders, painted
from modot_ros.learn.orders.heuristics import depth_by_area, depth_by_height, occlusion_by_area, occlusion_by_height
from modot_ros.model import order_pairs
from modot_ros.prediction import OrderGraph, PairOrders
from modot_ros.scene.order.fusion import fuse


def order_contenders(model: str, graph: OrderGraph, sample: Sample,
                     network: tuple[str, nn.Module] | None) -> dict[str, PairOrders]:
    """Orders by every contender for one picture, by the names that tables show, the model first.

    Args:
        model, graph: name of the model, and its geometric graph over the painted masks.
        sample: with orders.
        network: name and network that `order_pairs` takes, if there is one.
    """
    truth, count = sample.orders, len(sample.orders.modal)
    found = {model: graph_orders(graph, count)}
    if network is not None:
        name, module = network
        found[name] = predicted = order_pairs(module, sample.rgb, truth.modal, truth.boxes_xywh)
    if network is not None and (predicted.occlusion_probability is not None or predicted.depth_probability is not None):
        ids = [instance.id for instance in graph.instances]         # masks behind others are in no label image
        rows = np.ix_(np.array(ids, int) - 1, np.array(ids, int) - 1)
        visible = {field.name: getattr(predicted, field.name) for field in fields(predicted)}
        visible = PairOrders(**{key: None if matrix is None else matrix[rows] for key, matrix in visible.items()})
        found[f"{model} fused with {name}"] = graph_orders(fuse(graph, visible, ids, painted(truth.modal)), count)
    found["larger in front"] = PairOrders(occlusion_by_area(truth.modal), depth_by_area(truth.modal))
    found["lower in front"] = PairOrders(occlusion_by_height(truth.modal), depth_by_height(truth.modal))
    return found
