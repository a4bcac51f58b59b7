# SPDX-License-Identifier: Apache-2.0
"""What the published MoDOT (WACV 2026) is measured with: limits and masks of each data set, as its code has them."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from modot_ros.learn.metrics.depth import depth_metrics
from modot_ros.learn.metrics.pixels import pixel_metrics

EIGEN_CROP = np.s_[45:471, 41:601]                      # of NYU Depth v2's 480x640 pixels (Eigen et al., NIPS 2014)


@dataclass(frozen=True)
class Protocol:
    """How depth is scored on one data set."""

    min_depth: float                                    # the estimate is limited to these two
    max_depth: float
    above: float                                        # the truth counts between these two
    below: float
    crop: tuple[slice, slice] = np.s_[:, :]             # and inside of this


PROTOCOLS = {
    "nyud-mt": Protocol(1e-3, 10.0, 1e-3, 10.0),
    "ob-future": Protocol(0.0392, 10.0, 0.0, 10.0),
    "ob-hypersim": Protocol(0.06, 100.0, 0.0, math.inf),
    "ibims": Protocol(1e-3, 52.0, 0.0, math.inf),
    "nyud": Protocol(1e-3, 10.0, 1e-3, 10.0, EIGEN_CROP),
}


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
    the farthest; truth that is not known is NaN or 0. `dataset` is one of PROTOCOLS: "nyud" is NYU Depth v2 at 480x640
    inside Eigen's crop. iBims-1 was scored by the zero-shot script, which multiplied depth by 3.7 before and took 0.5 for
    the threshold: give both. Underscores for hyphens, as `open_dataset` has them, are the same. Raises ValueError for
    another data set and for unequal shapes.
    """
    name = dataset.replace("_", "-")
    if name not in PROTOCOLS:
        raise ValueError(f"data set {dataset!r} is unknown: choose one of {', '.join(PROTOCOLS)}")
    protocol = PROTOCOLS[name]
    depth = np.nan_to_num(depth.astype(np.float64), nan=protocol.min_depth, posinf=protocol.max_depth)
    known = np.zeros(true_depth.shape, bool)
    known[protocol.crop] = True
    known &= (true_depth > protocol.above) & (true_depth < protocol.below)
    d = depth_metrics(np.clip(depth, protocol.min_depth, protocol.max_depth), true_depth, known)
    b = pixel_metrics(probability, true_boundary, threshold)
    return PublishedScores(d.abs_rel, d.sq_rel, d.rmse, d.rmse_log, d.log10, d.silog, d.delta1, d.delta2, d.delta3,
                           b.precision, b.recall, b.accuracy, b.f1)
