# SPDX-License-Identifier: Apache-2.0
"""The order graph of an order network, and its fusion with the geometric one.

Geometry and network are two classifiers of every relation whose errors are taken as independent, so that Bayes' rule
multiplies their odds (the multiplicative pool of Bordley, Management Science 1982):

    odds(relation | both) = odds(relation | geometry) * odds(relation | network) / prior odds

A relation is in the fused graph when its probability is then above 0.5, which becomes its confidence. Agreement raises a
confidence, contradiction lowers it, odds of 1 change nothing. The prior odds are 1: the sampler that the networks are
trained with draws occlusions and their absence about equally often, so that a network's odds contain no prior; the prior of
the scene is in the geometric odds.

- An occlusion that geometry found has its confidence as the probability of its direction, and the rest as that of the
  opposite direction; a pair that was examined without a finding has `NOT_FOUND`. Without depth of both instances geometry
  gives 0.5, and the network decides.
- Instances that do not meet in the picture do not occlude, whatever the network predicts. It predicts for every pair alike,
  and its few false positives among the many pairs that are apart would outnumber the rare true ones (a third instance that
  covers where two meet).
- Depth orders are fused likewise over closer, farther and equal.
- Pairs without a prediction of the network keep their geometric relations.
"""
from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph, PairOrders

REACH_PX = 4                            # what is at most so far apart meets: masks may leave a gap at an edge
MIN_PROBABILITY = 0.05                  # the probabilities of both are clipped to MIN_PROBABILITY..1 - MIN_PROBABILITY
# Measured, see docs/experiments/fusion.md; of NOT_FOUND the weights that ship give 0.03 now:
NOT_FOUND = 0.06                        # P(A over B) when the two meet and geometry found nothing
OTHER_SIDE = 0.39                       # share of the opposite order in 1 - confidence of a strict depth order
NEARER_SIDE = 0.56                      # share of "the smaller median is nearer" in 1 - confidence of an equal one
MIN_FOUND = 0.52                        # least probability of what geometry found, so that it alone stays in the graph


def learned_graph(instances: Sequence[Instance], pair_orders: PairOrders, ids: Sequence[int]) -> OrderGraph:
    """The order graph of an order network's prediction alone.

    instances    nodes of the graph
    pair_orders  the network's prediction for N of them; relations without a probability are left out
    ids          id of each of the N rows
    Confidences are the network's probabilities. It measures no contour: boundary_length_px is 0 and depth_gap_m NaN.
    Overlap is that of the instances' depth ranges. Raises ValueError when ids do not fit the others.
    """
    nodes = _nodes(instances, pair_orders, ids)
    occlusions = {}
    for (a, b), probability, over in _predicted(pair_orders.occlusion_probability, pair_orders.occlusion, ids):
        if over:
            occlusions[a, b] = OcclusionOrder(a, b, float(probability), False, 0.0, math.nan)
    depths = {}
    for (a, b), probability, relation in _predicted(pair_orders.depth_probability, pair_orders.depth, ids):
        if a < b:
            depths[a, b] = _depth_order(nodes[a], nodes[b], probability, (1, 0, 2).index(relation))
    return OrderGraph("learned", tuple(instances), _with_mutual(occlusions), _sorted(depths))


def fuse(geometric: OrderGraph, pair_orders: PairOrders, ids: Sequence[int],
         labels: np.ndarray | None = None) -> OrderGraph:
    """The geometric graph and an order network's prediction combined by the rule at the head of this file.

    geometric    graph of `scene.order.graph`, whose confidences are probabilities
    pair_orders  the network's prediction for N of its instances; ids: id of each of the N rows
    labels       integer [H, W] from which it follows which instances meet; None takes their boxes
    An occlusion that only the network predicted has a boundary_length_px of 0 and a depth_gap_m of NaN. Raises ValueError
    when ids do not fit the others.
    """
    nodes = _nodes(geometric.instances, pair_orders, ids)
    meeting = _meeting_boxes([nodes[id] for id in ids]) if labels is None else meeting_regions(labels)
    found = {(order.occluder, order.occludee): order for order in geometric.occlusions}
    occlusions = dict(found)
    for (a, b), learned, _ in _predicted(pair_orders.occlusion_probability, pair_orders.occlusion, ids):
        occlusions.pop((a, b), None)
        if (min(a, b), max(a, b)) not in meeting:
            continue
        geometry = _geometric_probability(found, nodes[a], nodes[b])
        confidence = float(_pool([geometry, 1 - geometry], [learned, 1 - learned])[0])
        if confidence > 0.5:
            unseen = OcclusionOrder(a, b, confidence, False, 0.0, math.nan)
            occlusions[a, b] = replace(found.get((a, b), unseen), confidence=confidence)
    ordered = {(min(order.near, order.far), max(order.near, order.far)): order for order in geometric.depths}
    depths = dict(ordered)
    for (a, b), learned, _ in _predicted(pair_orders.depth_probability, pair_orders.depth, ids):
        if a < b:
            probability = _pool(_geometric_depth(ordered.get((a, b)), nodes[a], nodes[b]), learned)
            depths[a, b] = _depth_order(nodes[a], nodes[b], probability, int(probability.argmax()))
    return OrderGraph("fused", geometric.instances, _with_mutual(occlusions), _sorted(depths))


def _nodes(instances: Sequence[Instance], pair_orders: PairOrders, ids: Sequence[int]) -> dict[int, Instance]:
    nodes = {instance.id: instance for instance in instances}
    unknown = sorted(set(ids) - set(nodes))
    if unknown or len(set(ids)) < len(ids):
        raise ValueError(f"ids {list(ids)} must be different and of instances {sorted(nodes)}; unknown: {unknown}")
    for name in ("occlusion", "depth", "occlusion_probability", "depth_probability"):
        matrix = getattr(pair_orders, name)
        if matrix is not None and matrix.shape[:2] != (len(ids), len(ids)):
            raise ValueError(f"{name} is {list(matrix.shape)}: {len(ids)} ids need {len(ids)} rows and columns")
    return nodes


def _predicted(probability: np.ndarray | None, relation: np.ndarray | None, ids: Sequence[int]
          ) -> Iterator[tuple[tuple[int, int], Any, int]]:
    """((id of row, id of column), probability, relation) of every pair with a prediction."""
    if probability is None or relation is None:
        return
    given = ~np.isnan(probability)
    if given.ndim == 3:
        given = given.all(2)
    np.fill_diagonal(given, False)
    for i, j in np.argwhere(given).tolist():
        yield (ids[i], ids[j]), probability[i, j], int(relation[i, j])


def meeting_regions(labels: np.ndarray) -> set[tuple[int, int]]:
    """Pairs (smaller id, larger id) of regions of integer labels [H, W] at most REACH_PX background pixels apart."""
    labels = labels.astype(np.uint16)
    reach = REACH_PX // 2                               # both grow
    grown = cv2.dilate(labels, np.ones((2 * reach + 1,) * 2, np.uint8))
    np.copyto(grown, labels, where=labels > 0)
    pairs = []
    for first, second in ((grown[:, :-1], grown[:, 1:]), (grown[:-1], grown[1:])):
        differ = first != second
        first, second = first[differ].astype(np.int64), second[differ].astype(np.int64)
        pairs.append(np.minimum(first, second) << 16 | np.maximum(first, second))
    pairs = np.unique(np.concatenate(pairs)).tolist()
    return {(pair >> 16, pair & 0xFFFF) for pair in pairs if pair >> 16}


def _meeting_boxes(instances: Sequence[Instance]) -> set[tuple[int, int]]:
    """Pairs (smaller id, larger id) of instances whose boxes are at most REACH_PX apart."""
    left, top, width, height = np.array([instance.bbox_px for instance in instances]).reshape(-1, 4).T
    meet = ((left[:, None] - (left + width) <= REACH_PX) & (top[:, None] - (top + height) <= REACH_PX))
    return {(instances[i].id, instances[j].id) for i, j in np.argwhere(meet & meet.T).tolist()
            if instances[i].id < instances[j].id}


def _geometric_probability(found: dict[tuple[int, int], OcclusionOrder], a: Instance, b: Instance) -> float:
    """P(a over b) by geometry; 0.5 without depth of both."""
    if (a.id, b.id) in found:
        return max(found[a.id, b.id].confidence, MIN_FOUND)
    if math.isnan(a.depth_m) or math.isnan(b.depth_m):
        return 0.5
    if (b.id, a.id) in found:
        return 1 - found[b.id, a.id].confidence
    return NOT_FOUND


def _geometric_depth(order: DepthOrder | None, a: Instance, b: Instance) -> list[float]:
    """P(a closer, a farther, equal) by geometry."""
    if order is None:
        return [1 / 3, 1 / 3, 1 / 3]
    rest = 1 - order.confidence
    if order.equal:                                     # within the errors of depth a side may still be likelier
        closer = rest * (NEARER_SIDE if a.depth_m < b.depth_m else 1 - NEARER_SIDE)
        return [closer, rest - closer, order.confidence]
    near, far = order.confidence, OTHER_SIDE * rest
    return [near, far, rest - far] if order.near == a.id else [far, near, rest - far]


def _pool(first: Sequence[float], second: Sequence[float] | np.ndarray) -> np.ndarray:
    """Probabilities of exclusive cases by two independent classifiers, each clipped (MIN_PROBABILITY), [cases]."""
    product = np.prod(np.clip(np.stack([first, second]).astype(float), MIN_PROBABILITY, 1 - MIN_PROBABILITY), axis=0)
    return product / product.sum()


def _depth_order(a: Instance, b: Instance, probability: np.ndarray, case: int) -> DepthOrder:
    """The order of a and b, a's id being the smaller one; case 0 a closer, 1 farther, 2 equal."""
    near, far = (b, a) if case == 1 else (a, b)
    overlapping = a.depth_near_m <= b.depth_far_m and b.depth_near_m <= a.depth_far_m
    return DepthOrder(near.id, far.id, case == 2, overlapping, float(probability[case]))


def _sorted(depths: dict[tuple[int, int], DepthOrder]) -> tuple[DepthOrder, ...]:
    return tuple(depths[pair] for pair in sorted(depths))


def _with_mutual(occlusions: dict[tuple[int, int], OcclusionOrder]) -> tuple[OcclusionOrder, ...]:
    return tuple(replace(order, mutual=(order.occludee, order.occluder) in occlusions)
                 for _, order in sorted(occlusions.items()))
