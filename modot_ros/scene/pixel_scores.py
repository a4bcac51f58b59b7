# SPDX-License-Identifier: Apache-2.0
"""Errors of a depth map and a boundary map against their truth.

Depth: AbsRel and delta of Eigen et al. (NeurIPS 2014). Boundaries: precision and recall with a pixel of
tolerance, fast, without one-to-one matching: every pixel with a partner in the window counts as found.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class BoundaryScores:
    """All in [0, 1]; precision of an empty prediction and recall of an empty truth are 1."""

    precision: float
    recall: float
    f: float


@dataclass(frozen=True)
class DepthScores:
    """Scores over the pixels where truth and estimate are both known; NaN where there is no such pixel."""

    abs_rel: float                                      # mean of |estimate - truth| / truth
    delta1: float                                       # share with max(estimate, truth) / min(...) < 1.25
    coverage: float                                     # share of the truth's pixels that have an estimate


def boundary_f(predicted: np.ndarray, true: np.ndarray, tolerance_px: int = 1) -> BoundaryScores:
    """Compare two masks [H, W] (bool, or anything that is non-zero on the boundary).

    A predicted pixel is right when a true one lies in the (2 * tolerance_px + 1)^2 window about it, a true
    pixel is found when a predicted one does. Two empty masks agree perfectly, f = 1. Raises ValueError for
    unequal shapes or a negative tolerance.
    """
    if predicted.shape != true.shape or predicted.ndim != 2:
        raise ValueError(f"masks must have one [H, W] shape, got {predicted.shape} and {true.shape}")
    if tolerance_px < 0:
        raise ValueError(f"tolerance_px is {tolerance_px}: must be 0 or more")
    predicted, true = (np.ascontiguousarray(mask != 0).view(np.uint8) for mask in (predicted, true))
    window = np.ones((2 * tolerance_px + 1,) * 2, np.uint8)
    n_predicted, n_true = cv2.countNonZero(predicted), cv2.countNonZero(true)
    right = cv2.countNonZero(predicted & cv2.dilate(true, window))
    found = cv2.countNonZero(true & cv2.dilate(predicted, window))
    precision = right / n_predicted if n_predicted else 1.0
    recall = found / n_true if n_true else 1.0
    both = precision + recall
    return BoundaryScores(precision, recall, 2 * precision * recall / both if both else 0.0)


def depth_scores(depth_m: np.ndarray, true_m: np.ndarray) -> DepthScores:
    """Compare two depth maps [H, W] in one unit. Unknown is anything that is not finite and positive.

    Raises ValueError for unequal shapes.
    """
    if depth_m.shape != true_m.shape:
        raise ValueError(f"depth maps must have one shape, got {depth_m.shape} and {true_m.shape}")
    truth_known = np.isfinite(true_m) & (true_m > 0)
    known = truth_known & np.isfinite(depth_m) & (depth_m > 0)
    if not known.any():
        return DepthScores(np.nan, np.nan, 0.0 if truth_known.any() else np.nan)
    estimate, truth = depth_m[known].astype(np.float64), true_m[known].astype(np.float64)
    ratio = np.maximum(estimate / truth, truth / estimate)
    return DepthScores(abs_rel=float(np.mean(np.abs(estimate - truth) / truth)),
                       delta1=float(np.mean(ratio < 1.25)),
                       coverage=float(known.sum() / truth_known.sum()))
