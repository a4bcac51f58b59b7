# SPDX-License-Identifier: Apache-2.0
"""One frame as a page shows it."""
from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from modot_ros.prediction import OrderGraph, Prediction
from modot_ros.scene.geometry import frontiers_at, rays


@dataclass(frozen=True)
class FrameView:
    """A picture and what is known of it, all of one size [H, W]; what is None is not shown.

    K          float64 [3, 3], pixels, of the picture
    depth      float32 [H, W], metres when `metric`
    boundary   bool [H, W]
    frontiers  float32 [N, 7] and the pixel of each, as scene.geometry.frontiers_at returns them
    numbers    curves over time by name, as "latency ms"
    """

    rgb: np.ndarray                                     # uint8 [H, W, 3]
    K: np.ndarray
    time_s: float
    metric: bool = True
    depth: np.ndarray | None = None
    log_depth_std: np.ndarray | None = None             # float32 [H, W]
    boundary: np.ndarray | None = None
    labels: np.ndarray | None = None                    # int32 [H, W]
    graph: OrderGraph | None = None
    frontiers: tuple[np.ndarray, np.ndarray] | None = None
    true_depth_m: np.ndarray | None = None
    true_boundary: np.ndarray | None = None
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def rays(self) -> np.ndarray:
        """float32 [H, W, 3], z = 1."""
        return rays(self.K, self.rgb.shape[:2])

    @classmethod
    def of(cls, rgb: np.ndarray, prediction: Prediction, time_s: float, numbers: dict[str, float] | None = None) -> FrameView:
        """Of a prediction, seen by a camera of its focal length whose axis meets the middle."""
        height, width = rgb.shape[:2]
        K = np.array([[prediction.focal_px, 0, (width - 1) / 2], [0, prediction.focal_px, (height - 1) / 2], [0, 0, 1]])
        metric = prediction.depth_kind == "metric"
        found = None
        if metric and prediction.depth is not None and prediction.boundary_mask is not None:
            found = frontiers_at(prediction.depth, prediction.boundary_mask, prediction.boundary_side, rays(K, (height, width)))
        return cls(rgb, K, time_s, metric, prediction.depth, prediction.log_depth_std, prediction.boundary_mask,
                   prediction.labels, prediction.graph, found, numbers=numbers or {})
