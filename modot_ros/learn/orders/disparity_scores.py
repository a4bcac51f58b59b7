# SPDX-License-Identifier: Apache-2.0
"""Scores of a disparity map without instances, as InstaOrder (Lee and Park, CVPR 2022, supplement) gives them for MiDaS
and InstaDepthNet: ordinal pairs of points on DIW (Chen et al., NIPS 2016), depth on KITTI (Eigen et al., NIPS 2014)."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from modot_ros.learn.metrics.depth import DepthMetrics, align, depth_metrics

DIW_SIZE = 384                                          # side of the network's input, whatever the picture's shape
DIW_RELATIONS = ("<", ">", "=")                         # A is closer than B, farther, as far
KITTI_HEIGHT, KITTI_WIDTH = 352, 1216
KITTI_NEAREST_M, KITTI_FARTHEST_M = 1e-3, 80.0


def diw_relation(disparity: np.ndarray, height: int, width: int, a: tuple[int, int], b: tuple[int, int]) -> str:
    """Which of two points of a picture is closer, one of DIW_RELATIONS.

    Args:
        disparity: float [h, w], larger is closer; of the picture at DIW_SIZE (cv2.INTER_LINEAR).
        height, width: of the picture. The disparity is resized to it, bilinearly.
        a, b: row and column as DIW counts them, from 1.

    Raises ValueError for a point outside of the picture.
    """
    for row, column in (a, b):
        if not (1 <= row <= height and 1 <= column <= width):
            raise ValueError(f"point ({row}, {column}) is outside of a picture of {height} rows and {width} columns; "
                             "DIW counts from 1")
    whole = torch.from_numpy(np.asarray(disparity, np.float32))[None, None]
    whole = F.interpolate(whole, size=(height, width), mode="bilinear", align_corners=False)[0, 0]
    at_a, at_b = (float(whole[row - 1, column - 1]) for row, column in (a, b))
    return "<" if at_a > at_b else ">" if at_a < at_b else "="


def diw_whdr(found: Sequence[str], true: Sequence[str]) -> float:
    """Percent of wrong relations; NaN of none. Raises ValueError for unequal numbers and for what is no relation."""
    if len(found) != len(true):
        raise ValueError(f"{len(found)} relations found, {len(true)} true ones: one each is needed")
    for relation in (*found, *true):
        if relation not in DIW_RELATIONS:
            raise ValueError(f"relation {relation!r} is unknown: choose one of {' '.join(DIW_RELATIONS)}")
    return 100.0 * sum(one != other for one, other in zip(found, true)) / len(true) if len(true) else float("nan")


def kitti_window(image: np.ndarray) -> np.ndarray:
    """The bottom centre of a picture or map [H, W, ...], 352x1216: what is looked at and scored. Raises ValueError for
    one that is smaller."""
    height, width = image.shape[:2]
    if height < KITTI_HEIGHT or width < KITTI_WIDTH:
        raise ValueError(f"picture is {width}x{height}: {KITTI_WIDTH}x{KITTI_HEIGHT} at least")
    left = (width - KITTI_WIDTH) // 2
    return image[height - KITTI_HEIGHT:, left:left + KITTI_WIDTH]


def kitti_metrics(disparity: np.ndarray, truth_m: np.ndarray, as_published: bool = False) -> DepthMetrics:
    """Scores of depth from a disparity of unknown scale, between 1 mm and 80 m and scaled by the medians.

    Args:
        disparity: float [h, w], larger is closer.
        truth_m: [h, w] z, unknown where it is not within the limits.
        as_published: disparity is brought to 0..1 by (d - min) / max; else by (d - min) / (max - min).

    Raises ValueError for unequal shapes.
    """
    if disparity.shape != truth_m.shape:
        raise ValueError(f"maps must have one shape, got {disparity.shape} and {truth_m.shape}")
    above = disparity.astype(np.float64) - disparity.min()
    depth = 1.0 / (above / (disparity.max() if as_published else max(above.max(), 1e-12)) + 1e-3)
    known = (truth_m > KITTI_NEAREST_M) & (truth_m < KITTI_FARTHEST_M)
    depth[known] = align(depth[known], truth_m[known], "median")
    return depth_metrics(depth.clip(KITTI_NEAREST_M, KITTI_FARTHEST_M), truth_m, known)
