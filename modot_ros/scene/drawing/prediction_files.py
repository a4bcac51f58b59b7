# SPDX-License-Identifier: Apache-2.0
"""A prediction as files that other programs read."""
from __future__ import annotations

import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from modot_ros.prediction import OrderGraph, Prediction
from modot_ros.scene.drawing.overlay import overlay
from modot_ros.scene.drawing.whole_files import write_whole


def graph_record(graph: OrderGraph) -> dict:
    """The order graph for JSON: method, instances, occlusions, depths; what is not finite is None."""
    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        return None if isinstance(value, float) and not np.isfinite(value) else value
    return plain(asdict(graph))


def graph_json(graph: OrderGraph) -> str:
    """`graph_record` as text."""
    return json.dumps(graph_record(graph), indent=1, allow_nan=False)


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
    NAME_classes.png         uint8 ids of CLASS_NAMES, 255 unknown; only of models that predict classes
    NAME_overlay.png         all of it in one picture
    Returns the paths. Raises OSError as `write_whole`, and ValueError for a prediction that lacks a part.
    """
    depth, probability, mask = prediction.depth, prediction.boundary_probability, prediction.boundary_mask
    if depth is None or probability is None or mask is None or prediction.labels is None or prediction.graph is None:
        raise ValueError(f"{name}: only a whole prediction can be written, one with depth, boundary, instances and order")
    pictures = {"boundary": mask.astype(np.uint8) * 255,
                "labels": prediction.labels.astype(np.uint16),
                "overlay": cv2.cvtColor(overlay(rgb, prediction), cv2.COLOR_RGB2BGR)}
    if prediction.classes is not None:
        pictures["classes"] = prediction.classes
    if prediction.depth_kind == "metric":
        pictures["depth_mm"] = depth_millimetres(depth)
    arrays = {"depth": depth, "boundary_prob": probability}
    contents = {f"{kind}.npy": npy_bytes(array.astype(np.float32)) for kind, array in arrays.items()}
    contents |= {f"{kind}.png": png_bytes(picture) for kind, picture in pictures.items()}
    contents["graph.json"] = (graph_json(prediction.graph) + "\n").encode()
    return write_whole({folder / f"{name}_{ending}": content for ending, content in contents.items()})


def npy_bytes(array: np.ndarray) -> bytes:
    """The array as a .npy file."""
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def png_bytes(picture: np.ndarray) -> bytes:
    """uint8 or uint16 [H, W] or [H, W, 3], blue first, as a .png file."""
    return cv2.imencode(".png", picture)[1].tobytes()
