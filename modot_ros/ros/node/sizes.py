# SPDX-License-Identifier: Apache-2.0
"""The size at which a frame is worked on, and the way back to its image's: cost follows the network, not the camera.

The network sees some 256x192 pixels of any picture. Regions, ids, orders and clouds of a 4K camera are no better than those
of 640x480, and would take twenty times as long.
"""
from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np

from modot_ros.prediction import SIDE_STEPS, OrderGraph, Prediction
from modot_ros.scene.geometry import resize_depth

WORK_PX = 640 * 480                                     # most pixels of a picture that is worked on
_STEPS = np.array(((0, 0), *SIDE_STEPS))                # (du, dv) by code of the hidden side


def reduced(rgb: np.ndarray) -> np.ndarray:
    """The picture uint8 [H, W, 3] with at most WORK_PX pixels, its aspect kept; itself when it has no more.

    Halved by means of 2x2 pixels as often as it is more than twice as large, the rest is bilinear: a fifth of the time of
    cv2.INTER_AREA.
    """
    height, width = rgb.shape[:2]
    scale = math.sqrt(WORK_PX / (height * width))
    if scale >= 1:
        return rgb
    while rgb.shape[0] >= 4 and rgb.shape[1] >= 4 and rgb.shape[0] * rgb.shape[1] >= 4 * WORK_PX:
        rows, columns = rgb.shape[0] // 2, rgb.shape[1] // 2
        rgb = cv2.resize(rgb[:2 * rows, :2 * columns], (columns, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))))


def resized_labels(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Labels int32 or uint16 at another size (H, W), by the nearest pixel."""
    # the exact kind is also five times as fast
    return labels if labels.shape == shape else cv2.resize(labels, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def enlarged_depth(prediction: Prediction, shape: tuple[int, int]) -> np.ndarray:
    """Its depth at the size (H, W) of the image, without points between surfaces."""
    if prediction.depth.shape == shape:
        return prediction.depth
    return resize_depth(prediction.depth, shape[::-1], prediction.boundary_probability)


def enlarged_map(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A smooth map float32 at the size (H, W) of the image."""
    return values if values.shape == shape else cv2.resize(values, shape[::-1])


def enlarged_boundary(mask: np.ndarray, side: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Boundaries at the size (H, W) of the image: lines of one pixel along the side of the occluder's pixels that hides.

    mask     bool [h, w], lines one pixel thick
    side     uint8 [h, w], code of the hidden side on the mask (prediction.SIDE_STEPS)
    returns  bool [H, W]; neighbours on the mask are joined, but for corners that their other neighbours join already
    """
    if mask.shape == shape:
        return mask
    rows, columns = mask.shape
    scale = np.array((shape[1] / columns, shape[0] / rows))
    canvas = np.zeros((rows + 2, columns + 2), bool)
    canvas[1:-1, 1:-1] = mask
    v, u = np.nonzero(mask)
    at = np.stack((u, v), axis=1)
    corner = (at + 0.5) * scale - 0.5 + _STEPS[side[mask]] * (scale - 1) / 2
    number = np.zeros(canvas.shape, np.int32)
    number[v + 1, u + 1] = np.arange(len(at))
    corner = np.rint(corner).astype(np.int32)
    pieces = [np.stack((corner, corner), axis=1)]
    for du, dv in ((1, 0), (0, 1), (1, 1), (-1, 1)):
        joined = canvas[v + 1 + dv, u + 1 + du]
        if du and dv:
            joined &= ~(canvas[v + 1, u + 1 + du] | canvas[v + 1 + dv, u + 1])
        pieces.append(np.stack((corner[joined], corner[number[v + 1 + dv, u + 1 + du][joined]]), axis=1))
    large = np.zeros(shape, np.uint8)
    cv2.polylines(large, list(np.concatenate(pieces)), isClosed=False, color=1)
    return large.view(bool)


def graph_in_pixels(graph: OrderGraph, factor: float) -> OrderGraph:
    """The graph of a picture that is `factor` times as large: boxes, areas and lengths of contours."""
    return replace(
        graph,
        instances=tuple(replace(one, area_px=round(one.area_px * factor ** 2),
                                bbox_px=tuple(round(value * factor) for value in one.bbox_px)) for one in graph.instances),
        occlusions=tuple(replace(one, boundary_length_px=one.boundary_length_px * factor) for one in graph.occlusions))
