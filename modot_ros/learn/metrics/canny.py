# SPDX-License-Identifier: Apache-2.0
"""Edges of a depth map by Canny's detector: how depth without boundaries is given some, by papers and by iBims-1.

As both do it, with scikit-image's `canny`: the map is brought to 0..1 by its own smallest and largest value, smoothed
with a deviation of sqrt(2) pixels, and the length of its Sobel gradient (weights 1 2 1, not divided) compared with that
one pixel on along the gradient, interpolated, and with two thresholds. The outermost pixels have no edges. OpenCV's
detector knows four directions only: on drawn maps one of its pixels in eight lies elsewhere.
"""
from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

SIGMA_PX = 2 ** 0.5
# Lower and upper thresholds of MoDOT's comparison with depth networks; iBims-1 uses the middle ones.
PAPER_THRESHOLDS = ((0.05, 0.15), (0.15, 0.30), (0.25, 0.50))


def depth_edges(depth: np.ndarray, low: float = 0.15, high: float = 0.30) -> np.ndarray:
    """Edges of a depth map [H, W], bool [H, W].

    Unknown depth (not finite, or not positive) takes the nearest known one's place, so that holes make no edges.
    Raises ValueError unless 0 < low <= high.
    """
    if not 0 < low <= high:
        raise ValueError(f"thresholds are {low} and {high}: 0 < low <= high is needed")
    depth = np.asarray(depth, np.float32)
    known = np.isfinite(depth) & (depth > 0)
    if not known.any():
        return np.zeros(depth.shape, bool)
    near, far = depth[known].min(), depth[known].max()
    if far <= near:
        return np.zeros(depth.shape, bool)
    level = np.where(known, (depth - near) / (far - near), np.float32(0))
    if not known.all():
        _, labels = cv2.distanceTransformWithLabels((~known).astype(np.uint8), cv2.DIST_L2, 5,
                                                    labelType=cv2.DIST_LABEL_PIXEL)
        of_label = np.zeros(labels.max() + 1, np.float32)
        of_label[labels[known]] = level[known]
        level = of_label[labels]
    # Beyond the border there is nothing: the mean is that of the pixels inside.
    smooth, inside = (ndimage.gaussian_filter(x, SIGMA_PX, mode="constant") for x in (level, np.ones_like(level)))
    smooth /= inside + np.finfo(np.float32).eps
    crest = _crest(ndimage.sobel(smooth, axis=0), ndimage.sobel(smooth, axis=1), low)
    pieces, count = ndimage.label(crest > 0, np.ones((3, 3)))
    strong = np.zeros(count + 1, bool)
    strong[pieces[crest >= high]] = True
    return strong[pieces]


def _crest(dv: np.ndarray, du: np.ndarray, low: float) -> np.ndarray:
    """Length of the gradient (dv, du) [H, W] where it is at least `low` and no longer one pixel on along the gradient,
    either way; 0 elsewhere and on the outermost pixels."""
    length = np.sqrt(dv * dv + du * du)
    candidate = length >= low
    candidate[[0, -1]] = candidate[:, [0, -1]] = False
    v, u = np.nonzero(candidate)
    here, rise, run = length[v, u], np.abs(dv[v, u]), np.abs(du[v, u])
    down, right = np.where(dv[v, u] < 0, -1, 1), np.where(du[v, u] < 0, -1, 1)
    # One step along the gradient ends between the pixel straight on and the one across the corner.
    steep = rise > run
    share = np.minimum(rise, run) / np.maximum(rise, run)
    stays = np.ones(len(v), bool)
    for way in (1, -1):
        straight = length[v + way * down * steep, u + way * right * ~steep]
        corner = length[v + way * down, u + way * right]
        stays &= corner * share + straight * (1 - share.astype(np.float64)) <= here
    crest = np.zeros_like(length)
    crest[v[stays], u[stays]] = here[stays]
    return crest
