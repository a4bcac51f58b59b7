# SPDX-License-Identifier: Apache-2.0
"""How sure an occlusion between regions is that were found in the picture, not given as labels.

A mask that somebody gave ends where an instance ends, and what remains to be asked is who is in front. A region that was
found may as well end at a crease, a shadow or paint, where nothing hides anything. So its confidence is the probability that
a depth sensor would confirm it: that there is a step of depth along the contour, and that it goes that way. Logistic
regression on real pictures with sensor depth and `modot_nano` (`benchmarks/sensor_orders.py --fit`, again for other
weights); calibration as of Platt (1999). Depth orders were too sure there, too: theirs are softened by a temperature (Guo
et al., "On Calibration of Modern Neural Networks", ICML 2017).
"""
from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from modot_ros.prediction import OcclusionOrder
from modot_ros.scene.order.contour import Contour

EVIDENCE, SEEN, BIAS = 3.18, 1.09, -2.42                # log-odds per unit of the contour's means, and at none
TEMPERATURE = 1.4                                       # of depth orders between found regions
LEAST = 0.25                                            # probability of an occlusion that is reported


def confirmed(orders: tuple[OcclusionOrder, ...], c: Contour) -> tuple[OcclusionOrder, ...]:
    """The occlusion orders that are probable enough, with the probability that a depth sensor confirms them.

    orders  as `occlusion_orders` finds them on the contours c
    """
    kept = {(one.occluder, one.occludee): replace(one, confidence=sure) for one, (evidence, seen) in zip(orders, cues(orders, c))
            if (sure := 1.0 / (1.0 + math.exp(-(EVIDENCE * evidence + SEEN * seen + BIAS)))) >= LEAST}
    return tuple(replace(one, mutual=one.mutual and (one.occludee, one.occluder) in kept) for one in kept.values())


def cues(orders: tuple[OcclusionOrder, ...], c: Contour) -> np.ndarray:
    """Means [n, 2] over each order's contour: evidence of depth for its direction less that against it, and probability of a
    boundary. Of a pair that occludes both ways, each direction has the evidence of its own part."""
    pairs = len(c.smaller)
    length = np.maximum(np.bincount(c.pair, minlength=pairs), 1)
    forward, backward, seen = (np.bincount(c.pair, values, pairs) / length for values in (
        np.maximum(c.evidence, 0), np.maximum(-c.evidence, 0), c.seen))
    index = {pair: k for k, pair in enumerate(zip(c.smaller.tolist(), c.larger.tolist()))}
    found = []
    for one in orders:
        k = index[min(one.occluder, one.occludee), max(one.occluder, one.occludee)]
        own, against = (forward[k], backward[k]) if one.occluder < one.occludee else (backward[k], forward[k])
        found.append((own if one.mutual else own - against, seen[k]))
    return np.array(found, float).reshape(-1, 2)
