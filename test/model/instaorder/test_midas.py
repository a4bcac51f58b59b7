# SPDX-License-Identifier: Apache-2.0
"""MiDaS v2.1: the parts that its goldens, inside InstaDepthNet, cannot tell apart are worked out by hand."""
import pytest
import torch
from torch.nn import functional as F

from modot_ros.model import build_network
from modot_ros.model.instaorder.midas import Fusion, ResidualUnit

TINY = {"planes": 4, "blocks": (1, 1, 1, 1), "groups": 2, "channels": 8}


def test_the_shortcut_of_a_residual_unit_carries_what_is_positive():
    unit = ResidualUnit(1)
    for convolution in (unit.conv1, unit.conv2):
        torch.nn.init.zeros_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
    unit.conv2.bias.data.fill_(0.5)
    x = torch.tensor([[[[-2.0, 3.0]]]])
    torch.testing.assert_close(unit(x), torch.tensor([[[[0.5, 3.5]]]]))
    assert x[0, 0, 0, 0] == -2.0                                # the input is left as it was


def test_a_fusion_doubles_the_size_and_keeps_the_corners():
    fusion = Fusion(1, lateral=False)
    for convolution in (fusion.resConfUnit2.conv1, fusion.resConfUnit2.conv2):
        torch.nn.init.zeros_(convolution.weight)
        torch.nn.init.zeros_(convolution.bias)
    found = fusion(torch.tensor([[[[0.0, 3.0], [6.0, 9.0]]]]))
    rows, columns = torch.tensor([[0.0], [2.0], [4.0], [6.0]]), torch.tensor([0.0, 1.0, 2.0, 3.0])
    torch.testing.assert_close(found[0, 0], rows + columns)


@torch.inference_mode()
def test_disparity_has_the_size_of_the_picture_and_the_encoder_the_strides_4_to_16():
    torch.manual_seed(0)
    network = build_network("midas_v21", **TINY).eval()
    rgb = torch.randn(2, 3, 64, 96)
    maps = network.encode(rgb)
    assert [tuple(feature.shape[1:]) for feature in maps] == [(16, 16, 24), (32, 8, 12), (64, 4, 6)]
    disparity = network(rgb)
    assert disparity.shape == (2, 64, 96) and disparity.min() >= 0
    torch.testing.assert_close(disparity, F.relu(disparity))
    torch.testing.assert_close(disparity, network.decode(maps))


def test_sizes_that_it_cannot_take_are_named():
    with pytest.raises(ValueError, match="96x48.*multiples of 32"):
        build_network("midas_v21", **TINY)(torch.zeros(1, 3, 48, 96))


def test_weights_of_a_midas_file_have_the_names_of_instadepthnets():
    with torch.device("meta"):
        midas, both = build_network("midas_v21"), build_network("instadepthnet_od")
    shared = {key: value.shape for key, value in both.state_dict().items()
              if key.startswith(("pretrained.", "scratch."))}
    assert {key: value.shape for key, value in midas.state_dict().items()} == shared
