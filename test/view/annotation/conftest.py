# SPDX-License-Identifier: Apache-2.0
"""A folder of three small pictures, and a tiny network that reads strokes."""
import cv2
import numpy as np
import pytest

from modot_ros.model import build_network, save_checkpoint
from modot_ros.predictor import Predictor

SIZE = WIDTH, HEIGHT = 160, 120
TINY = {"encoder_channels": (8, 8, 8, 8), "global_blocks": (0, 0, 0), "encoder_blocks": (1, 1, 1),
        "decoder_channels": (8, 8, 8), "fine_channels": 8, "fine_blocks": 1, "detail_channels": 4}


@pytest.fixture(scope="session")
def scribbler(tmp_path_factory) -> Predictor:
    """Weights by chance, but missing strokes raise the probability and false ones lower it."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    network = build_network("scribble_nano", **TINY).eval()
    with torch.no_grad():
        first, last = network.image_path.convs[0].conv.weight, network.boundary_head
        first[:, 12:16] += 1.0
        first[:, 16:20] -= 1.0
        last.out.weight.fill_(0.2)
        last.out.bias.fill_(0.3)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_checkpoint(path, network, "scribble_nano", config=TINY, depth_kind="none", canonical_focal=None, working_size=None)
    return Predictor("scribble_nano", path, "cpu")


@pytest.fixture
def folder(tmp_path):
    """b.png, a.jpg and c.png, which come in the order of their names; and a file that is no picture of its own."""
    numbers = np.random.default_rng(1)
    for name in ("b.png", "a.jpg", "c.png"):
        picture = np.full((HEIGHT, WIDTH, 3), numbers.integers(30, 90), np.uint8)
        cv2.rectangle(picture, (40, 30), (100, 90), (200, 180, 160), -1)
        cv2.imwrite(str(tmp_path / name), picture)
    cv2.imwrite(str(tmp_path / "c_labels.png"), np.zeros((HEIGHT, WIDTH), np.uint8))
    return tmp_path
