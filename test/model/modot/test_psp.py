# SPDX-License-Identifier: Apache-2.0
"""Pyramid pooling: the convolution before the enlarging against the one after it."""
import pytest
import torch
from torch.nn import functional as F

from modot_ros.model.fold import fold_batch_norms
from modot_ros.model.modot.psp import PyramidPooling


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (6, 5), (15, 20)])
@pytest.mark.parametrize("folded", [False, True])
@torch.inference_mode()
def test_bins_are_convolved_before_they_are_enlarged(size, folded):
    torch.manual_seed(0)
    pooling = PyramidPooling(16, 8).eval()
    for value in pooling.bottleneck.bn.state_dict().values():
        if value.is_floating_point():
            value.uniform_(0.5, 1.5)
    x = torch.randn(2, 16, *size).to(memory_format=torch.channels_last)
    maps = [F.interpolate(branch(x), size=size, mode="bilinear") for branch in pooling.psp_modules]
    expected = pooling.bottleneck(torch.cat([x, *maps], dim=1))
    if folded:
        fold_batch_norms(pooling).to(memory_format=torch.channels_last)
    torch.testing.assert_close(pooling(x), expected, atol=1e-5, rtol=1e-5)
