# SPDX-License-Identifier: Apache-2.0
"""Pyramid pooling (PSPNet, Zhao et al., CVPR 2017): the first values of MoDOT's depth decoder."""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from modot_ros.model.casm import ConvBnRelu

BINS = (1, 2, 3, 6)


class ConvGroupNormRelu(nn.Module):
    """1x1 convolution, group norm of two channels per group, ReLU, always in float32.

    Over a single bin two values per group are normalised, which leaves little more than the sign of their difference:
    half precision would flip it. Modules with `float32 = True` keep their weights when a network is cast.
    """

    float32 = True

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 1, bias=False)
        self.gn = nn.GroupNorm(out_channels // 2, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.gn(self.conv(x)))


class PyramidPooling(nn.Module):
    """[N, in, h, w] -> [N, out, h, w]. The official group norm was meant for the first bin only; it is in all four."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), ConvGroupNormRelu(in_channels, channels)) for bins in BINS)
        self.bottleneck = ConvBnRelu(in_channels + len(BINS) * channels, channels)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for branch in self.psp_modules:
            pooled = branch(x.float()).to(x.dtype)
            maps.append(F.interpolate(pooled, size=x.shape[-2:], mode="bilinear", align_corners=False))
        return self.bottleneck(torch.cat(maps, dim=1))
