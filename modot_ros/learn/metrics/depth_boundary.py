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

    For each ratio of RATIOS and each of four directions a pair is an edge when the farther pixel is so many times as far;
    recall and precision are means over directions, F's mean over ratios weighs each by its ratio. Where nothing is found
    or nothing is there, the direction counts 0. Pairs of which one depth is unknown do not count. Raises ValueError for
    unequal shapes.
    """
    if depth.shape != truth.shape:
        raise ValueError(f"maps must have one shape, got {depth.shape} and {truth.shape}")
    steps = [(_steps(p), _steps(g)) for p, g in zip(_pairs(depth), _pairs(truth))]
    scores = []
    for ratio in RATIOS:
        recalls, precisions = [], []
        for (p, p_known), (g, g_known) in steps:
            for sign in (1, -1):
                limit = np.log(ratio)
                found, there = sign * p > limit, sign * g > limit
                found, there = found & p_known & g_known, there & p_known & g_known
                both = np.count_nonzero(found & there)
                recalls.append(both / max(np.count_nonzero(there), 1))
                precisions.append(both / max(np.count_nonzero(found), 1))
        r, p = np.mean(recalls), np.mean(precisions)
        scores.append(2 * r * p / (r + p) if r + p else 0.0)
    return float(np.average(scores, weights=RATIOS))


def _pairs(depth: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """(first, second) of all horizontal and of all vertical neighbours."""
    return (depth[:, :-1], depth[:, 1:]), (depth[:-1], depth[1:])


def _steps(pair: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """ln(second / first), 0 where unknown, and where it is known."""
    known = np.isfinite(pair[0]) & np.isfinite(pair[1]) & (pair[0] > 0) & (pair[1] > 0)
    first, second = (np.where(known, depth, 1.0) for depth in pair)
    return np.log(second) - np.log(first), known


def _distance(mask: np.ndarray) -> np.ndarray:
    """Of every pixel to the nearest set one, pixels."""
    return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
