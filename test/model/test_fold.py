# SPDX-License-Identifier: Apache-2.0
"""Folding keeps what a network says; casting leaves out what asks for it."""
import pytest
import torch
from torch import nn

from modot_ros.model import build_network
from modot_ros.model.fold import cast, fold_batch_norms
from modot_ros.model.layers.casm import CASM

TINY = {"encoder_channels": (8, 16, 16, 16, 16), "decoder_channels": (16, 16, 8), "detail_channels": 4}


def trained(module: nn.Module) -> nn.Module:
    """With norms as after training: none of their four vectors is the fresh one."""
    torch.manual_seed(3)
    for child in module.modules():
        if isinstance(child, nn.BatchNorm2d):
            child.running_mean.uniform_(-0.5, 0.5)
            child.running_var.uniform_(0.3, 2.0)
            nn.init.uniform_(child.weight, 0.5, 1.5)
            nn.init.uniform_(child.bias, -0.5, 0.5)
    return module.eval()


@torch.inference_mode()
def test_a_folded_network_says_the_same():
    network, image = trained(build_network("modot_nano", **TINY)), torch.randn(2, 3, 64, 96)
    depth_m, logits = network(image)
    fold_batch_norms(network)
    assert not any(isinstance(child, nn.BatchNorm2d) for child in network.modules())
    folded_m, folded_logits = network(image)
    torch.testing.assert_close(folded_m, depth_m, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(folded_logits, logits, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_a_folded_coupling_says_the_same():
    casm, ob, depth = trained(CASM(8, reduction=4)), torch.randn(1, 8, 9, 9), torch.randn(1, 8, 9, 9)
    before = casm(ob, depth)
    torch.testing.assert_close(fold_batch_norms(casm)(ob, depth), before, rtol=1e-4, atol=1e-4)


@torch.inference_mode()
def test_by_hand():
    pair = nn.Sequential(nn.Conv2d(1, 1, 1, bias=False), nn.BatchNorm2d(1, eps=0.0)).eval()
    pair[0].weight.fill_(3.0)
    pair[1].running_mean.fill_(1.0)
    pair[1].running_var.fill_(4.0)
    pair[1].weight.fill_(5.0)
    pair[1].bias.fill_(0.25)
    fold_batch_norms(pair)                                  # 5 (3 x - 1) / 2 + 0.25
    assert pair[0].weight.item() == 7.5 and pair[0].bias.item() == pytest.approx(-2.25)
    assert isinstance(pair[1], nn.Identity)


def test_a_norm_that_follows_no_convolution_stays():
    module = nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 2, 1), nn.ReLU(), nn.BatchNorm2d(2)).eval()
    fold_batch_norms(module)
    assert [type(child) for child in module] == [nn.BatchNorm2d, nn.Conv2d, nn.ReLU, nn.BatchNorm2d]


def test_a_module_that_needs_float32_is_not_cast():
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Sequential(nn.BatchNorm2d(1)), nn.Linear(2, 2))
    network[1].float32 = True
    cast(network, torch.bfloat16)
    assert network[0].weight.dtype == network[2].bias.dtype == torch.bfloat16
    assert network[1][0].running_mean.dtype == network[1][0].weight.dtype == torch.float32
    cast(network[1][0], torch.float16)
    assert network[1][0].running_var.dtype == torch.float16
    assert network[1][0].num_batches_tracked.dtype == torch.int64
