# SPDX-License-Identifier: Apache-2.0
"""Edges of a depth map by Canny's detector: how depth without boundaries is given some, by papers and by iBims-1.

The map is brought to 0..1 by its own smallest and largest value, smoothed with a deviation of sqrt(2) pixels, and its
Sobel gradient (weights 1 2 1, not divided) compared with the thresholds, as scikit-image's `canny` does it. OpenCV's
suppression knows four directions where scikit-image interpolates: single pixels differ.
"""
from __future__ import annotations

import cv2
import numpy as np

SIGMA_PX = 2 ** 0.5
# Lower and upper thresholds of MoDOT's comparison with depth networks; iBims-1 uses the middle ones.
PAPER_THRESHOLDS = ((0.05, 0.15), (0.15, 0.30), (0.25, 0.50))
_UNITS = 4096                                           # of the 16-bit gradients that OpenCV takes


def depth_edges(depth: np.ndarray, low: float = 0.15, high: float = 0.30) -> np.ndarray:
    """Edges of a depth map [H, W], bool [H, W].

    Unknown depth (not finite, or not positive) takes the nearest known one's place, so that holes make no edges.
    Raises ValueError unless 0 < low <= high.
    """
    if not 0 < low <= high:
        raise ValueError(f"thresholds are {low} and {high}: 0 < low <= high is needed")
    depth = np.asarray(depth, np.float64)
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros(depth.shape, bool)
    near, far = depth[known].min(), depth[known].max()
    if far <= near:
        return np.zeros(depth.shape, bool)
    level = np.where(known, (depth - near) / (far - near), 0.0).astype(np.float32)
    if not known.all():
        _, labels = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5,
                                                    labelType=cv2.DIST_LABEL_PIXEL)
        of_label = np.zeros(labels.max() + 1, np.float32)
        of_label[labels[known]] = level[known]
        level = of_label[labels]
    smooth = cv2.GaussianBlur(level, (0, 0), SIGMA_PX, borderType=cv2.BORDER_REPLICATE)
    du, dv = (np.rint(cv2.Sobel(smooth, cv2.CV_32F, *axes) * _UNITS).astype(np.int16) for axes in ((1, 0), (0, 1)))
    return cv2.Canny(du, dv, low * _UNITS, high * _UNITS, L2gradient=True) > 0
