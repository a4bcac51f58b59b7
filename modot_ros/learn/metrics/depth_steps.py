# SPDX-License-Identifier: Apache-2.0
"""Occlusion boundaries of an exact depth map: where two neighbours do not lie on one surface.

Inverse depth of a plane is affine in the picture, so each pixel of a pair predicts the other from its own side's slope.
When both predictions miss in the same direction by more than a tolerance, one surface ends in front of the other; when
they miss in opposite directions, two planes meet in a crease. No plain threshold on the step can tell a slanted floor
from a table's edge. For rendered depth only: a sensor's noise and soft edges make boundaries of their own.
"""
from __future__ import annotations

import numpy as np

SHARE = 0.02                                            # of the depth: steps below it are none


def step_boundaries(depth_m: np.ndarray, share: float = SHARE, quantum_m: float = 0.001) -> np.ndarray:
    """Boundary of a depth map, bool [H, W], one pixel wide on the occluder's side.

    Args:
        depth_m: z [H, W]; not finite or not positive where unknown: no boundary is seen there.
        share: smallest gap, of the nearer depth.
        quantum_m: step in which depth is stored; gaps below four of it are rounding.
    """
    known = np.isfinite(depth_m) & (depth_m > 0)
    inverse = np.where(known, 1.0 / np.where(known, depth_m, 1.0), np.nan).astype(np.float64)
    boundary = np.zeros(inverse.shape, bool)
    for mask, i in ((boundary, inverse), (boundary.T, inverse.T)):
        # p, q are the inner pixels of four in a row: o p q r.
        o, p, q, r = (i[:, k:i.shape[1] - 3 + k] for k in range(4))
        gap_at_p, gap_at_q = p - (2 * q - r), (2 * p - o) - q
        with np.errstate(invalid="ignore"):
            inverse_gap = np.minimum(np.abs(gap_at_p), np.abs(gap_at_q))
            gap_m = inverse_gap / (p * q)
            ends = (gap_at_p * gap_at_q > 0) & (gap_m > np.maximum(share / np.maximum(p, q), 4 * quantum_m))
        mask[:, 1:-2] |= ends & (gap_at_p > 0)
        mask[:, 2:-1] |= ends & (gap_at_p < 0)
    return boundary
