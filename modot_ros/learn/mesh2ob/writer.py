# SPDX-License-Identifier: Apache-2.0
"""Views of a mesh as files: a folder of pairs for `modot evaluate`, with a shard for `modot train`.

For each view
    NAME.png                 RGB
    NAME_depth.npy           float32 [H, W], z in metres; inf = background
    NAME_depth_mm.png        uint16 millimetres; 0 = background, or beyond 65.5 m
    NAME_normals.npy         float32 [H, W, 3], optical frame, towards the camera; 0 = background
    NAME_labels.png          uint16 instances, 0 = background
    NAME_boundary.png        0 / 255, one pixel on the occluder's side
    NAME_boundary_class.png  0, or 1 background, 2 between objects, 3 self
    NAME_boundary_side.png   0, or 1 + direction / 45 degrees towards what is hidden, y down
    NAME_boundary_soft.png   with supersampling: 255 * share of the points in the pixel that are boundary, rounded down
    NAME_boundary_truth.png  with that and the published convention: 0 / 255, soft above 0 less single specks
    NAME_pairs.npz           right int8 [H, W-1], down int8 [H-1, W]: +1 the left / upper pixel occludes, -1 the other
    NAME_graph.json          the orders, ids being those of the labels
and for all
    index.json               the list that the data set `pairs` reads
    cameras.json             the cameras, as `--cameras` reads them
    shards/mesh.npz          rgb, depth, boundary, classes (by the nodes' names, 255 unknown) and focal length for
                             `modot train --mix`, when all are of one size
"""
from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from modot_ros.learn.mesh2ob.cameras import cameras_json
from modot_ros.learn.mesh2ob.mesh import Mesh
from modot_ros.learn.mesh2ob.orders import boundary_classes, true_graph
from modot_ros.learn.mesh2ob.published_convention import without_specks
from modot_ros.learn.mesh2ob.view import Look
from modot_ros.learn.synthetic.camera import Camera
from modot_ros.learn.synthetic.view import View
from modot_ros.scene.drawing.prediction_files import depth_millimetres, graph_json


def write_views(mesh: Mesh, cameras: dict[str, Camera], folder: Path, convention: str = "strict", supersample: int = 1,
                progress=None) -> None:
    """Renders and writes all views into `folder`, made when missing.

    Args:
        convention: one of view.CONVENTIONS.
        supersample: points per pixel and direction of the soft boundary, 1 = none. With the published convention the
            truth of index.json and shard is then where that is above 0, less single specks, as OB-FUTURE's is at 4.
        progress: called with (what, views done, views in all).

    Raises ValueError for an unknown convention or a supersample below 1, OSError when a file can't be written.
    """
    if supersample < 1:
        raise ValueError(f"supersample is {supersample}: must be 1 or more")
    folder.mkdir(parents=True, exist_ok=True)
    index, shard = [], {"rgb": [], "depth_m": [], "boundary": [], "classes": [], "focal": []}
    for done, (name, camera) in enumerate(cameras.items(), 1):
        look = Look(mesh, camera, convention)
        view = look.view()
        soft = look.soft_boundary(supersample) if supersample > 1 else None
        truth = without_specks(soft) if soft is not None and convention == "published" else None
        ending, boundary = ("_boundary", view.boundary) if truth is None else ("_boundary_truth", truth)
        _write_view(view, soft, truth, mesh.names, folder, name)
        K = camera.K
        index.append({"name": name, "image": f"{name}.png", "depth": f"{name}_depth.npy",
                      "boundary": f"{name}{ending}.png", "labels": f"{name}_labels.png", "graph": f"{name}_graph.json",
                      "K": [K[0, 0], K[1, 1], K[0, 2], K[1, 2]]})
        for what, value in (("rgb", view.rgb), ("depth_m", view.depth_m.astype(np.float16)),
                            ("boundary", boundary.astype(np.uint8)), ("classes", view.classes),
                            ("focal", np.float32(K[0, 0] / camera.width))):
            shard[what].append(value)
        if progress:
            progress("views", done, len(cameras))
    (folder / "index.json").write_text(json.dumps(index, indent=1) + "\n")
    (folder / "cameras.json").write_text(cameras_json(cameras) + "\n")
    if len({rgb.shape for rgb in shard["rgb"]}) == 1:
        (folder / "shards").mkdir(exist_ok=True)
        np.savez(folder / "shards" / "mesh.npz", **{what: np.stack(values) for what, values in shard.items()})


def _write_view(view: View, soft: np.ndarray | None, truth: np.ndarray | None, names: tuple[str, ...], folder: Path,
                name: str) -> None:
    pictures = {".png": cv2.cvtColor(view.rgb, cv2.COLOR_RGB2BGR), "_depth_mm.png": depth_millimetres(view.depth_m),
                "_labels.png": view.labels.astype(np.uint16), "_boundary.png": view.boundary.astype(np.uint8) * 255,
                "_boundary_class.png": boundary_classes(view), "_boundary_side.png": view.side}
    if soft is not None:
        pictures["_boundary_soft.png"] = np.floor(255 * soft).astype(np.uint8)
    if truth is not None:
        pictures["_boundary_truth.png"] = truth.astype(np.uint8) * 255
    for ending, picture in pictures.items():
        if not cv2.imwrite(str(folder / f"{name}{ending}"), picture):
            raise OSError(f"{folder / f'{name}{ending}'} can't be written")
    np.save(folder / f"{name}_depth.npy", view.depth_m)
    np.save(folder / f"{name}_normals.npy", view.normals)
    np.savez_compressed(folder / f"{name}_pairs.npz", right=view.boundary_right, down=view.boundary_down)
    (folder / f"{name}_graph.json").write_text(graph_json(true_graph(view, names)) + "\n")
