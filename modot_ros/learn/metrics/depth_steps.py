# SPDX-License-Identifier: Apache-2.0
"""Occlusion boundaries of an exact depth map: where two neighbours do not lie on one surface.

Inverse depth of a plane is affine in the picture, so each pixel of a pair predicts the other from its own side's slope.
When both predictions miss in the same direction by more than a tolerance, one surface ends in front of the other; when
they miss in opposite directions, two planes meet in a crease. No plain threshold on the step can tell a slanted floor
from a table's edge. For rendered depth only: a sensor's noise and soft edges make boundaries of their own.
"""
from __future__ import annotations

import numpy as np

from modot_ros.learn.synthetic.truth import boundary_map

SHARE = 0.02                                            # of the depth: steps below it are none


def step_boundaries(depth_m: np.ndarray, share: float = SHARE, quantum_m: float = 0.001) -> np.ndarray:
    """Boundary of a depth map, bool [H, W], one pixel wide on the occluder's side; see `step_pairs`."""
    return boundary_map(*step_pairs(depth_m, share, quantum_m))[0]


def step_pairs(depth_m: np.ndarray, share: float = SHARE, quantum_m: float = 0.001) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of neighbours that a step lies between, int8 [H, W-1] and [H-1, W]: +1 the left / upper pixel occludes, -1 the
    other, 0 neither.

    Args:
        depth_m: z [H, W]; not finite or not positive where unknown: no boundary is seen there.
        share: smallest gap, of the nearer depth.
        quantum_m: step in which depth is stored; gaps below four of it are rounding.
    """
    known = np.isfinite(depth_m) & (depth_m > 0)
    inverse = np.where(known, 1.0 / np.where(known, depth_m, 1.0), np.nan).astype(np.float64)
    right = np.zeros((inverse.shape[0], inverse.shape[1] - 1), np.int8)
    down = np.zeros((inverse.shape[0] - 1, inverse.shape[1]), np.int8)
    for pairs, i in ((right, inverse), (down.T, inverse.T)):
        # p, q are the inner pixels of four in a row: o p q r.
        o, p, q, r = (i[:, k:i.shape[1] - 3 + k] for k in range(4))
        gap_at_p, gap_at_q = p - (2 * q - r), (2 * p - o) - q
        with np.errstate(invalid="ignore"):
            inverse_gap = np.minimum(np.abs(gap_at_p), np.abs(gap_at_q))
            gap_m = inverse_gap / (p * q)
            ends = (gap_at_p * gap_at_q > 0) & (gap_m > np.maximum(share / np.maximum(p, q), 4 * quantum_m))
        pairs[:, 1:-1][ends] = np.where(gap_at_p > 0, 1, -1)[ends]
    return right, down
