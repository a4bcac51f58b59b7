# SPDX-License-Identifier: Apache-2.0
"""Networks of disparity as relative depth of a predictor, at a tiny size with random weights."""
import numpy as np
import pytest
import torch

from modot_ros.model import MODELS, build_network, load_network, read_network, save_order_checkpoint
from modot_ros.model.disparity import DISPARITY_MODELS, RelativeDepth, relative_inverse
from modot_ros.predictor import Predictor

TINY = {"planes": 4, "blocks": (1, 1, 1, 1), "groups": 1, "channels": 16}


@pytest.fixture(params=DISPARITY_MODELS)
def file(request, tmp_path):
    torch.manual_seed(0)
    config = TINY | ({} if request.param == "midas_v21" else {"order_blocks": (1, 1, 1, 1)})
    network = build_network(request.param, **config)
    torch.nn.init.constant_(network.scratch.output_conv[-2].bias, 1.0)      # disparity is cut off below 0
    save_order_checkpoint(tmp_path / "w.safetensors", network, request.param, config=config)
    return request.param, tmp_path / "w.safetensors", network.eval()


def test_the_nearest_has_depth_one_and_nothing_is_infinitely_far():
    disparity = torch.tensor([[8.0, 4.0], [0.0, 2.0]])[None, None].repeat(2, 1, 1, 1) * torch.tensor([1.0, 5.0]).view(2, 1, 1, 1)
    found = relative_inverse(disparity)
    assert found[0, 0].tolist() == found[1, 0].tolist() == [[1.0, 0.5], [pytest.approx(0.01), 0.25]]


@torch.no_grad()
def test_a_file_of_orders_predicts_its_disparity(file):
    name, path, network = file
    loaded = load_network(name, path, "cpu")
    image = torch.randn(1, 3, 64, 96, generator=torch.Generator().manual_seed(1))
    depth, logits = loaded.network(image.to(memory_format=torch.channels_last))
    assert isinstance(loaded.network, RelativeDepth) and loaded.depth_kind == "relative" and loaded.canonical_focal is None
    torch.testing.assert_close(1 / depth, relative_inverse(network.disparity(image)[:, None]), rtol=1e-4, atol=1e-5)
    assert logits[-1].shape == depth.shape == (1, 1, 64, 96) and depth.min() == 1.0
    assert loaded.network(image, depth=False)[0] is None and loaded.network(image, boundary=False)[1] is None


def test_a_predictor_runs_it(file):
    name, path, _ = file
    found = Predictor(name, path, "cpu").predict(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))
    assert found.depth_kind == "relative" and found.depth.shape == (48, 64) and found.graph is not None


def test_weights_are_named_by_the_user_and_fit(file):
    name, path, _ = file
    assert name in MODELS
    with pytest.raises(FileNotFoundError, match="the package brings no weights of it"):
        load_network(name, None, "cpu")
    other = next(one for one in DISPARITY_MODELS if one != name)
    with pytest.raises(ValueError, match=f"weights of '{name}', not of '{other}'"):
        load_network(other, path, "cpu")
    with pytest.raises(ValueError, match="weights of"):
        read_network("modot_nano", path)
