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


@pytest.fixture
def rooms(tmp_path):
    """A folder whose test split is there: three views of 64x48."""
    rgb, depth_m, boundary = (np.stack(arrays) for arrays in zip(*(box_room(seed) for seed in range(3))))
    folder = tmp_path / "rooms"
    (folder / "test").mkdir(parents=True)
    np.savez(folder / "test" / "test_256x192_00000.npz", rgb=rgb, depth_m=depth_m.astype(np.float16),
             boundary=boundary.astype(np.uint8), focal=np.full(3, 0.8, np.float32))
    return folder


@pytest.fixture
def pairs(tmp_path):
    """A folder of pairs: two with exact depth, one without, one that is no picture."""
    folder, index = tmp_path / "pairs", []
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
def weights(tmp_path):
    """Untrained weights that work at 64x48: 3 m nearly everywhere, boundaries nowhere in particular."""
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "nano.safetensors", build_network("modot_nano"), "modot_nano", canonical_focal=0.8,
                    working_size=(64, 48), record={"step": 0})
    return tmp_path / "nano.safetensors"
