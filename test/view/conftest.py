# SPDX-License-Identifier: Apache-2.0
"""A frame of two boxes before a wall, drawn by hand, as a page shows it."""
import numpy as np
import pytest

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.scene.boundaries import thin
from modot_ros.view.frame import FrameView

HEIGHT, WIDTH = 120, 160


def prediction(**changes) -> Prediction:
    depth = np.full((HEIGHT, WIDTH), 3, np.float32)
    labels = np.zeros((HEIGHT, WIDTH), np.int32)
    for label, (rows, columns, z) in {1: (np.s_[30:90], np.s_[20:60], 1.0), 2: (np.s_[40:100], np.s_[50:120], 2.0)}.items():
        free = labels[rows, columns] == 0
        labels[rows, columns][free] = label
        depth[rows, columns][free] = z
    edge = np.zeros((HEIGHT, WIDTH), np.float32)
    edge[:, 1:][np.diff(depth, axis=1) != 0] = 1
    edge[1:][np.diff(depth, axis=0) != 0] = 1
    mask, side = thin(edge, depth, 0.5)
    graph = OrderGraph("geometric", (Instance(1, 2400, (20, 30, 40, 60), 1.0, 1.0, 1.0, "person"),
                                     Instance(2, 3700, (50, 40, 70, 60), 2.0, 2.0, 2.0),
                                     Instance(3, 0, (60, 50, 10, 10), 2.5, 2.4, 2.6, "cup", hidden_by=2),
                                     Instance(4, 9, (0, 0, 3, 3), np.nan, np.nan, np.nan)),
                       (OcclusionOrder(1, 2, 0.9, False, 40.0, 1.0),), (DepthOrder(1, 2, False, False, 0.9),))
    values = {"depth_kind": "metric", "focal_px": 140.0, "depth": depth, "boundary_probability": edge, "boundary_mask": mask,
              "boundary_side": side, "labels": labels, "graph": graph, **changes}
    return Prediction(**values)


@pytest.fixture
def make_frame():
    """make_frame(numbers=None, **fields of Prediction)."""
    def make(numbers=None, **changes) -> FrameView:
        rgb = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
        return FrameView.of(rgb, prediction(**changes), 0.5, numbers)
    return make
