# SPDX-License-Identifier: Apache-2.0
"""Residual networks: sizes, widths, and what a block computes."""
import torch
from torch.nn import functional as F

from modot_ros.model.layers.resnet import RESNEXT_101, Bottleneck, GroupedResNet


@torch.inference_mode()
def test_a_bottleneck_adds_its_branch_to_the_shortcut():
    torch.manual_seed(0)
    block = Bottleneck(8, 2, 1, 2, 1).eval()
    x = torch.randn(1, 8, 5, 5)
    y = F.relu(block.bn1(F.conv2d(x, block.conv1.weight)))
    y = F.relu(block.bn2(F.conv2d(y, block.conv2.weight, padding=1)))
    torch.testing.assert_close(block(x), F.relu(block.bn3(F.conv2d(y, block.conv3.weight)) + x))


@torch.inference_mode()
def test_the_stride_is_on_the_middle_convolution_and_the_shortcut_follows():
    block = Bottleneck(4, 2, 2, 2, 1).eval()
    assert (block.conv1.stride, block.conv2.stride, block.downsample[0].stride) == ((1, 1), (2, 2), (2, 2))
    assert block(torch.randn(1, 4, 6, 10)).shape == (1, 8, 3, 5)


@torch.inference_mode()
def test_stages_halve_the_size_and_double_the_channels():
    network, x, sizes = GroupedResNet(2, 4, (1, 2, 1, 1)).eval(), torch.randn(1, 2, 64, 96), []
    for stage in (network.layer1, network.layer2, network.layer3, network.layer4):
        x = stage(x)
        sizes.append(tuple(x.shape[1:]))
    assert sizes == [(16, 16, 24), (32, 8, 12), (64, 4, 6), (128, 2, 3)]
    assert len(network.layer2) == 2


def test_resnext_101_has_32_groups_of_8_in_its_first_stage():
    with torch.device("meta"):
        network = GroupedResNet(3, 64, RESNEXT_101, groups=32, widening=4)
    assert network.layer1[4][0].conv2.weight.shape == (256, 8, 3, 3)
    assert network.layer4[0].conv2.weight.shape == (2048, 64, 3, 3)
    assert len(network.layer3) == 23
