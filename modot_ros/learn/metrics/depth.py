# SPDX-License-Identifier: Apache-2.0
"""How wrong a depth map is: the scores of Eigen et al. (NIPS 2014) and what others added, plain or after alignment.

Maps are [H, W] in one unit. A pixel counts where the truth is known (finite, positive, and in `mask`) and the estimate
is a number above 0; an estimate that is missing elsewhere is told by `coverage`.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ALIGNMENTS = ("none", "median", "affine")
# An inverse depth below this share of the truth's smallest is left out: an affine fit may cross zero.
_LEAST_INVERSE = 1e-2


@dataclass(frozen=True)
class DepthMetrics:
    """Scores of one picture; NaN where no pixel counts. e = ln estimate - ln truth."""

    abs_rel: float                                      # mean |estimate - truth| / truth
    sq_rel: float                                       # mean (estimate - truth)^2 / truth
    mae: float                                          # mean |estimate - truth|
    rmse: float                                         # root of the mean (estimate - truth)^2
    rmse_log: float                                     # root of the mean e^2
    log10: float                                        # mean |log10 estimate - log10 truth|
    silog: float                                        # 100 * standard deviation of e
    delta1: float                                       # share with max(estimate / truth, truth / estimate) < 1.25
    delta2: float                                       # ... < 1.25^2
    delta3: float                                       # ... < 1.25^3
    coverage: float                                     # share of the truth's pixels that have an estimate


def depth_metrics(depth: np.ndarray, truth: np.ndarray, mask: np.ndarray | None = None,
                  alignment: str = "none") -> DepthMetrics:
    """Scores of one estimate.

    Args:
        depth: estimate [H, W].
        truth: [H, W], unknown where it is not finite and positive.
        mask: bool [H, W], which pixels may count; None means all.
        alignment: one of ALIGNMENTS, see `align`.

    Raises ValueError for unequal shapes and an unknown alignment.
    """
    if depth.shape != truth.shape or mask is not None and mask.shape != truth.shape:
        raise ValueError(f"maps must have one shape, got {depth.shape}, {truth.shape}"
                         + ("" if mask is None else f" and {mask.shape}"))
    wanted = np.isfinite(truth) & (truth > 0)
    if mask is not None:
        wanted = wanted & mask.astype(bool)
    known = wanted & np.isfinite(depth) & (depth > 0)
    coverage = float(known.sum() / wanted.sum()) if wanted.any() else np.nan
    g = truth[known].astype(np.float64)
    p = align(depth[known].astype(np.float64), g, alignment)
    if not len(g):
        return DepthMetrics(*(np.nan,) * 10, coverage)
    e, ratio = np.log(p) - np.log(g), np.maximum(p / g, g / p)
    return DepthMetrics(
        abs_rel=float(np.mean(np.abs(p - g) / g)), sq_rel=float(np.mean((p - g) ** 2 / g)),
        mae=float(np.mean(np.abs(p - g))), rmse=float(np.sqrt(np.mean((p - g) ** 2))),
        rmse_log=float(np.sqrt(np.mean(e ** 2))), log10=float(np.mean(np.abs(e)) / np.log(10)),
        silog=100 * float(np.sqrt(max(np.mean(e ** 2) - np.mean(e) ** 2, 0.0))),
        delta1=float(np.mean(ratio < 1.25)), delta2=float(np.mean(ratio < 1.25 ** 2)),
        delta3=float(np.mean(ratio < 1.25 ** 3)), coverage=coverage)


def align(depth: np.ndarray, truth: np.ndarray, alignment: str) -> np.ndarray:
    """Estimates [n] brought to the truth [n], both positive.

    "none" leaves them. "median" multiplies by the ratio of medians (Zhou et al., CVPR 2017). "affine" fits scale and
    shift of inverse depth by least squares, as models need whose depth is relative (Ranftl et al., TPAMI 2022); inverse
    depth that falls below 1 % of the truth's smallest is raised to it. Raises ValueError for another word.
    """
    if alignment not in ALIGNMENTS:
        raise ValueError(f"alignment {alignment!r} is unknown: choose one of {', '.join(ALIGNMENTS)}")
    if alignment == "none" or not len(depth):
        return depth
    if alignment == "median":
        return depth * (np.median(truth) / np.median(depth))
    inverse, wanted = 1.0 / depth, 1.0 / truth
    spread = inverse - inverse.mean()
    square = float(spread @ spread)
    # A constant map has a shift only; its spread is rounding.
    scale = float(spread @ wanted) / square if square > 1e-12 * float(inverse @ inverse) else 0.0
    fitted = wanted.mean() + scale * spread
    return 1.0 / np.maximum(fitted, _LEAST_INVERSE * wanted.min())
