# SPDX-License-Identifier: Apache-2.0
"""What an order network says as a graph, and geometry and network as one.

Geometry and network are two witnesses of every relation. They are heard by Bayes' rule for witnesses that err
independently (the multiplicative pool of Bordley, Management Science 1982):

    odds(relation | both) = odds(relation | geometry) * odds(relation | network) / prior odds

A relation is in the fused graph when it is then more likely than not, with that probability as its confidence. So
agreement raises confidence, contradiction lowers it, and a network that says 0.5 changes nothing. The prior odds are 1:
the sampler that the networks are trained with shows occlusions and their absence about equally often, so that their
odds are evidence and hold no prior of their own; that of the scene is in the geometric odds.

- An occlusion that geometry found counts with its confidence, one that it looked for and did not find with
  `NOT_FOUND` or `OPPOSITE_FOUND`. Without depth of both instances geometry is silent and the network decides.
- Nothing hides what is somewhere else: for instances whose boxes are apart there is no occlusion, however sure the
  network is. It sees two masks of a whole picture and answers for every pair alike; its few false alarms among the
  many pairs that do not meet would outnumber what it can add.
- Depth orders are fused likewise over closer, farther and equal.
- Where the network is silent the geometric relations stay as they are.
"""
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph, PairOrders

REACH_PX = 2                            # boxes at most so far apart meet: masks may leave a gap at an edge
NOT_FOUND = 0.1                         # P(A over B) when the two meet and geometry found nothing,
OPPOSITE_FOUND = 0.03                   # and when it found B over A only
OTHER_SIDE = 0.25                       # share of the opposite in what a depth order leaves to doubt
DOUBT = 0.05                            # no witness is believed beyond 1 - DOUBT, nor below DOUBT
DRAWN = 0.55                            # least belief in an occlusion that geometry drew


def learned_graph(instances: Sequence[Instance], pair_orders: PairOrders, ids: Sequence[int]) -> OrderGraph:
    """The relations of an order network as they are, between its instances.

    instances    nodes of the graph
    pair_orders  what the network said of N of them
    ids          id of each of the N rows
    Confidences are the network's probabilities. It measures no contour: boundary_length_px is 0 and depth_gap_m NaN.
    Whether depth ranges overlap is told by the instances' own. Raises ValueError when ids do not fit the others.
    """
    nodes = _nodes(instances, pair_orders, ids)
    occlusions = {}
    for (a, b), probability, over in _said(pair_orders.occlusion_probability, pair_orders.occlusion, ids):
        if over:
            occlusions[a, b] = OcclusionOrder(a, b, float(probability), False, 0.0, math.nan)
    depths = [_depth_order(nodes[a], nodes[b], probability, (1, 0, 2).index(relation))
              for (a, b), probability, relation in _said(pair_orders.depth_probability, pair_orders.depth, ids) if a < b]
    return OrderGraph("learned", tuple(instances), _with_mutual(occlusions), tuple(depths))


def fuse(geometric: OrderGraph, pair_orders: PairOrders, ids: Sequence[int]) -> OrderGraph:
    """The geometric graph after an order network has been heard, by the rule at the head of this file.

    geometric    graph of `scene.order`, whose confidences are probabilities
    pair_orders  what the network said of N of its instances; ids: id of each of the N rows
    An occlusion that only the network saw has a boundary_length_px of 0 and a depth_gap_m of NaN. Raises ValueError
    when ids do not fit the others.
    """
    nodes = _nodes(geometric.instances, pair_orders, ids)
    found = {(order.occluder, order.occludee): order for order in geometric.occlusions}
    occlusions = dict(found)
    for (a, b), learned, _ in _said(pair_orders.occlusion_probability, pair_orders.occlusion, ids):
        occlusions.pop((a, b), None)
        if not _meet(nodes[a], nodes[b]):
            continue
        geometry = _believed(found, nodes[a], nodes[b])
        confidence = float(_pool([geometry, 1 - geometry], [learned, 1 - learned])[0])
        if confidence > 0.5:
            unseen = OcclusionOrder(a, b, confidence, False, 0.0, math.nan)
            occlusions[a, b] = replace(found.get((a, b), unseen), confidence=confidence)
    ordered = {(min(order.near, order.far), max(order.near, order.far)): order for order in geometric.depths}
    depths = dict(ordered)
    for (a, b), learned, _ in _said(pair_orders.depth_probability, pair_orders.depth, ids):
        if a < b:
            probability = _pool(_depth_belief(ordered.get((a, b)), a), learned)
            depths[a, b] = _depth_order(nodes[a], nodes[b], probability, int(probability.argmax()))
    return OrderGraph("fused", geometric.instances, _with_mutual(occlusions), tuple(depths[pair] for pair in sorted(depths)))


def _nodes(instances: Sequence[Instance], pair_orders: PairOrders, ids: Sequence[int]) -> dict[int, Instance]:
    nodes = {instance.id: instance for instance in instances}
    strangers = sorted(set(ids) - set(nodes))
    if strangers or len(set(ids)) < len(ids):
        raise ValueError(f"ids {list(ids)} must be different and of instances {sorted(nodes)}; unknown: {strangers}")
    for name in ("occlusion", "depth", "occlusion_probability", "depth_probability"):
        matrix = getattr(pair_orders, name)
        if matrix is not None and matrix.shape[:2] != (len(ids), len(ids)):
            raise ValueError(f"{name} is {list(matrix.shape)}: {len(ids)} ids need {len(ids)} rows and columns")
    return nodes


def _said(probability: np.ndarray | None, relation: np.ndarray | None, ids: Sequence[int]
          ) -> Iterator[tuple[tuple[int, int], np.ndarray, int]]:
    """((id of row, id of column), probability, relation) wherever the network said something."""
    if probability is None:
        return
    spoken = ~np.isnan(probability.reshape(len(ids), len(ids), -1)).any(2)
    np.fill_diagonal(spoken, False)
    for i, j in np.argwhere(spoken).tolist():
        yield (ids[i], ids[j]), probability[i, j], int(relation[i, j])


def _meet(a: Instance, b: Instance) -> bool:
    (u_a, v_a, width_a, height_a), (u_b, v_b, width_b, height_b) = a.bbox_px, b.bbox_px
    return (max(u_a, u_b) - min(u_a + width_a, u_b + width_b) <= REACH_PX
            and max(v_a, v_b) - min(v_a + height_a, v_b + height_b) <= REACH_PX)


def _believed(found: dict[tuple[int, int], OcclusionOrder], a: Instance, b: Instance) -> float:
    """P(a over b) by geometry; 0.5 = it does not know."""
    if (a.id, b.id) in found:
        return max(found[a.id, b.id].confidence, DRAWN)
    if math.isnan(a.depth_m) or math.isnan(b.depth_m):
        return 0.5
    return OPPOSITE_FOUND if (b.id, a.id) in found else NOT_FOUND


def _depth_belief(order: DepthOrder | None, a: int) -> np.ndarray:
    """P(a closer, farther, equal) by geometry; the doubt about a strict order is for equality more than for the opposite."""
    if order is None:
        return np.full(3, 1 / 3)
    doubt = 1 - order.confidence
    if order.equal:
        return np.array([doubt / 2, doubt / 2, order.confidence])
    closer, farther = order.confidence, OTHER_SIDE * doubt
    return np.array([closer, farther, doubt - farther] if order.near == a else [farther, closer, doubt - farther])


def _pool(first: Sequence[float], second: Sequence[float]) -> np.ndarray:
    """Probabilities of exclusive cases by two independent witnesses of whom none is believed beyond doubt."""
    product = np.prod(np.clip(np.stack([first, second]).astype(float), DOUBT, 1 - DOUBT), axis=0)
    return product / product.sum()


def _depth_order(a: Instance, b: Instance, probability: np.ndarray, case: int) -> DepthOrder:
    """The order of a and b, a's id being the smaller one; case 0 a closer, 1 farther, 2 equal."""
    near, far = (b, a) if case == 1 else (a, b)
    overlapping = a.depth_near_m <= b.depth_far_m and b.depth_near_m <= a.depth_far_m
    return DepthOrder(near.id, far.id, case == 2, overlapping, float(probability[case]))


def _with_mutual(occlusions: dict[tuple[int, int], OcclusionOrder]) -> tuple[OcclusionOrder, ...]:
    return tuple(replace(order, mutual=(order.occludee, order.occluder) in occlusions)
                 for _, order in sorted(occlusions.items()))
