# SPDX-License-Identifier: Apache-2.0
"""Depth Anything behind our door: the adapter on a network that is known, and on a small one with random weights."""
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from modot_ros.model import MODELS, load_network
from modot_ros.model.depth_anything import HUB, DepthAnything
from modot_ros.model.disparity import step_logits
from modot_ros.predictor import Predictor


class Says(nn.Module):
    """Answers with a map, whatever it sees, and remembers the size that it was shown."""

    def __init__(self, values, kind):
        super().__init__()
        self.values, self.config = values, SimpleNamespace(depth_estimation_type=kind, max_depth=20.0)

    def forward(self, image):
        self.shown = tuple(image.shape[-2:])
        return SimpleNamespace(predicted_depth=self.values)


def step(near=4.0, far=1.0):
    """Inverse depth of a wall that ends after column 31."""
    return torch.where(torch.arange(64) < 32, near, far).expand(1, 48, 64).contiguous()


def test_relative_answers_become_depth_that_grows():
    network = DepthAnything(Says(step(8.0, 2.0), "relative"))
    depth, logits = network(torch.zeros(1, 3, 48, 64))
    assert network.depth_kind == "relative" and network.max_depth_m == math.inf
    assert depth[0, 0, 0, 0] == 1.0 and depth[0, 0, 0, -1] == 4.0
    assert network.model.shown == (42, 70)                  # the nearest multiples of the patch
    assert logits[0].shape == (1, 1, 48, 64)
    sky = DepthAnything(Says(step(8.0, 0.0), "relative"))(torch.zeros(1, 3, 48, 64))[0]
    assert torch.isfinite(sky).all() and sky.max() == 100.0


def test_metric_answers_stay_metres_and_heads_can_be_left_out():
    network = DepthAnything(Says(step(1.0, 4.0), "metric"))
    depth, logits = network(torch.zeros(1, 3, 48, 64), boundary=False)
    assert depth[0, 0, 0, [0, -1]].tolist() == [1.0, 4.0] and logits is None and network.max_depth_m == 20.0
    assert network(torch.zeros(1, 3, 48, 64), depth=False)[0] is None


def test_boundaries_are_steps_and_no_slopes():
    found = step_logits(step()[:, None])[0, 0] > 0
    assert found[:, 30:34].all() and not found[:, :28].any() and not found[:, 36:].any()
    floor = (0.05 + 0.03 * torch.arange(48.0))[:, None].expand(48, 64)[None, None]
    assert not (step_logits(floor) > 0).any()
    assert torch.equal(step_logits(step()[:, None]).mT, step_logits(step()[:, None].mT.contiguous()))
    small = step_logits(step(1.0, 0.95)[:, None])
    assert (small < 0).all() and small.max() > small.min()


def test_names_are_among_the_models_and_what_is_missing_is_said(monkeypatch, tmp_path):
    assert set(HUB) <= set(MODELS) and HUB["depth_anything_v2_small"] == "depth-anything/Depth-Anything-V2-Small-hf"
    assert HUB["depth_anything_v2_metric_indoor_large"] == "depth-anything/Depth-Anything-V2-Metric-Indoor-Large-hf"
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ModuleNotFoundError, match="pip install transformers"):
        load_network("depth_anything_v2_small", device="cpu")


def save_small(folder, kind):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    backbone = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=4, num_attention_heads=2, mlp_ratio=2, image_size=70, patch_size=14,
        out_indices=[1, 2, 3, 4], apply_layernorm=True, reshape_hidden_states=False)
    config = transformers.DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=24, neck_hidden_sizes=[8, 8, 16, 16], fusion_hidden_size=8,
        head_hidden_size=8, depth_estimation_type=kind, max_depth=20 if kind == "metric" else 1)
    transformers.DepthAnythingForDepthEstimation(config).save_pretrained(folder)


@pytest.mark.parametrize("kind, name", [("relative", "depth_anything_v2_small"),
                                        ("metric", "depth_anything_v2_metric_indoor_base")])
def test_a_small_network_predicts(tmp_path, kind, name):
    save_small(tmp_path, kind)
    predictor = Predictor(name, tmp_path, "cpu")
    said = predictor.predict(np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8), focal_px=70.0)
    assert said.depth_kind == kind and said.depth.shape == said.boundary_probability.shape == (60, 80)
    assert np.isfinite(said.depth).all() and (said.depth > 0).all() and said.graph is not None
    other = "depth_anything_v2_small" if kind == "metric" else "depth_anything_v2_metric_indoor_base"
    with pytest.raises(ValueError, match=f"depth is {kind}, that of {other} is"):
        load_network(other, tmp_path, "cpu")


def test_folders_that_hold_something_else_are_named(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    with pytest.raises(FileNotFoundError, match="nowhere.*huggingface-cli download depth-anything"):
        load_network("depth_anything_v2_small", tmp_path / "nowhere", "cpu")
    (tmp_path / "config.json").write_text('{"model_type": "depth_anything"}')
    with pytest.raises(FileNotFoundError, match="can't be had"):
        load_network("depth_anything_v2_small", tmp_path, "cpu")
    (tmp_path / "config.json").write_text('{"model_type": "dpt"}')
    with pytest.raises(ValueError, match="weights of 'dpt'"):
        load_network("depth_anything_v2_small", tmp_path, "cpu")
