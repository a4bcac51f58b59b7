# SPDX-License-Identifier: Apache-2.0
"""Who is nearer: depth orders of all pairs of instances.

Measured depth needs no help: the medians decide, within EQUAL_BAND (a ratio, so that neither scale nor unit matters)
two instances are equal. The medians of a network's depth are off by a fifth, so that other cues to depth are added to
them. Each adds to the log-odds that one is nearer rather than farther:

- medians: the logarithm of their ratio;
- feet and middles: which box ends lower in the picture, and whose middle is lower. What stands on a floor or a table
  is the nearer the lower it is, as long as the camera looks down on it: height in the field (Cutting and Vishton,
  "Perceiving layout and knowing distances", 1995). The cue saturates at a few rows (ROWS);
- hides: what occludes is nearer where the two meet, though not always on the whole (a bowl and its table);
- chain: what occludes a third one that occludes the other is nearer than that.

Two are the likelier equal the less both rows differ. `nearness`, a network over all instances at once, adds a
correction to both sums. Nearer, farther and equal get probabilities by the softmax of z / 2, -z / 2 and the
log-odds of equal, z being the sum of the cues. The likeliest is the order, its probability the confidence: so the
fewest pairs are wrong. Weights: `benchmarks/orders.py --fit`.
"""
from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import repeat

import numpy as np

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder

EQUAL_BAND = float(np.log(1.05))        # |ln(z_a / z_b)| of the medians up to which measured depths are equal
NOISE = 0.005                           # of the logarithm of a measured median: logistic, a deviation of 1 %
MEDIANS, FEET, MIDDLES, HIDES, CHAIN = 7.3, 0.462, 0.529, 0.809, 2.0    # log-odds per unit of the cue
EQUAL, LEVEL = -0.726, 2.37             # log-odds of equal, and what being level adds
ROWS = 0.06                             # of the picture's height, at which the cues of rows saturate
FAR = 20.0                              # what the logarithm of a ratio is limited to

_FIELDS = [getattr(DepthOrder, name).__set__ for name in ("near", "far", "equal", "overlapping", "confidence")]


def depth_orders(instances: Sequence[Instance], occlusions: Sequence[OcclusionOrder] = (), height_px: int = 1,
                 measured: bool = True, correction: np.ndarray | float = 0.0, temperature: float = 1.0
                 ) -> tuple[DepthOrder, ...]:
    """Depth order of all pairs whose depth is known, in ascending order of the pairs.

    occlusions  among the instances; they and the picture's height are used for depth that was not measured
    measured    the depth comes from a sensor or a renderer, not from a network
    correction  [2, n, n] to be added to the sums of such: that the row is nearer, and that both are equal
    temperature  that the log-odds are divided by where depth was not measured: above 1 the orders stay and are less sure
    The confidence is the probability that the order is right. Two instances that are both beyond range cannot be ordered
    apart and give no order.
    """
    ids = np.array([i.id for i in instances], int)
    median, near, far = np.array([(i.depth_m, i.depth_near_m, i.depth_far_m) for i in instances]).reshape(-1, 3).T
    a, b = pairs_of(median)
    if measured:
        size = np.abs(_ratios(median, a, b))
        equal = size <= EQUAL_BAND
        swap = ~equal & (median[b] < median[a])
        confidence = 1 / (1 + np.exp(-np.abs(size - EQUAL_BAND) / NOISE))
    else:
        odds, level = cues(instances, occlusions, height_px)
        more = np.broadcast_to(correction, (2, len(ids), len(ids)))[:, a, b]
        z = np.array([MEDIANS, FEET, MIDDLES, HIDES, CHAIN]) @ odds + more[0]
        strict, level = np.abs(z) / 2, EQUAL + LEVEL * level + more[1]
        equal = level > strict
        swap = ~equal & (z < 0)
        strict, level = strict / temperature, level / temperature
        best = np.maximum(strict, level)
        confidence = 1 / (np.exp(strict - best) + np.exp(-strict - best) + np.exp(level - best))
    overlapping = (near[a] <= far[b]) & (near[b] <= far[a])
    nearer, farther = np.where(swap, b, a), np.where(swap, a, b)
    # Tens of thousands of pairs: filled field by field they take a quarter of the time that calling DepthOrder takes.
    orders = tuple(map(object.__new__, repeat(DepthOrder, len(a))))
    for set_field, column in zip(_FIELDS, (ids[nearer], ids[farther], equal, overlapping, confidence)):
        deque(map(set_field, orders, column.tolist()), maxlen=0)
    return orders


def cues(instances: Sequence[Instance], occlusions: Sequence[OcclusionOrder], height_px: int
         ) -> tuple[np.ndarray, np.ndarray]:
    """Medians, feet, middles, hides and chain [5, p] of all pairs, > 0: the first is nearer; how level [p], 0..1."""
    median = np.array([i.depth_m for i in instances], float)
    top, tall = np.array([(i.bbox_px[1], i.bbox_px[3]) for i in instances], float).reshape(-1, 2).T
    a, b = pairs_of(median)
    feet, middles = (np.clip((row[a] - row[b]) / (ROWS * height_px), -1, 1) for row in (top + tall, top + tall / 2))
    hides, chain = ((sure - sure.T).take(a * len(median) + b) for sure in _in_front(instances, occlusions))
    return (np.stack([_ratios(median, a, b), feet, middles, hides, chain]),
            (1 - np.abs(feet)) * (1 - np.abs(middles)))


def pairs_of(median: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices a < b of all pairs that can be ordered."""
    a, b = np.triu_indices(len(median), 1)
    unknown, beyond = np.isnan(median), np.isinf(median)
    if unknown.any() or np.count_nonzero(beyond) > 1:
        orderable = ~(unknown[a] | unknown[b] | (beyond[a] & beyond[b]))
        a, b = a[orderable], b[orderable]
    return a, b


def _ratios(median: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    log = np.log(median)
    return np.clip(log[b] - log[a], -FAR, FAR)


def _in_front(instances: Sequence[Instance], occlusions: Sequence[OcclusionOrder]) -> tuple[np.ndarray, np.ndarray]:
    """Confidence that the row's instance occludes the column's, directly and through a third one, both [n, n] in 0..1."""
    at = {one.id: k for k, one in enumerate(instances)}
    front, back, sure = np.array([(at[o.occluder], at[o.occludee], 2 * o.confidence - 1) for o in occlusions]
                                 ).reshape(-1, 3).T
    front, back = front.astype(np.intp), back.astype(np.intp)
    hides, chain = np.zeros((2, len(at), len(at)))
    hides[front, back] = sure
    for third in np.intersect1d(front, back):           # a chain is as sure as the weaker of its links
        before, behind = back == third, front == third
        np.maximum.at(chain, np.ix_(front[before], back[behind]), np.minimum.outer(sure[before], sure[behind]))
    return hides, chain
