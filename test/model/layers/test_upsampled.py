# SPDX-License-Identifier: Apache-2.0
"""Corners lie on corners."""
import torch

from modot_ros.model.layers.upsampled import Upsampled


def test_corners_stay_and_nothing_is_negative():
    torch.manual_seed(0)
    enlarge = Upsampled(4, 1, 4).eval()
    x = torch.randn(1, 4, 3, 5)
    small, large = enlarge.conv(x), enlarge(x)
    assert large.shape == (1, 1, 12, 20) and large.min() >= 0
    torch.testing.assert_close(large[..., ::11, ::19], small[..., ::2, ::4])
