# SPDX-License-Identifier: Apache-2.0
"""Pictures and weights that evaluations are tested with: tiny, and on disk as users have them."""
import json

import cv2
import numpy as np
import pytest
import torch

from modot_ros.model import build_network, save_checkpoint


def box_room(seed: int, height=48, width=64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, depth and boundary of a bright box before a dark wall."""
    numbers = np.random.default_rng(seed)
    depth_m, rgb = np.full((height, width), 3.0, np.float32), numbers.integers(30, 60, (height, width, 3)).astype(np.uint8)
    top, left = numbers.integers(8, 14, 2)
    box = (slice(top, top + 20), slice(left, left + 24))
    boundary = np.zeros((height, width), bool)
    depth_m[box], rgb[box], boundary[box] = 1.5, 220, True
    boundary[top + 1:top + 19, left + 1:left + 23] = False
    return rgb, depth_m, boundary


def write_rooms(folder):
    """A folder whose test split is there: three views of 64x48."""
    rgb, depth_m, boundary = (np.stack(arrays) for arrays in zip(*(box_room(seed) for seed in range(3))))
    (folder / "test").mkdir(parents=True)
    np.savez(folder / "test" / "test_256x192_00000.npz", rgb=rgb, depth_m=depth_m.astype(np.float16),
             boundary=boundary.astype(np.uint8), focal=np.full(3, 0.8, np.float32))
    return folder


def write_pairs(folder):
    """A folder of pairs: two with exact depth, one without, one that is no picture."""
    index = []
    folder.mkdir()
    for k, name in enumerate(("exact_0", "exact_1", "sensor", "broken")):
        rgb, depth_m, _ = box_room(k)
        cv2.imwrite(str(folder / f"{name}.jpg"), rgb[:, :, ::-1])
        cv2.imwrite(str(folder / f"{name}_mm.png"), (depth_m * 1000).astype(np.uint16))
        index.append({"name": name, "image": f"{name}.jpg", "depth_mm": f"{name}_mm.png", "K": [51.2, 51.2, 31.5, 23.5],
                      "exact_depth": name.startswith("exact")})
    (folder / "broken.jpg").write_bytes(b"no picture")
    (folder / "index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def instaorder(tmp_path):
    """InstaOrder in its published layout: one picture of three instances, the first in front of the second."""
    folder, boxes = tmp_path / "coco", [(10, 10, 20, 20), (26, 14, 30, 16), (2, 36, 12, 8)]
    (folder / "annotations").mkdir(parents=True), (folder / "val2017").mkdir()
    cv2.imwrite(str(folder / "val2017" / "5.jpg"), box_room(0)[0])
    instances = [{"id": 70 + k, "image_id": 5, "category_id": 3, "bbox": [x, y, w, h],
                  "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]]} for k, (x, y, w, h) in enumerate(boxes)]
    (folder / "annotations" / "instances_val2017.json").write_text(json.dumps({
        "images": [{"id": 5, "file_name": "5.jpg", "height": 48, "width": 64}], "annotations": instances}))
    (folder / "annotations" / "InstaOrder_val2017.json").write_text(json.dumps({"annotations": [{
        "image_id": 5, "instance_ids": [70, 71, 72], "occlusion": [{"order": "1<0", "count": 2}],
        "depth": [{"order": "1<0", "overlap": False, "count": 2}, {"order": "2=0", "overlap": True, "count": 4}]}]}))
    return folder


@pytest.fixture
def rooms(tmp_path):
    return write_rooms(tmp_path / "rooms")


@pytest.fixture
def pairs(tmp_path):
    return write_pairs(tmp_path / "pairs")


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Untrained weights that work at 64x48: 3 m nearly everywhere, boundaries nowhere in particular."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "nano.safetensors"
    save_checkpoint(path, build_network("modot_nano"), "modot_nano", canonical_focal=0.8, working_size=(64, 48),
                    record={"step": 0})
    return path
