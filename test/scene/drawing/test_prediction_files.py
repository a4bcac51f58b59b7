# SPDX-License-Identifier: Apache-2.0
"""What other programs read back from the files."""
import json

import cv2
import numpy as np
import pytest

from modot_ros.prediction import DepthOrder, Instance, OcclusionOrder, OrderGraph, Prediction
from modot_ros.scene.drawing.prediction_files import depth_millimetres, graph_json, write_prediction

SHAPE = (6, 8)
RGB = np.full((*SHAPE, 3), 90, np.uint8)
GRAPH = OrderGraph("geometric",
                   (Instance(3, 4, (0, 1, 2, 2), 1.0, 0.9, 1.1, "cup", 0.5),
                    Instance(700, 2, (2, 1, 1, 2), float("inf"), float("nan"), 4.0)),
                   (OcclusionOrder(3, 700, 0.75, False, 2.0, float("inf")),),
                   (DepthOrder(3, 700, False, True, 1.0),))


def prediction(kind: str = "metric") -> Prediction:
    depth = np.full(SHAPE, 1.2344, np.float32)
    depth[0, :2] = np.nan, np.inf
    mask, side, labels = np.zeros(SHAPE, bool), np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.int32)
    mask[1:3, 1], side[1:3, 1] = True, 1
    labels[1:3, :2], labels[1:3, 2] = 3, 700
    return Prediction(kind, 50.0, depth, np.full(SHAPE, 0.25, np.float32), mask, side, labels, GRAPH)


def test_millimetres_are_rounded_and_what_does_not_fit_is_0():
    metres = np.array([[0.0004, 0.0006, 1.2344, 65.535, 65.5354, 65.536, 66, 0, -1, np.nan, np.inf, -np.inf]],
                      np.float32)
    assert depth_millimetres(metres).tolist() == [[0, 1, 1234, 65535, 65535, 0, 0, 0, 0, 0, 0, 0]]
    assert depth_millimetres(metres).dtype == np.uint16


def test_graph_is_strict_json_and_what_is_not_finite_is_null():
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")
    graph = json.loads(graph_json(GRAPH), parse_constant=refuse)
    assert graph["method"] == "geometric"
    first, second = graph["instances"]
    assert (first["id"], first["bbox_px"], first["depth_m"]) == (3, [0, 1, 2, 2], 1.0)
    assert first["name"] == "cup"
    assert (second["depth_m"], second["depth_near_m"], second["depth_far_m"]) == (None, None, 4.0)
    assert graph["occlusions"] == [{"occluder": 3, "occludee": 700, "confidence": 0.75, "mutual": False,
                                    "boundary_length_px": 2.0, "depth_gap_m": None}]
    (depths,) = graph["depths"]
    assert depths == {"near": 3, "far": 700, "equal": False, "overlapping": True, "confidence": 1.0}


def test_everything_written_is_read_back(tmp_path):
    written = prediction()
    paths = write_prediction(written, RGB, tmp_path, "a")
    assert {path.name for path in paths} == {path.name for path in tmp_path.iterdir()} == {
        "a_depth.npy", "a_depth_mm.png", "a_boundary_prob.npy", "a_boundary.png", "a_labels.png",
        "a_graph.json", "a_overlay.png"}
    depth = np.load(tmp_path / "a_depth.npy")
    assert depth.dtype == np.float32
    np.testing.assert_array_equal(depth, written.depth)
    np.testing.assert_array_equal(np.load(tmp_path / "a_boundary_prob.npy"), written.boundary_probability)

    def picture(kind):
        return cv2.imread(str(tmp_path / f"a_{kind}.png"), cv2.IMREAD_UNCHANGED)
    assert picture("depth_mm")[0].tolist() == [0, 0] + [1234] * 6
    np.testing.assert_array_equal(picture("boundary"), written.boundary_mask * 255)
    labels = picture("labels")                          # 700 needs more than eight bits
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, written.labels)
    assert picture("overlay").shape == RGB.shape


def test_relative_depth_has_no_millimetres(tmp_path):
    paths = write_prediction(prediction("relative"), RGB, tmp_path, "a")
    assert "a_depth_mm.png" not in {path.name for path in paths}
    assert (tmp_path / "a_depth.npy").exists()


def test_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        write_prediction(prediction(), RGB, tmp_path / "nowhere", "a")
