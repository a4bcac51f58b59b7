# SPDX-License-Identifier: Apache-2.0
"""Scores of the edges that a depth map itself has: iBims-1's depth boundary error and Depth Pro's boundary F.

iBims-1: Koch et al., "Evaluation of CNN-based Single-Image Depth Estimation Methods" (ECCVW 2018). Depth Pro: Bochkovskii
et al., "Depth Pro: Sharp Monocular Metric Depth in Less Than a Second" (ICLR 2025), without suppression, as for sets
with exact depth. The second asks for no truth but depth, and is the same whatever the scale of the estimate.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from modot_ros.learn.metrics.canny import depth_edges

FARTHEST_PX = 10.0                                      # beyond it, an edge belongs to nothing
RATIOS = np.linspace(1.05, 1.25, 10)                    # of the depths of neighbours that count as an edge


@dataclass(frozen=True)
class DepthBoundaryError:
    """Pixels, 0 is best, FARTHEST_PX is worst; NaN when the truth has no edge."""

    accuracy_px: float                                  # mean distance of found edges from true ones, both near
    completeness_px: float                              # mean distance both ways, at most FARTHEST_PX each


def depth_boundary_error(depth: np.ndarray, true_edges: np.ndarray) -> DepthBoundaryError:
    """How far a depth map's own edges (`canny.depth_edges`) lie from the true ones.

    Args:
        depth: estimate [H, W], not finite or not positive where unknown.
        true_edges: [H, W], non-zero on an edge.

    Raises ValueError for unequal shapes.
    """
    if depth.shape != true_edges.shape:
        raise ValueError(f"maps must have one shape, got {depth.shape} and {true_edges.shape}")
    true = true_edges != 0
    if not true.any():
        return DepthBoundaryError(np.nan, np.nan)
    found = depth_edges(depth)
    to_true = _distance(true)
    near = found & (to_true < FARTHEST_PX)
    if not near.any():
        return DepthBoundaryError(FARTHEST_PX, FARTHEST_PX)
    there = np.minimum(to_true[found], FARTHEST_PX).sum()
    back = np.minimum(_distance(found)[true], FARTHEST_PX).sum()
    return DepthBoundaryError(float(to_true[near].mean()), float((there + back) / (found.sum() + true.sum())))


def scale_invariant_boundary_f(depth: np.ndarray, truth: np.ndarray) -> float:
    """Depth Pro's F of depth steps between neighbouring pixels, in [0, 1], of two positive maps [H, W].

    For each ratio of RATIOS and each of four directions a pair is an edge when the farther pixel is more times as far;
    recall and precision are means over directions, F's mean over ratios weighs each by its ratio. Where nothing is found
    or nothing is there, the direction counts 0. Pairs of which one depth is unknown do not count. Raises ValueError for
    unequal shapes.
    """
    if depth.shape != truth.shape:
        raise ValueError(f"maps must have one shape, got {depth.shape} and {truth.shape}")
    known = np.isfinite(depth) & np.isfinite(truth) & (depth > 0) & (truth > 0)
    steps = [_steps(np.where(known, z, np.nan).astype(np.float64)) for z in (depth, truth)]
    scores = []
    for ratio in RATIOS:
        recalls, precisions = [], []
        for p, g in zip(*steps):
            found, there = p > ratio, g > ratio
            both = np.count_nonzero(found & there)
            recalls.append(both / max(np.count_nonzero(there), 1))
            precisions.append(both / max(np.count_nonzero(found), 1))
        r, p = np.mean(recalls), np.mean(precisions)
        scores.append(2 * r * p / (r + p) if r + p else 0.0)
    return float(np.average(scores, weights=RATIOS))


def _steps(depth: np.ndarray) -> tuple[np.ndarray, ...]:
    """How many times as far the neighbour on the right, below, on the left and above is; NaN where unknown."""
    return (depth[:, 1:] / depth[:, :-1], depth[1:] / depth[:-1], depth[:, :-1] / depth[:, 1:], depth[:-1] / depth[1:])


def _distance(mask: np.ndarray) -> np.ndarray:
    """Of every pixel to the nearest set one, pixels."""
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
