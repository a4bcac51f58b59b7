# SPDX-License-Identifier: Apache-2.0
"""Winograd's convolutions against the direct ones: values, memory formats, and what is left alone."""
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from modot_ros.model.layers import winograd
from modot_ros.model.layers.winograd import Winograd, channels_last, planar, use_winograd

needs_nnpack = pytest.mark.skipif(not torch._nnpack_available(), reason="this torch has no NNPACK")


def convolution(inputs=64, outputs=64, kernel=3, **options):
    torch.manual_seed(0)
    return nn.Conv2d(inputs, outputs, kernel, **{"padding": kernel // 2, **options}).requires_grad_(False)


@needs_nnpack
@pytest.mark.parametrize("size", [(32, 32), (33, 47), (10, 101), (31, 9), (1, 1)])
@pytest.mark.parametrize("bias", [True, False])
@torch.inference_mode()
def test_values_are_those_of_the_direct_convolution(size, bias):
    direct = convolution(64, 72, bias=bias)
    x = torch.randn(2, 64, *size).to(memory_format=torch.channels_last)
    expected = F.conv2d(x.double(), direct.weight.double(), direct.bias.double() if bias else None, padding=1)
    found = Winograd(direct)(x)
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=0)
    assert found.is_contiguous(memory_format=torch.channels_last)


@needs_nnpack
@torch.inference_mode()
def test_large_maps_stay_planar_for_the_next_convolution(monkeypatch):
    monkeypatch.setattr(winograd, "MOST_PIXELS_BACK", 1500)
    pair = nn.Sequential(Winograd(convolution()), Winograd(convolution()))
    x = torch.randn(1, 64, 40, 40)
    found = pair(x.to(memory_format=torch.channels_last))
    assert found.is_contiguous()
    torch.testing.assert_close(found, convolution()(convolution()(x)), atol=1e-4, rtol=0)


def test_both_memory_orders_by_hand():
    x = torch.arange(24.0).view(2, 3, 2, 2)
    there = channels_last(x)
    assert torch.equal(there, x) and there.stride() == (12, 1, 6, 3)
    back = planar(there)
    assert torch.equal(back, x) and back.stride() == (12, 4, 2, 1)
    assert planar(x) is x


@needs_nnpack
@torch.inference_mode()
def test_only_what_fits_is_replaced_and_a_network_says_the_same(monkeypatch):
    monkeypatch.setattr(winograd, "MOST_WEIGHTS", 64 * 64 * 9)
    network = nn.Sequential(
        convolution(), convolution(stride=2), convolution(groups=2), convolution(dilation=2, padding=2),
        convolution(padding=0), convolution(64, 32), convolution(32, 64), convolution(kernel=1),
        nn.Sequential(convolution(), nn.ReLU())).to(memory_format=torch.channels_last)
    x = torch.randn(1, 64, 80, 80)
    expected = network(x)
    use_winograd(network)
    assert [k for k, child in enumerate([*network[:8], network[8][0]]) if isinstance(child, Winograd)] == [0, 8]
    assert network[7].weight.stride() == (64, 1, 1, 1)
    torch.testing.assert_close(network(x), expected, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_without_nnpack_nothing_changes(monkeypatch):
    monkeypatch.setattr(torch, "_nnpack_available", lambda: False)
    network = use_winograd(nn.Sequential(convolution()))
    assert type(network[0]) is nn.Conv2d
