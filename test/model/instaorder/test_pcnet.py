# SPDX-License-Identifier: Apache-2.0
"""PCNet-M against the official outputs."""
import numpy as np
import pytest
import torch

from modot_ros.model import build_network


@pytest.mark.parametrize("order", ["ab", "ba"])
@torch.inference_mode()
def test_outputs_and_features_are_the_official_ones(order_golden, order_network, order):
    network = order_network("pcnet_m")
    _, first, second = order_golden.net_input(1, 64, 64)
    seen = {}
    for part in ("inc", "down4"):
        network.get_submodule(part).register_forward_hook(
            lambda module, inputs, out, part=part: seen.__setitem__(part, out[:1, :6, :4, :4].clone()))
    with np.load(order_golden.folder / "net_pcnet_m.npz") as stored:
        found = network(torch.cat([first, second] if order == "ab" else [second, first], dim=1))
        torch.testing.assert_close(found, torch.from_numpy(stored[f"64x64/out_{order}"]), rtol=0, atol=1e-4)
        if order == "ab":
            for part, feature in seen.items():
                torch.testing.assert_close(feature, torch.from_numpy(stored[f"64x64/feat/{part}"]), rtol=0, atol=1e-4)


@torch.inference_mode()
def test_every_pixel_gets_two_logits():
    network = build_network("pcnet_m", planes=4).eval()
    assert network(torch.zeros(3, 2, 32, 48)).shape == (3, 2, 32, 48)
    assert (network.mode, network.size) == ("patch", 256)
