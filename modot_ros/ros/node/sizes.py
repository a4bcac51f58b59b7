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

from modot_ros.prediction import OrderGraph, Prediction
from modot_ros.scene.geometry import resize_depth

WORK_PX = 640 * 480                                     # most pixels of a picture that is worked on


def reduced(rgb: np.ndarray) -> np.ndarray:
    """The picture uint8 [H, W, 3] with at most WORK_PX pixels, its aspect kept; itself when it has no more."""
    height, width = rgb.shape[:2]
    scale = math.sqrt(WORK_PX / (height * width))
    if scale >= 1:
        return rgb
    return cv2.resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)


def resized_labels(labels: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Labels int32 at another size (H, W), by the nearest pixel."""
    return labels if labels.shape == shape else cv2.resize(labels, shape[::-1], interpolation=cv2.INTER_NEAREST)


def enlarged_depth(prediction: Prediction, shape: tuple[int, int]) -> np.ndarray:
    """Its depth at the size (H, W) of the image, without points between surfaces."""
    if prediction.depth.shape == shape:
        return prediction.depth
    return resize_depth(prediction.depth, shape[::-1], prediction.boundary_probability)


def enlarged_map(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """A smooth map float32 at the size (H, W) of the image."""
    return values if values.shape == shape else cv2.resize(values, shape[::-1])


def graph_in_pixels(graph: OrderGraph, factor: float) -> OrderGraph:
    """The graph of a picture that is `factor` times as large: boxes, areas and lengths of contours."""
    return replace(
        graph,
        instances=tuple(replace(one, area_px=round(one.area_px * factor ** 2),
                                bbox_px=tuple(round(value * factor) for value in one.bbox_px)) for one in graph.instances),
        occlusions=tuple(replace(one, boundary_length_px=one.boundary_length_px * factor) for one in graph.occlusions))
