# SPDX-License-Identifier: Apache-2.0
"""Order graph from geometry: who occludes whom along shared contours, and who is nearer.

The relations are those of InstaOrder (Lee and Park, "Instance-wise Occlusion and Depth Orders in Natural Scenes", CVPR
2022): occlusion is decided per direction, so that two instances may occlude each other; depth order is nearer, farther
or equal, with a flag when the two depth ranges overlap. The picture itself is no input: `occlusion_order` and
`depth_order` state the rules, `nearness` corrects the latter.
"""
from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from modot_ros.prediction import Instance, OcclusionOrder, OrderGraph
from modot_ros.scene.order.contour import contour
from modot_ros.scene.order.depth_order import depth_orders
from modot_ros.scene.order.found_regions import TEMPERATURE, confirmed
from modot_ros.scene.order.nearness import nearness, shipped_weights
from modot_ros.scene.order.occlusion_order import occlusion_orders
from modot_ros.scene.order.pair_features import pair_features
from modot_ros.scene.order.region_statistics import region_statistics

METHOD = "geometric"
ASSUMED_FOCAL = 0.8                     # focal length / picture width of an unknown camera: 64 degrees wide
NETWORK_INSTANCES = 64                  # the largest; its time grows with their square


def order_graph(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray | None = None,
                names: Mapping[int, str] | None = None, scores: Mapping[int, float] | None = None,
                focal: float = ASSUMED_FOCAL, found: bool = False) -> OrderGraph:
    """The geometric order graph of a label image.

    labels       integer [H, W], 0 = background, at most 65535; the background is not in the graph
    depth_m      float32 [H, W], NaN = no estimate, +inf = beyond range; unit-free depth that grows with
                 distance gives the same relations
    probability  float32 [H, W] in [0, 1] of an occlusion boundary; None: depth alone is used, and taken as
                 measured (by a sensor or a renderer). Beside a probability it is a network's unless its steps are sharp
    names        class name per label; scores: confidence per label
    focal        focal length / picture width, an input of the correction of depth orders
    found        the regions were found in the picture (`partition`), not given: under a network's depth their occlusions have
                 the confidences of `found_regions`, and those that are improbable are left out
    raises       ValueError when shapes differ
    """
    for name, array in (("depth", depth_m), ("probability", probability)):
        if array is not None and array.shape != labels.shape:
            raise ValueError(f"{name} {array.shape} and labels {labels.shape} must be [H, W] of one size")
    labels = labels.astype(np.uint16)
    depth_m = np.asarray(depth_m, np.float32)
    instances = region_statistics(labels, depth_m, names or {}, scores or {})
    shared = contour(labels, depth_m, probability)
    occlusions = occlusion_orders(shared)
    measured = probability is None or shared.measured
    correction = 0.0 if probability is None or measured else nearness_of(labels, depth_m, probability, instances, occlusions,
                                                                         focal)
    depths = depth_orders(instances, occlusions, len(labels), measured, correction, TEMPERATURE if found else 1.0)
    return OrderGraph(METHOD, instances, confirmed(occlusions, shared) if found and not measured else occlusions, depths)


def nearness_of(labels: np.ndarray, depth_m: np.ndarray, probability: np.ndarray, instances: Sequence[Instance],
                occlusions: Sequence[OcclusionOrder], focal: float) -> np.ndarray:
    """The correction [2, n, n] of `depth_orders`; 0 for what has no depth and for all but the NETWORK_INSTANCES largest."""
    correction = np.zeros((2, len(instances), len(instances)))
    known = [k for k, one in enumerate(instances) if math.isfinite(one.depth_m)]
    examined = sorted(sorted(known, key=lambda k: -instances[k].area_px)[:NETWORK_INSTANCES])
    if len(examined) > 1:
        features, pairs = pair_features(labels, depth_m, probability, [instances[k] for k in examined], occlusions, focal)
        odds, level, _ = nearness(shipped_weights(), features, pairs)
        rows, columns = np.ix_(examined, examined)
        correction[:, rows, columns] = odds, level
    return correction
