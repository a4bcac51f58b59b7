# SPDX-License-Identifier: Apache-2.0
import json
import sys

import cv2
import numpy as np
import pytest

from modot_ros import cli
from modot_ros.learn.datasets import open_dataset
from modot_ros.learn.mesh2ob.published_convention import without_specks
from modot_ros.learn.training.views import load_views

ENDINGS = {".png", "_depth.npy", "_depth_mm.png", "_normals.npy", "_labels.png", "_boundary.png", "_boundary_class.png",
           "_boundary_side.png", "_pairs.npz", "_graph.json"}


@pytest.fixture
def scene_file(trimesh, box, tmp_path):
    scene = trimesh.Scene()
    for name, part in {"a post": box((0, -0.5, 0.5), (0.1, 0.1, 0.5)), "floor": box((0, 0, -0.1), (2, 2, 0.1)),
                       "wall": box((0, 0.5, 0.4), (1, 0.05, 0.4))}.items():
        scene.add_geometry(part, node_name=name, geom_name=name)
    scene.export(tmp_path / "scene.glb")
    return tmp_path / "scene.glb"


def test_the_command_writes_what_evaluate_and_train_read(scene_file, tmp_path, capsys):
    out = tmp_path / "out"
    assert cli.main(["mesh2ob", str(scene_file), "-o", str(out), "--size", "64x48", "--up", "z"]) == 0
    assert "6 views of 3 instances, 36 triangles" in capsys.readouterr().out
    names = [f"view_{k:03d}" for k in range(6)]
    assert {path.name for path in out.iterdir()} == {name + ending for name in names for ending in ENDINGS} | {
        "index.json", "cameras.json", "shards"}

    samples = list(open_dataset("pairs", out))
    views = load_views(out / "shards")
    assert [one.name for one in samples] == names and len(views) == 6
    for k, one in enumerate(samples):
        labels = cv2.imread(str(out / f"{one.name}_labels.png"), cv2.IMREAD_UNCHANGED)
        assert labels.dtype == np.uint16 and set(np.unique(labels)) == {0, 1, 2, 3}
        np.testing.assert_array_equal(one.valid, labels > 0)
        classes = cv2.imread(str(out / f"{one.name}_boundary_class.png"), cv2.IMREAD_UNCHANGED)
        side = cv2.imread(str(out / f"{one.name}_boundary_side.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(one.boundary, classes > 0)
        np.testing.assert_array_equal(one.boundary, side > 0)
        pairs = np.load(out / f"{one.name}_pairs.npz")
        assert pairs["right"].shape == (48, 63) and pairs["down"].shape == (47, 64)
        np.testing.assert_array_equal(views.boundary[k, 0], one.boundary)
        np.testing.assert_array_equal(views.rgb[k], one.rgb.transpose(2, 0, 1))
        assert views.focal[k] == pytest.approx(0.9) and one.K[0, 0] == pytest.approx(57.6)
        graph = json.loads((out / f"{one.name}_graph.json").read_text())
        assert [instance["name"] for instance in graph["instances"]] == ["a post", "floor", "wall"]
        said = {(one["occluder"], one["occludee"]) for one in graph["occlusions"] if one["boundary_length_px"] >= 4}
        assert said and {(a + 1, b + 1) for a, b in np.argwhere(one.orders.occlusion == 1).tolist()} == said
        assert len(one.orders.depths) == len(graph["depths"]) == 3


def test_the_cameras_that_are_written_give_the_same_views(scene_file, tmp_path):
    first, again = tmp_path / "first", tmp_path / "again"
    cli.main(["mesh2ob", str(scene_file), "-o", str(first), "--size", "32x24", "--up", "z"])
    assert cli.main(["mesh2ob", str(scene_file), "-o", str(again), "--cameras", str(first / "cameras.json")]) == 0
    for name in ("view_004.png", "view_004_boundary.png", "view_004_graph.json"):
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_published_truth_is_where_the_soft_boundary_is_above_zero_less_specks(scene_file, tmp_path):
    out = tmp_path / "out"
    assert cli.main(["mesh2ob", str(scene_file), "-o", str(out), "--size", "32x24", "--up", "z", "--convention",
                     "published", "--supersample", "2"]) == 0
    soft = cv2.imread(str(out / "view_000_boundary_soft.png"), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(soft)) <= {0, 63, 127, 191, 255} and soft.any()
    truth = cv2.imread(str(out / "view_000_boundary_truth.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(truth, 255 * without_specks(soft))
    np.testing.assert_array_equal(open_dataset("pairs", out)[0].boundary, truth > 0)
    np.testing.assert_array_equal(load_views(out / "shards").boundary[0, 0], truth > 0)


@pytest.mark.parametrize("more, says", [
    (["--convention", "loose"], "unknown convention 'loose'"),
    (["--supersample", "0"], "supersample is 0"),
    (["--up", "x"], "unknown axis 'x'"),
])
def test_bad_options_are_said(scene_file, tmp_path, capsys, more, says):
    assert cli.main(["mesh2ob", str(scene_file), "-o", str(tmp_path / "out"), "--size", "32x24", *more]) == 2
    assert says in capsys.readouterr().err


def test_a_missing_package_is_named(scene_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "trimesh", None)
    assert cli.main(["mesh2ob", str(scene_file), "-o", str(tmp_path / "out")]) == 2
    assert "pip install .[mesh]" in capsys.readouterr().err
