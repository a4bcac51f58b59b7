# SPDX-License-Identifier: Apache-2.0
"""Folders of pictures with truth beside them."""
import json

import numpy as np
import pytest

from modot_ros.classes import CLASS_NAMES
from modot_ros.learn.datasets.order_sample import DepthRelation
from modot_ros.learn.datasets.pairs import pairs


@pytest.fixture
def root(writer, line):
    for name in ("metres.jpg", "millimetres.png", "drawn.png", "alone.png"):
        writer.picture(name)
    depth_m = np.full((6, 8), 2.0)
    depth_m[0, :2] = np.nan, np.inf
    writer.array("metres_depth.npy", depth_m)
    millimetres = np.full((6, 8), 1500, np.uint16)
    millimetres[0, 0] = 0
    writer.values("millimetres_depth_mm.png", millimetres)
    writer.values("millimetres_boundary.png", line)
    writer.values("drawn_boundary.png", line)
    return writer.root


def test_truth_is_found_by_its_name(root, line):
    drawn, metres, millimetres = pairs(root)
    assert [found.name for found in (drawn, metres, millimetres)] == ["drawn", "metres", "millimetres"]
    assert drawn.depth_m is None and drawn.boundary.tolist() == (line > 0).tolist()
    assert metres.valid.sum() == 46 and metres.boundary is None and metres.K is None
    assert millimetres.valid.sum() == 47 and millimetres.depth_m[1, 1] == 1.5 and millimetres.boundary.any()


def test_one_camera_for_all(root, writer):
    writer.text("K.txt", "500 510 4 3\n")
    assert pairs(root)[1].K.tolist() == [[500, 0, 4], [0, 510, 3], [0, 0, 1]]
    writer.text("K.txt", "500 4 3\n")
    with pytest.raises(ValueError, match="K.txt: needs fx fy cx cy"):
        pairs(root)


def test_an_index_says_other_names(root, writer):
    writer.text("index.json", json.dumps([
        {"name": "first", "image": "alone.png", "depth_mm": "millimetres_depth_mm.png", "K": [5, 6, 4, 3]},
        {"image": "drawn.png", "boundary": "drawn_boundary.png", "depth": "metres_depth.npy"},
        {"image": "metres.jpg"}]))
    first, drawn = pairs(root)
    assert first.name == "first" and first.K[1, 1] == 6 and first.depth_m[1, 1] == 1.5
    assert drawn.name == "drawn" and drawn.boundary.any() and drawn.depth_m[1, 1] == 2 and drawn.K is None


@pytest.mark.parametrize("index", ["[{}, 1]", '[{"depth": "a.npy"}]', "{", "3"])
def test_a_broken_index_is_named(root, writer, index):
    writer.text("index.json", index)
    with pytest.raises(ValueError, match="index.json"):
        pairs(root)


def test_instances_have_the_orders_of_their_graph_or_of_their_depth(root, writer):
    labels = np.zeros((6, 8), np.uint16)
    labels[:, 1:4], labels[:, 5:] = 300, 2
    depth_m = np.full((6, 8), 2.0)
    depth_m[:, 5:], depth_m[0, 1:4] = 3.0, np.nan
    for name in ("metres", "drawn"):
        writer.values(f"{name}_labels.png", labels)
    writer.array("metres_depth.npy", depth_m)
    writer.text("drawn_graph.json", json.dumps({"occlusions": [{"occluder": 300, "occludee": 2}], "depths": []}))
    drawn, metres, without = pairs(root)
    assert drawn.orders.occlusion.tolist() == [[0, 0], [1, 0]] and drawn.orders.depths == ()
    assert drawn.orders.modal.sum((1, 2)).tolist() == [18, 18]
    assert metres.orders.occlusion.tolist() == [[-1, -1], [-1, -1]] and without.orders is None
    assert metres.orders.depths == (DepthRelation(1, 0, False, False, 2),)


@pytest.mark.parametrize("graph, said", [
    ('{"occlusions": [{"occluder": 1}], "depths": []}', "drawn_graph.json is no order graph"),
    ('{"occlusions": [{"occluder": 1, "occludee": 8}], "depths": []}', "an order is about 8, but the labels are [1, 2]"),
    ("{", "drawn_graph.json is no JSON"), (None, "drawn_labels.png is (6, 5), the picture (6, 8)")])
def test_broken_orders_are_skipped_and_named(root, writer, graph, said):
    writer.values("drawn_labels.png", np.arange(6 * (8 if graph else 5), dtype=np.uint8).reshape(6, -1) % 2 + 1)
    if graph:
        writer.text("drawn_graph.json", graph)
    pictures = pairs(root)
    assert len(list(pictures)) == 2 and said in pictures.skipped["drawn"]


def test_corrupt_pictures_and_truths_are_skipped(root, writer):
    writer.corrupt("drawn.png")
    writer.array("metres_depth.npy", np.zeros((2, 2)))
    pictures = pairs(root)
    assert [found.name for found in pictures] == ["millimetres"]
    assert set(pictures.skipped) == {"drawn", "metres"} and "(2, 2)" in pictures.skipped["metres"]


def test_what_is_missing_is_said(tmp_path, writer):
    with pytest.raises(FileNotFoundError, match="NAME_depth.npy"):
        pairs(tmp_path / "nowhere")
    writer.picture("alone.png")
    with pytest.raises(ValueError, match="no picture there has a depth, boundary, labels or classes"):
        pairs(tmp_path)


def test_classes_are_own_ids_or_lines_of_a_table(root, writer):
    values = np.full((6, 8), 16, np.uint8)
    values[0] = 255
    writer.values("alone_classes.png", values)
    assert pairs(root)[0].name == "alone"
    assert pairs(root)[0].classes.tolist() == values.tolist()
    writer.values("alone_classes.png", np.full((6, 8), 2, np.uint8))
    writer.text("classes.txt", "wall\narmchair\n")
    assert (pairs(root)[0].classes == CLASS_NAMES.index("chair")).all()
    (root / "classes.txt").unlink()
    for wrong, match in ((np.full((6, 8), 20, np.uint8), "alone_classes.png has the class id 20, the table ends at 19"),
                         (np.zeros((5, 8), np.uint8), "alone_classes.png is 8x5, its picture 8x6")):
        writer.values("alone_classes.png", wrong)
        with pytest.raises(ValueError, match=match):
            pairs(root)[0]
