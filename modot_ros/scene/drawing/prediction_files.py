# SPDX-License-Identifier: Apache-2.0
"""A prediction as files that other programs read."""
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np

from modot_ros.prediction import OrderGraph, Prediction
from modot_ros.scene.drawing.overlay import overlay


def graph_json(graph: OrderGraph) -> str:
    """The order graph as JSON: method, instances, occlusions, depths; what is not finite is null."""
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value
    return json.dumps(plain(asdict(graph)), indent=1, allow_nan=False)


def depth_millimetres(depth_m: np.ndarray) -> np.ndarray:
    """Metres to uint16 millimetres, 0 where there is no estimate or none that fits (REP 118)."""
    known = np.isfinite(depth_m) & (depth_m > 0) & (depth_m < 65.5355)
    return np.where(known, np.round(np.where(known, depth_m, 0) * 1000), 0).astype(np.uint16)


def write_prediction(prediction: Prediction, rgb: np.ndarray, folder: Path, name: str) -> list[Path]:
    """Writes a whole prediction of the picture `rgb` (uint8 [H, W, 3]) into an existing folder.

    NAME_depth.npy           float32 [H, W] metres, unit-free for relative depth; NaN = no estimate,
                             inf = beyond range
    NAME_depth_mm.png        uint16 millimetres, 0 = no estimate; metric depth only
    NAME_boundary_prob.npy   float32 [H, W] in 0..1
    NAME_boundary.png        uint8 0 / 255, one pixel on the occluder's side
    NAME_labels.png          uint16 instance labels, 0 = background
    NAME_graph.json          the order graph, ids being those of the labels
    NAME_overlay.png         all of it in one picture
    Returns the paths. Raises OSError when one can't be written.
    """
    pictures = {"boundary": prediction.boundary_mask.astype(np.uint8) * 255,
                "labels": prediction.labels.astype(np.uint16),
                "overlay": cv2.cvtColor(overlay(rgb, prediction), cv2.COLOR_RGB2BGR)}
    if prediction.depth_kind == "metric":
        pictures["depth_mm"] = depth_millimetres(prediction.depth)
    paths = []
    for kind, array in {"depth": prediction.depth, "boundary_prob": prediction.boundary_probability}.items():
        paths.append(folder / f"{name}_{kind}.npy")
        np.save(paths[-1], array.astype(np.float32))
    for kind, picture in pictures.items():
        paths.append(folder / f"{name}_{kind}.png")
        if not cv2.imwrite(str(paths[-1]), picture):
            raise OSError(f"{paths[-1]} can't be written")
    paths.append(folder / f"{name}_graph.json")
    paths[-1].write_text(graph_json(prediction.graph) + "\n")
    return paths
