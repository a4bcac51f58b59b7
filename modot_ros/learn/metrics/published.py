# SPDX-License-Identifier: Apache-2.0
"""What the published MoDOT (WACV 2026) is measured with: limits and masks of each data set, as its code has them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modot_ros.learn.metrics.depth import depth_metrics
from modot_ros.learn.metrics.pixels import pixel_metrics
from modot_ros.learn.published import recipe_of


@dataclass(frozen=True)
class PublishedScores:
    """Scores of one picture; the paper's are plain means over pictures. In the data set's unit of depth."""

    abs_rel: float
    sq_rel: float
    rms: float
    log_rms: float
    log10: float
    silog: float                                        # times 100
    delta1: float
    delta2: float
    delta3: float
    precision: float                                    # of boundary pixels, without tolerance; 0 where undefined
    recall: float
    accuracy: float
    f1: float


def published_scores(depth: np.ndarray, probability: np.ndarray, true_depth: np.ndarray, true_boundary: np.ndarray,
                     dataset: str, threshold: float = 0.7) -> PublishedScores:
    """Scores of one picture, all maps [H, W]; NaN for depth where nothing is known of it.

    `depth` is limited to the data set's range as in the official evaluation, where NaN becomes the nearest and infinity
    the farthest. Raises ValueError for a data set without a published recipe and for unequal shapes.
    """
    recipe = recipe_of(dataset)
    depth = np.nan_to_num(depth.astype(np.float64), nan=recipe.min_depth, posinf=recipe.max_depth)
    known = true_depth > (recipe.min_depth if dataset == "nyud-mt" else 0)
    if dataset != "ob-hypersim":
        known &= true_depth < recipe.max_depth
    d = depth_metrics(np.clip(depth, recipe.min_depth, recipe.max_depth), true_depth, known)
    b = pixel_metrics(probability, true_boundary, threshold)
    return PublishedScores(d.abs_rel, d.sq_rel, d.rmse, d.rmse_log, d.log10, d.silog, d.delta1, d.delta2, d.delta3,
                           b.precision, b.recall, b.accuracy, b.f1)
