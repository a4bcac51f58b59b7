# SPDX-License-Identifier: Apache-2.0
"""One picture, its truth and what was found, side by side, for people to look at."""
from __future__ import annotations

import cv2
import numpy as np

from modot_ros.scene.drawing.overlay import colour_depth, depth_limits

HEIGHT_PX = 240                                         # of a row, at most


def side_by_side(rgb: np.ndarray, true_depth_m: np.ndarray | None, true_boundary: np.ndarray | None, depth: np.ndarray,
                 boundary: np.ndarray) -> np.ndarray:
    """Five panels: picture, true depth, found depth, true boundary, found boundary; what is unknown is black.

    Args:
        rgb: uint8 [H, W, 3]; the other maps may be of another size, but of one.
        true_depth_m: [h, w], NaN where unknown. true_boundary: bool [h, w] or 0..1.
        depth: [h, w]. Both depths share a colour scale, and the found one is scaled to the true median: its shape is
            what one looks for, a factor is better read in a number.
        boundary: bool [h, w], or a probability, which is drawn as bright as it is.

    Returns uint8 [at most HEIGHT_PX, 5 widths, 3].
    """
    depth, panels = np.asarray(depth, np.float32), [rgb]
    known = np.zeros(depth.shape, bool) if true_depth_m is None else np.isfinite(true_depth_m) & (true_depth_m > 0)
    if known.any():
        truth = np.where(known, true_depth_m, np.nan).astype(np.float32)
        limits = depth_limits(truth)
        factor = np.nanmedian(truth) / np.median(depth[known])
        panels += [colour_depth(truth, *limits), colour_depth(depth * np.float32(factor), *limits)]
    else:
        panels += [np.zeros_like(rgb), colour_depth(depth, *depth_limits(depth))]
    panels += [np.zeros_like(rgb) if lines is None else _lines(rgb, lines) for lines in (true_boundary, boundary)]
    height = min(HEIGHT_PX, rgb.shape[0])
    width = round(rgb.shape[1] * height / rgb.shape[0])
    return np.concatenate([cv2.resize(panel, (width, height), interpolation=cv2.INTER_AREA) for panel in panels], 1)


def _lines(rgb: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The picture darkened, with lines of two pixels over it that survive being made smaller."""
    bright = cv2.dilate(np.round(255 * np.asarray(lines, np.float32)).astype(np.uint8), np.ones((2, 2), np.uint8))
    bright = cv2.resize(bright, rgb.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    return np.maximum(rgb // 3, bright[..., None])
